//! Envoy's own RBAC, the filter in Envoy, and the engine decide alike.
//!
//! Random policies are loaded into two listeners of one Envoy: with the filter, and with RBAC as
//! Istio would configure it. Both are asked over mTLS, by callers whose certificates are made on
//! the way, and must answer what the engine says. `make parity` sets how much is asked, and from
//! which seed on; what differs is made as small as it stays different.

mod callers;
mod case;
mod client;
mod clusters;
mod compare;
mod corpus;
mod imported;
mod known_difference;
mod planted;
mod proxy;
mod shape;
mod shrink;
mod tcp;
mod without_http;
mod workload;

use std::time::SystemTime;
use std::{env, fs};

use peergate_tests::random::{Asked, Names};
use policy_schema::rule_spec::Otherwise;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};

use serde_json::json;

use callers::Callers;
use case::{documents, understand};
use compare::{Counts, compare, compiled};

/// Signs the tokens of the tests.
const JWT_KEY: &[u8] = b"a key of thirty-two bytes or more";

/// Requests for each policy.
const REQUESTS: u32 = 100;
/// Policies in one Envoy.
const POLICIES: u32 = 10;
/// What `make test` asks.
const CASES: u32 = 3_000;

#[test]
fn rbac_and_the_filter_decide_what_the_policy_says() {
    let number = |name, default: u32| match env::var(name) {
        Ok(text) => text.parse().expect(name),
        Err(_) => default,
    };
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let seed = number("PEERGATE_SEED", now.unwrap().subsec_nanos());
    let cases = number("PEERGATE_CASES", CASES);
    println!("SEED={seed} CASES={cases}");
    let mut bytes = [0; 32];
    bytes[..4].copy_from_slice(&seed.to_le_bytes());
    let mut runner = TestRunner::new_with_rng(
        ProptestConfig::default(),
        TestRng::from_seed(RngAlgorithm::ChaCha, &bytes),
    );
    let connections = usize::try_from(REQUESTS / 10).unwrap();
    let policy = (
        case::rules(),
        proptest::collection::vec(case::connection(), connections),
    );
    let mut callers = Callers::new();
    let mut counts = Counts::default();
    while counts.requests < cases {
        let batch: Vec<_> = (0..POLICIES)
            .map(|_| policy.new_tree(&mut runner).unwrap().current())
            .collect();
        compare(&batch, &mut callers, &mut counts);
    }
    println!("{counts}");
    if let Some(path) = env::var_os("PEERGATE_COUNTS") {
        fs::write(path, format!("{counts}\n")).unwrap();
    }
    counts.assert_hardly_refused();
}

/// What seldom happens is seldom compared. These cases are always the same: of others, now and then only few are let in.
#[test]
fn random_requests_are_let_in_and_denied() {
    let mut runner = TestRunner::deterministic();
    let (mut allowed, mut all) = (0, 0);
    for _ in 0..100 {
        let (rules, otherwise) = case::rules().new_tree(&mut runner).unwrap().current();
        let requests = case::connection().new_tree(&mut runner).unwrap().current();
        let Some(set) = understand(&documents(&rules, otherwise)) else {
            continue;
        };
        let policy = compiled(&set);
        for asked in &requests {
            all += 1;
            allowed +=
                u32::from(asked.with_request(|request| policy.evaluate(request).lets_pass()));
        }
    }
    let share = f64::from(allowed) / f64::from(all);
    assert!((0.1..0.9).contains(&share), "{allowed} of {all}");
}

/// Every visible character, in a segment that a template takes as a whole.
#[test]
fn templates_take_the_characters_that_envoys_take() {
    let rules = ["/{*}", "/x/{**}"].map(|path| {
        let id = if path == "/{*}" { "one" } else { "many" };
        json!({"id": id, "effect": "Allow", "to": [{"paths": [path]}]})
    });
    let mut runner = TestRunner::deterministic();
    let usual = case::connection().new_tree(&mut runner).unwrap().current();
    let caller = Names::uris(["spiffe://td1/ns/a/sa/a"]);
    let usual = Asked {
        peer: caller.identity(),
        certificate: Some(caller),
        method: Some(b"GET".to_vec()),
        headers: Vec::new(),
        ..usual.first().unwrap().clone()
    };
    // Without those that Envoy encodes or turns before any rule sees them.
    let requests: Vec<_> = (b'!'..=b'~')
        .filter(|byte| !br#"#"<>^`{|}\"#.contains(byte))
        .flat_map(|byte| {
            ["/a", "/x/a/"].map(|start| Asked {
                path: Some([start.as_bytes(), &[byte], b"b"].concat()),
                ..usual.clone()
            })
        })
        .collect();
    let case = ((rules.to_vec(), Otherwise::Deny), vec![requests]);
    let mut counts = Counts::default();
    compare(&[case], &mut Callers::new(), &mut counts);
}
