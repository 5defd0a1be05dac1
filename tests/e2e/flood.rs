//! A flood of requests causes only a bounded number of series, log lines and bytes of memory.

use std::collections::BTreeSet;
use std::thread;
use std::time::Instant;

use peergate_sandbox::Request;
use policy_schema::identity::MAX_ID;
use policy_schema::reporting::LearningSpec;
use proptest::strategy::{Strategy, ValueTree as _};
use proptest::test_runner::TestRunner;
use proptest::{option, prop_oneof};

use crate::log::decisions;
use crate::mesh::{Mesh, WEB, plugin_config};

/// The number of denied requests. `PEERGATE_FLOOD` overrides it.
const REQUESTS: usize = 100_000;

/// The number of callers, each with its own certificate and connection: more than the filter
/// caches.
const CALLERS: usize = 1_500;

/// Slightly more than the number of certificates that the filter caches.
const MORE_THAN_CACHED: usize = 1_040;

/// The number of concurrent callers.
const CONCURRENT_CALLERS: usize = 8;

/// The maximum number of log lines per second from the single worker: 10 about callers of the mesh,
/// and 10 about strangers.
const MAX_LINES_PER_SECOND: usize = 20;

/// The maximum length of a line in bytes, including the proxy's prefix.
const MAX_LINE_LEN: usize = 8_000;

fn requests() -> usize {
    let asked = std::env::var("PEERGATE_FLOOD").ok();
    asked.map_or(REQUESTS, |number| number.parse().unwrap())
}

/// The URI name in a caller's certificate; `None` without TLS.
type Caller = Option<String>;

fn mesh_callers() -> impl Strategy<Value = String> {
    "spiffe://(cluster\\.local|old\\.example)(/[a-zA-Z0-9_-]{1,40}){1,6}"
}

fn strangers() -> impl Strategy<Value = Caller> {
    let foreign = "spiffe://[a-z0-9-]{1,40}\\.example(/[a-z0-9-]{1,40}){1,6}";
    let malformed = "[!-~]{1,200}";
    option::weighted(0.9, prop_oneof![foreign, malformed])
}

fn any_caller() -> impl Strategy<Value = Caller> {
    prop_oneof![mesh_callers().prop_map(Some), strangers()]
}

/// `count` random callers, the same on every run.
fn random(callers: impl Strategy<Value = Caller>, count: usize) -> Vec<Caller> {
    let mut runner = TestRunner::deterministic();
    let mut caller = || callers.new_tree(&mut runner).unwrap().current();
    (0..count).map(|_| caller()).collect()
}

/// Callers of the mesh with names of maximum length, which use the most memory in the cache.
fn longest_names(count: usize) -> Vec<Caller> {
    let caller = |number| {
        let start = format!("spiffe://cluster.local/flood/{number}/");
        let rest = "a".repeat(MAX_ID - start.len());
        Some(start + &rest)
    };
    (0..count).map(caller).collect()
}

/// Lets each caller send `each` distinct requests below `path`, and asserts their status.
fn flood(mesh: &Mesh, callers: &[Caller], each: usize, path: &str, status: u16) {
    let numbered: Vec<_> = callers.iter().enumerate().collect();
    thread::scope(|scope| {
        for callers in numbered.chunks(callers.len().div_ceil(CONCURRENT_CALLERS)) {
            scope.spawn(move || {
                for (caller, name) in callers {
                    let client = match name {
                        Some(name) => mesh.client_as(name),
                        None => mesh.plaintext_client(),
                    };
                    let mut connection = client.connect().unwrap();
                    for number in 0..each {
                        // Envoy encodes each of these as three characters, and JSON would as even
                        // more.
                        let is_long = number == 0 && status == 403;
                        let long = "\"".repeat(if is_long { 10_000 } else { 0 });
                        let request =
                            Request::get(&format!("{path}/{caller}-{number}{long}?{number}"))
                                .authority(&format!("host-{caller}-{number}.example"))
                                .header(&format!("x-flood-{caller}-{number}"), "a")
                                .header("x-peergate", format!("caller=\"{number}\""));
                        let response = connection.send(&request).unwrap();
                        assert_eq!(response.status, status, "{name:?}");
                    }
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

fn memory(mesh: &Mesh) -> f64 {
    let metrics = mesh.metrics();
    metrics.value("peergate_memory_bytes", &[]).unwrap()
}

#[track_caller]
fn assert_same(before: f64, now: f64) {
    assert!((now - before).abs() < f64::EPSILON, "{before} to {now}");
}

#[test]
fn a_flood_of_denials_uses_no_series_few_lines_and_no_memory() {
    let mesh = Mesh::start();
    // Buffers and the certificate cache reach their final size.
    let longest_names = longest_names(MORE_THAN_CACHED);
    flood(&mesh, &longest_names, 2, "", 403);
    let (series_before, memory_before) = (series(&mesh), memory(&mesh));
    let logged_before = decisions(&mesh, 1).len();
    let start = Instant::now();
    let each = requests().div_ceil(CALLERS);
    flood(&mesh, &random(any_caller(), CALLERS), each, "", 403);
    let seconds = usize::try_from(start.elapsed().as_secs()).unwrap() + 2;

    assert_eq!(series(&mesh), series_before);
    assert_same(memory_before, memory(&mesh));
    let logged = decisions(&mesh, 1).len();
    assert!(
        logged - logged_before <= MAX_LINES_PER_SECOND * seconds,
        "{logged} lines in {seconds} s"
    );
    let log = mesh.envoy.log().unwrap();
    let longest_line = log.lines().map(str::len).max().unwrap();
    assert!(longest_line <= MAX_LINE_LEN, "{longest_line} bytes");
    // Omitted lines are counted.
    let omitted = each * CALLERS + 2 * longest_names.len() - logged;
    let metrics = mesh.metrics();
    let value = |name, labels: &[_]| metrics.value(name, labels).unwrap();
    let omitted = f64::from(u32::try_from(omitted).unwrap());
    assert_same(omitted, value("peergate_log_lines_omitted_total", &[]));
    // All kinds of callers were among them.
    for reason in [
        "no-rule-matched",
        "no-identity",
        "malformed-identity",
        "foreign-trust-domain",
    ] {
        let denied = value("peergate_decisions_total", &[("peergate_reason", reason)]);
        assert!(denied > 0.0, "{reason}");
    }
    mesh.assert_still_serves();
}

#[test]
fn a_flood_in_learning_mode_is_bounded() {
    let most = 200;
    let mesh = Mesh::with_config(plugin_config(|config| {
        config.reporting.learning = Some(LearningSpec {
            max_series: Some(most),
        });
    }));
    let half = usize::from(most) / 2;
    let observed = || {
        let series = series(&mesh).into_iter();
        let observed = series.filter(|name| name.starts_with("peergate_observed_requests_total"));
        observed.count()
    };
    let strangers = random(strangers(), 100);
    let web = vec![Some(WEB.to_owned()); CONCURRENT_CALLERS];
    assert_eq!(observed(), 0);
    // All strangers are counted as one, and use up no series.
    flood(&mesh, &strangers, 3, "", 403);
    assert_eq!(observed(), 1);
    // Denied callers may use half of the series, and share one for all further requests.
    flood(&mesh, &longest_names(MORE_THAN_CACHED), 2, "", 403);
    assert_eq!(observed(), 1 + half + 1);
    flood(&mesh, &web, half, "/orders", 200);
    assert_eq!(observed(), 1 + 2 * (half + 1));

    let (series_before, memory_before) = (series(&mesh), memory(&mesh));
    flood(&mesh, &random(any_caller(), 200), 20, "/again", 403);
    flood(&mesh, &web, 2 * half, "/orders", 200);
    assert_eq!(series(&mesh), series_before);
    assert_same(memory_before, memory(&mesh));
    mesh.assert_still_serves();
}
