//! A flood of denials: what it makes a proxy keep and write is bounded.

use std::collections::BTreeSet;
use std::thread;
use std::time::Instant;

use peergate_sandbox::Request;

use crate::log::decisions;
use crate::mesh::{Mesh, WEB};

/// How many requests are denied. `PEERGATE_FLOOD` asks for another number.
const REQUESTS: usize = 100_000;

/// How many callers there are, each with connections of its own.
const CALLERS: usize = 8;

/// How many lines a second are logged at most, by each worker: 10 about callers of the mesh, and as many
/// about strangers.
const LINES: usize = 20;

/// How long a line is at most, in bytes, with what the proxy puts before it.
const LONGEST_LINE: usize = 6_000;

fn requests() -> usize {
    let asked = std::env::var("PEERGATE_FLOOD").ok();
    asked.map_or(REQUESTS, |number| number.parse().unwrap())
}

/// Has so many requests denied, no two of them alike.
fn flood(mesh: &Mesh, count: usize) {
    thread::scope(|scope| {
        for caller in 0..CALLERS {
            scope.spawn(move || {
                let id = format!("spiffe://cluster.local/ns/flood/sa/caller-{caller}");
                let client = match caller {
                    0 => mesh.plaintext_client(),
                    1 => mesh.client_as("spiffe://evil.example/flood"),
                    2 => mesh.client_as("urn:flood"),
                    _ => mesh.client_as(&id),
                };
                let mut connection = client.connect().unwrap();
                for number in 0..count / CALLERS {
                    // Envoy makes three characters of each of these, and JSON would make more.
                    let long = "\"".repeat(if number % 100 == 0 { 10_000 } else { 0 });
                    let request = Request::get(&format!("/{caller}/{number}{long}?{number}"))
                        .authority(&format!("host-{number}.example"))
                        .header(&format!("x-flood-{number}"), "a")
                        .header("x-peergate", format!("caller=\"{number}\""));
                    let response = connection.send(&request).unwrap();
                    assert_eq!(response.status, 403);
                }
            });
        }
    });
}

fn series(mesh: &Mesh) -> BTreeSet<String> {
    let stats = mesh.envoy.stats().unwrap();
    let lines = stats.lines().filter(|line| line.starts_with("peergate_"));
    lines
        .filter_map(|line| Some(line.rsplit_once(' ')?.0.to_owned()))
        .collect()
}

#[test]
fn a_flood_of_denials_makes_no_series_few_lines_and_no_memory() {
    let mesh = Mesh::start();
    let memory = || {
        let metrics = mesh.envoy.metrics().unwrap();
        metrics.value("peergate_memory_bytes", &[]).unwrap()
    };
    // Buffers, and what is kept of certificates, reach their size.
    flood(&mesh, CALLERS * 100);
    let (before, memory_before) = (series(&mesh), memory());
    let logged_before = decisions(&mesh, 1).len();
    let start = Instant::now();
    let count = requests() / CALLERS * CALLERS;
    flood(&mesh, count);
    let seconds = usize::try_from(start.elapsed().as_secs()).unwrap() + 2;

    assert_eq!(series(&mesh), before);
    assert!(
        (memory() - memory_before).abs() < f64::EPSILON,
        "{memory_before} to {}",
        memory()
    );
    let logged = decisions(&mesh, 1).len();
    let workers = thread::available_parallelism().unwrap().get();
    let most = LINES * workers * seconds;
    assert!(
        logged - logged_before <= most,
        "{logged} lines in {seconds} s"
    );
    let log = mesh.envoy.log().unwrap();
    let longest = log.lines().map(str::len).max().unwrap();
    assert!(longest <= LONGEST_LINE, "{longest} bytes");
    // What was left out is counted.
    let metrics = mesh.envoy.metrics().unwrap();
    let value = |name: &str| metrics.value(name, &[]).unwrap();
    let all = f64::from(u32::try_from(count + CALLERS * 100 - logged).unwrap());
    assert!((value("peergate_log_lines_omitted_total") - all).abs() < f64::EPSILON);
    mesh.client_as(WEB).send(&Request::get("/orders")).unwrap();
    mesh.assert_still_serves();
}
