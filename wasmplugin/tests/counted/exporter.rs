//! Metrics that say what a test wants them to, where Prometheus can read them.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};

/// A proxy as far as Prometheus can tell. It answers for as long as the process runs.
pub(crate) struct Exporter {
    pub(crate) address: SocketAddr,
    text: Arc<Mutex<String>>,
}

impl Exporter {
    pub(crate) fn saying(text: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let text = Arc::new(Mutex::new(text.to_owned()));
        let said = Arc::clone(&text);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                // The request is small, and all of them are alike.
                let _ = stream.read(&mut [0; 4096]);
                let text = said.lock().unwrap().clone();
                let _ = write!(
                    stream,
                    "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{text}",
                    text.len()
                );
            }
        });
        Self { address, text }
    }

    pub(crate) fn say(&self, text: &str) {
        text.clone_into(&mut self.text.lock().unwrap());
    }
}
