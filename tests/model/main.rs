//! Compares the engine with a naive implementation of the rules, for random policies and requests.

mod covered;
mod documents;
mod known_caller;
mod naive;
mod reach;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::env;
use std::time::SystemTime;

use known_caller::WithKnownCaller;
use naive::ExpectedDecision;
use peergate_tests::random::{TestRequest, arbitrary_request, policy, request};
use policy_schema::engine::{CompiledPolicy, CompiledRule, RequestAttributes};
use policy_schema::plugin_config::PluginConfig;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};

/// Fifty requests per policy. `make model` sets the number of pairs.
const REQUESTS: u32 = 50;
const PAIRS: u32 = 50_000;

/// The tally's name for rules that decided about a client from outside the mesh.
const FROM_OUTSIDE: &str = "from outside";

/// The decision, which must be the same whether or not the caller is already known.
fn outcome(policy: &CompiledPolicy, asked: &TestRequest) -> ExpectedDecision {
    asked.with_request(|request| {
        let outcome = outcome_of(policy, request);
        let known = WithKnownCaller::new(policy, request);
        assert_eq!(outcome_of(policy, &known), outcome, "{asked:?}");
        outcome
    })
}

fn outcome_of(policy: &CompiledPolicy, request: &impl RequestAttributes) -> ExpectedDecision {
    let name = |rule: &CompiledRule| format!("{}/{}", rule.policy().name, rule.id());
    let decision = policy.evaluate(request);
    ExpectedDecision {
        code: decision.reason().code().as_str(),
        passes: decision.lets_pass(),
        rule: decision.reason().rule().map(name),
        recorded: policy.recorded_matches(request).map(name).collect(),
    }
}

/// Whether a rule decides about a client from outside the mesh.
fn is_decided_by_certificate(
    policy: &CompiledPolicy,
    asked: &TestRequest,
    outcome: &ExpectedDecision,
) -> bool {
    let is_outside = asked.with_request(|request| policy.client_certificate(request).is_some());
    is_outside && outcome.rule.is_some()
}

fn compile(config: &PluginConfig) -> Result<CompiledPolicy, TestCaseError> {
    CompiledPolicy::try_from(config.clone())
        .map_err(|error| TestCaseError::fail(format!("{error}\n{}", json(config))))
}

fn json(config: &PluginConfig) -> String {
    serde_json::to_string(config).expect("a config is JSON")
}

/// ChaCha takes 32 bytes.
fn seed_bytes(seed: u32) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes[..4].copy_from_slice(&seed.to_le_bytes());
    bytes
}

fn random_seed() -> u32 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    now.map_or(0, |now| now.subsec_nanos())
}

#[test]
fn the_engine_decides_like_the_naive_implementation() {
    let number = |name, default: u32| match env::var(name) {
        Ok(text) => text.parse().expect(name),
        Err(_) => default,
    };
    let seed = number("PEERGATE_SEED", random_seed());
    println!("PEERGATE_SEED={seed}");
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seed_bytes(seed));
    let tally = compare_with_naive(number("PEERGATE_PAIRS", PAIRS), rng);
    println!("{tally:?}");
}

/// Rare outcomes are rarely tested. The cases are fixed, so that the test is deterministic.
#[test]
fn every_outcome_occurs_often() {
    let tally = compare_with_naive(PAIRS / 5, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let share = |what| f64::from(tally.get(what).copied().unwrap_or(0)) / f64::from(tally["all"]);
    for (what, at_least) in [
        ("allowed-by-rule", 0.1),
        ("denied-by-rule", 0.1),
        ("expired-rule", 0.05),
        ("rule-not-yet-valid", 0.003),
        ("no-rule-matched", 0.05),
        ("no-identity", 0.01),
        ("malformed-identity", 0.01),
        ("foreign-trust-domain", 0.01),
        ("recorded", 0.1),
        ("not-denied", 0.01),
        ("unvalidated-certificate", 0.01),
        (FROM_OUTSIDE, 0.01),
    ] {
        assert!(share(what) > at_least, "{what}: {tally:?}");
    }
}

/// Compares the engine with the naive implementation on random policies, and panics at the first
/// difference. Returns how often each outcome occurred.
fn compare_with_naive(pairs: u32, rng: TestRng) -> BTreeMap<&'static str, u32> {
    let tally = RefCell::new(BTreeMap::<&str, u32>::new());
    let count = |what| *tally.borrow_mut().entry(what).or_default() += 1;
    let mut runner = TestRunner::new_with_rng(
        ProptestConfig {
            cases: pairs / REQUESTS,
            failure_persistence: None,
            ..ProptestConfig::default()
        },
        rng,
    );
    let cases = (policy(), vec(request(), REQUESTS as usize));
    let result = runner.run(&cases, |(config, requests)| {
        let policy = compile(&config)?;
        for asked in &requests {
            let expected = naive::outcome(&config, asked);
            let actual = outcome(&policy, asked);
            prop_assert_eq!(&actual, &expected, "\n{}\n{:?}", json(&config), asked);
            count("all");
            count(expected.code);
            if !expected.recorded.is_empty() {
                count("recorded");
            }
            if is_decided_by_certificate(&policy, asked, &expected) {
                count(FROM_OUTSIDE);
            }
        }
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
    tally.into_inner()
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 500,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn decides_requests_of_arbitrary_bytes(
        config in policy(),
        requests in vec(arbitrary_request(), 20),
    ) {
        let policy = compile(&config)?;
        for asked in &requests {
            let expected = naive::outcome(&config, asked);
            prop_assert_eq!(outcome(&policy, asked), expected, "\n{}\n{:?}", json(&config), asked);
        }
    }

    #[test]
    fn damaged_configs_never_panic(
        config in policy(),
        at in any::<proptest::sample::Index>(),
        bytes in vec(any::<u8>(), 0..4),
    ) {
        let mut json = json(&config).into_bytes();
        let at = at.index(json.len());
        json.splice(at..=at, bytes);
        let _ = CompiledPolicy::from_json(&json);
        let _ = CompiledPolicy::from_json(&json[at..]);
    }
}
