//! Rules that validation reports as redundant or shadowed do not affect decisions.

use std::cell::RefCell;
use std::collections::BTreeMap;

use peergate_tests::random::{TestRequest, policy, request};
use policy_schema::diagnostic::{Diagnostic, SourceText};
use policy_schema::engine::{CompiledPolicy, PeerIp};
use policy_schema::plugin_config::PluginConfig;
use policy_schema::validate::Validated;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value, json};

use super::documents;

/// Optional parts of a rule, or of its sources and operations.
const PARTS: [&str; 12] = [
    "from",
    "to",
    "when",
    "methods",
    "notMethods",
    "paths",
    "notPaths",
    "ports",
    "principals",
    "namespaces",
    "notPrincipals",
    "notAfter",
];

fn validated(config: &PluginConfig, rules: &[Value]) -> (Vec<SourceText>, Validated) {
    let spec = json!({
        "selector": {"matchLabels": {"app": "called"}},
        "otherwise": config.otherwise,
        "rules": rules,
    });
    documents::validated(&[
        documents::mesh(json!({})),
        documents::policy("called", "called", spec),
    ])
}

/// A copy of a rule without a part, or with one value per list.
fn changed(rule: &Value, part: Index, name: String) -> Value {
    let mut rule = rule.clone();
    let part = part.index(PARTS.len() + 2);
    if part > PARTS.len() {
        keep_first_values(&mut rule);
    } else if let Some(part) = PARTS.get(part) {
        remove(&mut rule, part);
    }
    rule["id"] = json!(name);
    rule
}

fn remove(value: &mut Value, part: &str) {
    match value {
        Value::Object(fields) => {
            fields.remove(part);
            fields.values_mut().for_each(|value| remove(value, part));
        }
        Value::Array(values) => values.iter_mut().for_each(|value| remove(value, part)),
        _ => {}
    }
}

fn keep_first_values(value: &mut Value) {
    match value {
        Value::Object(fields) => fields.values_mut().for_each(keep_first_values),
        Value::Array(values) => {
            values.truncate(1);
            values.iter_mut().for_each(keep_first_values);
        }
        _ => {}
    }
}

/// The code of a finding about rules without effect, and the IDs of those that it names.
fn unneeded<'t>(
    found: &'t Diagnostic,
    sources: &'t [SourceText],
) -> Option<(&'static str, Vec<&'t str>)> {
    let code = found.code.as_str();
    let is_unneeded = matches!(code, "redundant-rule" | "shadowed-rule");
    let ids = match found.message.split_once("allow: ") {
        Some((_, named)) => named.split('`').skip(1).step_by(2).collect(),
        None => {
            let text = &sources[found.source].text[found.span.start..found.span.end];
            vec![text.trim_matches('"')]
        }
    };
    is_unneeded.then_some((code, ids))
}

/// Whether the request passes, and which rules other than `id` are recorded.
fn outcome(policy: &CompiledPolicy, asked: &TestRequest, id: &str) -> (bool, Vec<String>) {
    asked.with_request(|request| {
        let recorded = policy.recorded_matches(request);
        let ids = recorded.map(|rule| rule.id().to_owned());
        let ids = ids.filter(|recorded| recorded != id).collect();
        (policy.evaluate(request).lets_pass(), ids)
    })
}

fn compile(config: &PluginConfig) -> Result<CompiledPolicy, TestCaseError> {
    CompiledPolicy::try_from(config.clone()).map_err(|error| TestCaseError::fail(error.to_string()))
}

#[test]
fn redundant_and_shadowed_rules_change_no_decision() {
    let tally = RefCell::new(BTreeMap::<&str, u32>::new());
    let copies = vec((any::<Index>(), any::<Index>(), any::<bool>()), 1..6);
    let cases = (policy(), copies, vec(request(), 60));
    let mut settings = ProptestConfig::with_cases(150);
    settings.failure_persistence = None;
    let mut runner = proptest::test_runner::TestRunner::new(settings);
    let result = runner.run(&cases, |(config, copies, requests)| {
        let rules = config.rules.iter().map(|rule| json!(rule));
        let is_sound = |rule: &Value| {
            let rules = std::slice::from_ref(rule);
            validated(&config, rules).1.policies.is_some()
        };
        let mut rules: Vec<_> = rules.filter(is_sound).collect();
        if rules.is_empty() {
            return Ok(());
        }
        for (number, (rule, part, allows)) in copies.iter().enumerate() {
            let mut copy = changed(rule.get(&rules), *part, format!("copy{number}"));
            if *allows && copy["effect"] == "Deny" {
                copy["effect"] = json!("Allow");
            }
            if is_sound(&copy) {
                rules.push(copy);
            }
        }
        let denials: Vec<_> = rules
            .iter()
            .filter(|rule| rule["effect"] == "Deny")
            .collect();
        let allowed = denials.into_iter().enumerate().map(|(number, denial)| {
            let mut allowed = denial.clone();
            keep_first_values(&mut allowed);
            allowed["id"] = json!(format!("denied{number}"));
            allowed["effect"] = json!("Allow");
            allowed
        });
        let allowed: Vec<_> = allowed.filter(is_sound).collect();
        rules.extend(allowed);
        // Random rules rarely lie entirely within rules of the other effect.
        rules.push(json!({"id": "no-path", "effect": "Deny", "to": [{"paths": ["/a/*"]}]}));
        rules.push(json!({"id": "path", "effect": "Allow", "to": [{"paths": ["/a/b"]}]}));
        let (sources, validated) = validated(&config, &rules);
        let Some(set) = validated.policies else {
            return Ok(());
        };
        let called = set.policy("called", "called").expect("it is there");
        let mut whole = set.plugin_config(called);
        // Both enforcement points together: the filter alone omits rules that need the peer's
        // address.
        whole.rules = called.rule_specs();
        let policy = compile(&whole)?;
        let found = validated.diagnostics.iter();
        let unneeded = found.filter_map(|found| unneeded(found, &sources));
        for (code, id) in unneeded.flat_map(|(code, ids)| ids.into_iter().map(move |id| (code, id)))
        {
            *tally.borrow_mut().entry(code).or_default() += 1;
            let mut without = whole.clone();
            without.rules.retain(|rule| rule.id != id);
            prop_assert_eq!(without.rules.len() + 1, whole.rules.len());
            let without = compile(&without)?;
            let is_seen_whole = |asked: &&TestRequest| matches!(asked.peer_ip, PeerIp::Known(_));
            for asked in requests.iter().filter(is_seen_whole) {
                prop_assert_eq!(
                    outcome(&policy, asked, id),
                    outcome(&without, asked, id),
                    "{} {}: {}\n{:?}",
                    code,
                    id,
                    json!(whole.rules),
                    asked
                );
            }
        }
        Ok(())
    });
    if let Err(failure) = result {
        panic!("{failure}");
    }
    let tally = tally.into_inner();
    println!("{tally:?}");
    let is_seen = |code| tally.get(code).is_some_and(|count| *count >= 2);
    assert!(
        is_seen("redundant-rule") && is_seen("shadowed-rule"),
        "{tally:?}"
    );
}
