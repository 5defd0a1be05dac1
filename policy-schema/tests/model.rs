//! The engine against the plain meaning of the rules: the same outcome for every policy and
//! every request.

#![cfg(not(target_arch = "wasm32"))]
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test fails by panicking"
)]

mod model {
    pub(crate) mod generate;
    pub(crate) mod naive;
}

use std::cell::RefCell;
use std::collections::BTreeMap;

use model::generate::{Asked, arbitrary_request, policy, request};
use model::naive::{self, Outcome};
use policy_schema::engine::{CompiledPolicy, Request};
use policy_schema::identity::PeerIdentity;
use policy_schema::plugin_config::PluginConfig;
use policy_schema::timestamp::Timestamp;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

const POLICIES: u32 = 2_500;
const REQUESTS: usize = 50;

fn outcome(policy: &CompiledPolicy, asked: &Asked) -> Outcome {
    let request = Request {
        peer: PeerIdentity::from_uri_san(asked.peer.as_deref()),
        method: asked.method.as_deref(),
        path: asked.path.as_deref(),
        host: asked.host.as_deref(),
        port: asked.port,
        now: Timestamp::from_unix_nanoseconds(asked.now),
    };
    let reason = policy.evaluate(&request).reason();
    let shadow = policy.shadow_matches(&request);
    Outcome {
        code: reason.code(),
        rule: reason.rule().map(|rule| rule.id().to_owned()),
        shadow: shadow.map(|rule| rule.id().to_owned()).collect(),
    }
}

fn compile(config: &PluginConfig) -> Result<CompiledPolicy, TestCaseError> {
    CompiledPolicy::try_from(config.clone())
        .map_err(|error| TestCaseError::fail(format!("{error}\n{}", json(config))))
}

fn json(config: &PluginConfig) -> String {
    serde_json::to_string(config).expect("a config is JSON")
}

#[test]
fn engine_decides_what_the_rules_mean() {
    let tally = RefCell::new(BTreeMap::<&str, u32>::new());
    let count = |what| *tally.borrow_mut().entry(what).or_default() += 1;
    let mut runner = TestRunner::new(ProptestConfig {
        cases: POLICIES,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let cases = (policy(), vec(request(), REQUESTS));
    let result = runner.run(&cases, |(config, requests)| {
        let policy = compile(&config)?;
        for asked in &requests {
            let expected = naive::outcome(&config, asked);
            let actual = outcome(&policy, asked);
            prop_assert_eq!(&actual, &expected, "\n{}\n{:?}", json(&config), asked);
            count("all");
            count(expected.code);
            if !expected.shadow.is_empty() {
                count("shadow");
            }
        }
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }

    // What seldom happens is seldom tested.
    let tally = tally.into_inner();
    let share = |what| f64::from(tally.get(what).copied().unwrap_or(0)) / f64::from(tally["all"]);
    let is_fair = tally["all"] >= 100_000
        && share("allowed-by-rule") > 0.1
        && share("denied-by-rule") > 0.1
        && share("expired-rule") + share("rule-not-yet-valid") > 0.1
        && share("rule-not-yet-valid") > 0.01
        && share("no-rule-matched") > 0.05
        && share("no-identity") > 0.01
        && share("malformed-identity") > 0.01
        && share("foreign-trust-domain") > 0.01
        && share("shadow") > 0.1;
    assert!(is_fair, "{tally:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn requests_of_arbitrary_bytes_are_decided_as_well(
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
