//! Removes values that never match from a rule.

use serde_json::{Map, Value};

use super::rule::{asks_http, keep_to_http};
use crate::problem::Step;
use crate::rule_spec::{Effect, RuleSpec};

/// The result of pruning a rule.
pub(super) enum Pruned {
    /// An equivalent rule.
    Rule(Box<RuleSpec>),
    /// The rule never matches.
    Nothing,
    /// The language cannot express the rule without the values: it would match more.
    Inexpressible,
}

/// Removes the values at `paths` of a rule, and everything that never matches without them. An
/// empty list is dropped if it excludes. Otherwise its source, operation or rule is dropped with
/// it.
///
/// From a denying rule, Istio drops HTTP conditions on TCP ports. So a part that never matches a
/// request still denies connections there, and stays.
pub(super) fn prune<'p>(rule: &RuleSpec, paths: impl Iterator<Item = &'p [Step]>) -> Pruned {
    let Ok(mut value) = serde_json::to_value(rule) else {
        return Pruned::Inexpressible;
    };
    // Positions stay valid until all values are marked.
    for path in paths {
        match at(&mut value, path) {
            Some(value) => *value = Value::Null,
            None => return Pruned::Inexpressible,
        }
    }
    let pruned = match sweep(&mut value) {
        Rest::Nothing => None,
        Rest::Everything => return Pruned::Inexpressible,
        Rest::Something => match serde_json::from_value::<RuleSpec>(value) {
            Ok(pruned) => Some(Box::new(pruned)),
            Err(_) => return Pruned::Inexpressible,
        },
    };
    let denies_connections = matches!(rule.effect, Effect::Deny | Effect::Custom);
    match pruned {
        pruned if denies_connections && asks_http(rule) => match pruned {
            Some(pruned) if has_parts_of(&pruned, rule) => Pruned::Rule(pruned),
            _ => Pruned::Inexpressible,
        },
        None => Pruned::Nothing,
        Some(mut pruned) => {
            if rule.effect == Effect::Allow && asks_http(rule) {
                keep_to_http(&mut pruned);
            }
            Pruned::Rule(pruned)
        }
    }
}

/// Whether two rules have equally many sources and operations.
fn has_parts_of(rule: &RuleSpec, other: &RuleSpec) -> bool {
    let sources = |rule: &RuleSpec| rule.from.as_ref().map(Vec::len);
    let operations = |rule: &RuleSpec| rule.to.as_ref().map(Vec::len);
    sources(rule) == sources(other) && operations(rule) == operations(other)
}

fn at<'v>(value: &'v mut Value, path: &[Step]) -> Option<&'v mut Value> {
    path.iter().try_fold(value, |value, step| match step {
        Step::Key(key) => value.get_mut(&**key),
        Step::Index(index) => value.get_mut(*index),
    })
}

/// The result of removing marked values.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rest {
    /// An equivalent value.
    Something,
    /// The value never matches.
    Nothing,
    /// No condition is left, so everything would match.
    Everything,
}

fn sweep(value: &mut Value) -> Rest {
    match value {
        Value::Null => Rest::Nothing,
        Value::Array(elements) => sweep_any(elements),
        Value::Object(fields) => sweep_fields(fields),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => Rest::Something,
    }
}

/// Any element must match.
fn sweep_any(elements: &mut Vec<Value>) -> Rest {
    let mut asks = true;
    elements.retain_mut(|element| match sweep(element) {
        Rest::Nothing => false,
        Rest::Something => true,
        Rest::Everything => {
            asks = false;
            true
        }
    });
    match (asks, elements.is_empty()) {
        (false, _) => Rest::Everything,
        (true, true) => Rest::Nothing,
        (true, false) => Rest::Something,
    }
}

/// All fields must match, and of `when` all elements.
fn sweep_fields(fields: &mut Map<String, Value>) -> Rest {
    let mut rest = Rest::Something;
    let mut without = Vec::new();
    for (key, value) in fields.iter_mut() {
        let swept = match value {
            Value::Array(conditions) if key == "when" => {
                let mut swept = conditions.iter_mut().map(sweep);
                swept
                    .find(|rest| *rest != Rest::Something)
                    .unwrap_or(Rest::Something)
            }
            value => sweep(value),
        };
        match swept {
            Rest::Something => {}
            Rest::Nothing if key.starts_with("not") => without.push(key.clone()),
            Rest::Nothing => return Rest::Nothing,
            Rest::Everything => rest = Rest::Everything,
        }
    }
    for key in &without {
        fields.remove(key);
    }
    let asks = fields.keys().any(|key| key != "key");
    if asks { rest } else { Rest::Everything }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn steps(path: &str) -> Vec<Step> {
        let steps = path.split('.').map(|step| match step.parse() {
            Ok(index) => Step::Index(index),
            Err(_) => Step::Key(step.to_owned().into()),
        });
        steps.collect()
    }

    /// The rule without the values at `paths`, as JSON. `null` if it never matches, and text if it
    /// is not expressible.
    fn pruned(effect: &str, rule: &Value, paths: &[&str]) -> Value {
        let mut whole = json!({"id": "r", "effect": effect});
        let fields = whole.as_object_mut().unwrap();
        fields.extend(rule.as_object().unwrap().clone());
        let rule: RuleSpec = serde_json::from_value(whole).unwrap();
        let paths: Vec<_> = paths.iter().map(|path| steps(path)).collect();
        match prune(&rule, paths.iter().map(Vec::as_slice)) {
            Pruned::Rule(rule) => {
                let mut rule = serde_json::to_value(rule).unwrap();
                let fields = rule.as_object_mut().unwrap();
                fields.remove("id");
                fields.remove("effect");
                rule
            }
            Pruned::Nothing => Value::Null,
            Pruned::Inexpressible => json!("unsaid"),
        }
    }

    #[test]
    fn removes_parts_that_never_match() {
        let two = json!({"to": [
            {"methods": ["GET", "PUT"], "notMethods": ["GET"]},
            {"methods": ["POST"], "paths": ["/a"]},
            {"methods": ["HEAD"]},
        ]});
        for (rule, paths, expected) in [
            (
                &two,
                &["to.0.methods.0"][..],
                json!({"to": [
                    {"methods": ["PUT"], "notMethods": ["GET"]},
                    {"methods": ["POST"], "paths": ["/a"]},
                    {"methods": ["HEAD"]},
                ]}),
            ),
            (
                &two,
                &[
                    "to.0.methods.0",
                    "to.0.methods.1",
                    "to.1.paths.0",
                    "to.1.methods.0",
                ],
                json!({"to": [{"methods": ["HEAD"]}]}),
            ),
            (
                &two,
                &["to.0", "to.1.methods", "to.2.methods.0"],
                json!(null),
            ),
            (
                &two,
                &["to.0.notMethods.0"],
                json!({"to": [
                    {"methods": ["GET", "PUT"]},
                    {"methods": ["POST"], "paths": ["/a"]},
                    {"methods": ["HEAD"]},
                ]}),
            ),
            (
                &json!({"from": [{"notNamespaces": ["a"]}]}),
                &["from.0.notNamespaces.0"],
                json!("unsaid"),
            ),
            (
                &json!({"when": [{"key": "source.ip", "values": ["10.0.0.1"]}, {"key": "k", "values": ["a"]}]}),
                &["when.1.values.0"],
                json!(null),
            ),
            (
                &json!({"when": [{"key": "k", "values": ["a", "b"]}]}),
                &["when.0.values.0"],
                json!({"when": [{"key": "k", "values": ["b"]}]}),
            ),
            (
                &json!({"to": [{"paths": ["/a"]}]}),
                &["to.7"],
                json!("unsaid"),
            ),
        ] {
            assert_eq!(pruned("Allow", rule, paths), expected, "{rule} {paths:?}");
        }
    }

    #[test]
    fn pruned_rules_are_not_wider_on_ports_without_http() {
        let parts = json!({"to": [{"ports": [9000]}, {"methods": ["GET"], "paths": ["/a"]}]});
        let value = json!({"to": [{"ports": [9000], "methods": ["GET", "PUT"]}]});
        let connections = json!({"to": [{"ports": [80, 9000]}, {"ports": [81]}]});
        for (effect, rule, path, expected) in [
            (
                "Allow",
                &parts,
                "to.1.methods.0",
                json!({"to": [{"ports": [9000], "methods": ["*"]}]}),
            ),
            ("Deny", &parts, "to.1.methods.0", json!("unsaid")),
            ("Custom", &parts, "to.1", json!("unsaid")),
            ("Audit", &parts, "to.1", json!({"to": [{"ports": [9000]}]})),
            (
                "Deny",
                &value,
                "to.0.methods.0",
                json!({"to": [{"ports": [9000], "methods": ["PUT"]}]}),
            ),
            ("Deny", &value, "to.0", json!("unsaid")),
            (
                "Deny",
                &connections,
                "to.1",
                json!({"to": [{"ports": [80, 9000]}]}),
            ),
        ] {
            assert_eq!(
                pruned(effect, rule, &[path]),
                expected,
                "{effect} {rule} {path}"
            );
        }
    }
}
