//! Draws the pictures in `docs/monitoring.md`: the dashboards after some minutes of traffic through
//! a real Envoy.

mod picture;

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use peergate_tests::monitoring::{Mesh, files};

use picture::WINDOW;

fn main() {
    let mesh = Mesh::start();
    let begin = Instant::now();
    while begin.elapsed() < WINDOW {
        mesh.call();
        // Traffic alternates every half minute.
        let pause = if (begin.elapsed().as_secs() / 30).is_multiple_of(2) {
            40
        } else {
            120
        };
        thread::sleep(Duration::from_millis(pause));
    }
    for (name, dashboard) in files::dashboards() {
        let picture = picture::draw(&mesh.prometheus, &dashboard);
        let name = name.replace(".json", ".svg");
        fs::write(files::path("docs/pictures").join(name), picture).unwrap();
    }
}
