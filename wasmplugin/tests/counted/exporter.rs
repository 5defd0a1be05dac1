//! A metrics endpoint with values that tests choose.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};

/// A fake proxy for Prometheus to scrape. It runs as long as the process.
pub(crate) struct Exporter {
    pub(crate) address: SocketAddr,
    text: Arc<Mutex<String>>,
}

impl Exporter {
    pub(crate) fn serving(text: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let text = Arc::new(Mutex::new(text.to_owned()));
        let shared = Arc::clone(&text);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                // Requests are small and all alike.
                let _ = stream.read(&mut [0; 4096]);
                let text = shared.lock().unwrap().clone();
                let _ = write!(
                    stream,
                    "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{text}",
                    text.len()
                );
            }
        });
        Self { address, text }
    }

    pub(crate) fn set(&self, text: &str) {
        text.clone_into(&mut self.text.lock().unwrap());
    }
}
