//! Requests that go on while certificates change.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use peergate_sandbox::wait::{TIMEOUT, wait_for};
use peergate_sandbox::{Client, Request};

/// Requests one after the other, until told to end.
pub(crate) struct Load {
    pub(crate) ends: Arc<AtomicBool>,
    pub(crate) sent: Arc<AtomicU64>,
    pub(crate) failed: Arc<Mutex<Vec<String>>>,
    pub(crate) threads: Vec<JoinHandle<()>>,
}

impl Load {
    pub(crate) fn start(target: SocketAddr) -> Self {
        let mut load = Self {
            ends: Arc::default(),
            sent: Arc::default(),
            failed: Arc::default(),
            threads: Vec::new(),
        };
        for _ in 0..2 {
            let (ends, sent, failed) = (load.ends.clone(), load.sent.clone(), load.failed.clone());
            load.threads.push(std::thread::spawn(move || {
                let client = Client::new(target).unwrap();
                while !ends.load(Ordering::Relaxed) {
                    match client.send(&Request::get("/")) {
                        Ok(response) if response.status == 200 => {}
                        other => failed.lock().unwrap().push(format!("{other:?}")),
                    }
                    sent.fetch_add(1, Ordering::Relaxed);
                }
            }));
        }
        load
    }

    /// Waits until this many more requests are through.
    pub(crate) fn go_on(&self, count: u64) {
        let enough = self.sent.load(Ordering::Relaxed) + count;
        let is_enough = || Ok((self.sent.load(Ordering::Relaxed) >= enough).then_some(()));
        wait_for("requests", TIMEOUT, is_enough).unwrap();
    }

    pub(crate) fn end(self) -> (u64, Vec<String>) {
        self.ends.store(true, Ordering::Relaxed);
        for thread in self.threads {
            thread.join().unwrap();
        }
        let failed = self.failed.lock().unwrap().clone();
        (self.sent.load(Ordering::Relaxed), failed)
    }
}
