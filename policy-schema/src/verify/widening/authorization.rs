//! Compares an `AuthorizationPolicy` with the one that it replaces: does it allow more?

use super::super::object::Object;
use super::spec;
use crate::istio::AuthorizationPolicy;
use crate::istio::authorization_policy::{
    Action, AuthorizationPolicySpec, AuthorizationRule, Condition, Operation, Source,
};
use crate::istio::tcp::rule_asks_http;

pub(super) fn wider(old: &Object, new: &Object) -> Vec<String> {
    let (old, new) = match (policy(old), policy(new)) {
        (Ok(old), Ok(new)) => (old, new),
        (Err(reason), _) | (_, Err(reason)) => return vec![reason],
    };
    let mut reasons = Vec::new();
    match (enforced(&old), enforced(&new)) {
        // An added denial widens nothing.
        (None, None | Some(Action::Deny | Action::Custom)) => {}
        (None, Some(Action::Allow | Action::Audit)) => {
            let allowing = new
                .spec
                .rules
                .iter()
                .map(|_| "it starts to allow requests".to_owned());
            reasons.extend(allowing.take(1));
        }
        (Some(Action::Allow), Some(Action::Allow)) => {
            if !has_same_target(&old.spec, &new.spec) {
                reasons.push(
                    "it selects different workloads, and those it no longer selects may be open"
                        .to_owned(),
                );
            }
            for (number, rule) in new.spec.rules.iter().enumerate() {
                let mut known = old.spec.rules.iter();
                if !known.any(|known| covers(known, rule) && is_dropped_from_tcp(known, rule)) {
                    reasons.push(format!(
                        "no existing rule allows everything that rendered rule {number} allows"
                    ));
                }
            }
        }
        (Some(was), Some(is)) if was == is => {
            if old.spec.provider != new.spec.provider {
                reasons.push("its provider changes".to_owned());
            }
            if !has_same_target(&old.spec, &new.spec) {
                reasons.push(
                    "it selects different workloads, and no longer denies requests to some"
                        .to_owned(),
                );
            }
            for (number, rule) in old.spec.rules.iter().enumerate() {
                if !new.spec.rules.iter().any(|wide| covers(wide, rule)) {
                    reasons.push(format!(
                        "no rendered rule denies everything that existing rule {number} denies"
                    ));
                }
            }
        }
        (Some(was), None) => {
            reasons.push(format!("it no longer enforces its {} rules", name(was)));
        }
        (Some(was), Some(is)) => {
            reasons.push(format!(
                "its action changes from {} to {}",
                name(was),
                name(is)
            ));
        }
    }
    reasons
}

fn policy(object: &Object) -> Result<AuthorizationPolicy, String> {
    let spec: AuthorizationPolicySpec = spec(object)?;
    let annotations = object.texts("/metadata/annotations");
    Ok(AuthorizationPolicy {
        api_version: String::new(),
        kind: String::new(),
        metadata: crate::istio::ObjectMetadata {
            annotations,
            ..Default::default()
        },
        spec,
    })
}

/// The action of the object. None if it only records.
fn enforced(policy: &AuthorizationPolicy) -> Option<Action> {
    let action = policy.spec.action;
    (action != Action::Audit && !policy.is_dry_run()).then_some(action)
}

fn name(action: Action) -> &'static str {
    match action {
        Action::Allow => "ALLOW",
        Action::Deny => "DENY",
        Action::Audit => "AUDIT",
        Action::Custom => "CUSTOM",
    }
}

fn has_same_target(old: &AuthorizationPolicySpec, new: &AuthorizationPolicySpec) -> bool {
    let labels = |spec: &AuthorizationPolicySpec| spec.selector.clone().unwrap_or_default();
    let targets = |spec: &AuthorizationPolicySpec| {
        let mut targets: Vec<_> = spec
            .target_ref
            .iter()
            .chain(&spec.target_refs)
            .cloned()
            .collect();
        targets.sort();
        targets
    };
    labels(old) == labels(new) && targets(old) == targets(new)
}

/// Istio drops an `ALLOW` rule that requires HTTP from TCP ports. A rule that replaces it must be
/// dropped too.
fn is_dropped_from_tcp(wide: &AuthorizationRule, narrow: &AuthorizationRule) -> bool {
    !rule_asks_http(wide) || rule_asks_http(narrow)
}

/// Whether `wide` matches everything that `narrow` matches, as written.
fn covers(wide: &AuthorizationRule, narrow: &AuthorizationRule) -> bool {
    let sources = narrow.from.iter().all(|narrow| {
        let mut wide = wide.from.iter();
        wide.any(|wide| source_covers(&wide.source, &narrow.source))
    });
    let operations = narrow.to.iter().all(|narrow| {
        let mut wide = wide.to.iter();
        wide.any(|wide| operation_covers(&wide.operation, &narrow.operation))
    });
    (wide.from.is_empty() || (!narrow.from.is_empty() && sources))
        && (wide.to.is_empty() || (!narrow.to.is_empty() && operations))
        && wide.when.iter().all(|wide| {
            let mut narrow = narrow.when.iter();
            narrow.any(|narrow| condition_covers(wide, narrow))
        })
}

fn source_covers(wide: &Source, narrow: &Source) -> bool {
    let lists = |source: &Source| {
        [
            (source.principals.clone(), source.not_principals.clone()),
            (
                source.request_principals.clone(),
                source.not_request_principals.clone(),
            ),
            (source.namespaces.clone(), source.not_namespaces.clone()),
            (
                source.service_accounts.clone(),
                source.not_service_accounts.clone(),
            ),
            (
                source.trust_domains.clone(),
                source.not_trust_domains.clone(),
            ),
            (source.ip_blocks.clone(), source.not_ip_blocks.clone()),
            (
                source.remote_ip_blocks.clone(),
                source.not_remote_ip_blocks.clone(),
            ),
        ]
    };
    all_cover(&lists(wide), &lists(narrow))
}

fn operation_covers(wide: &Operation, narrow: &Operation) -> bool {
    let lists = |operation: &Operation| {
        [
            (operation.hosts.clone(), operation.not_hosts.clone()),
            (operation.ports.clone(), operation.not_ports.clone()),
            (operation.methods.clone(), operation.not_methods.clone()),
            (operation.paths.clone(), operation.not_paths.clone()),
        ]
    };
    all_cover(&lists(wide), &lists(narrow))
}

fn condition_covers(wide: &Condition, narrow: &Condition) -> bool {
    let lists = |condition: &Condition| [(condition.values.clone(), condition.not_values.clone())];
    wide.key == narrow.key && all_cover(&lists(wide), &lists(narrow))
}

/// Values of which any must match, and values of which none may match.
type Lists = (Vec<String>, Vec<String>);

fn all_cover(wide: &[Lists], narrow: &[Lists]) -> bool {
    let mut pairs = wide.iter().zip(narrow);
    pairs.all(|((values, not_values), (narrow, not_narrow))| {
        let has_all =
            |list: &[String], wanted: &[String]| wanted.iter().all(|value| list.contains(value));
        (values.is_empty() || (!narrow.is_empty() && has_all(values, narrow)))
            && has_all(not_narrow, not_values)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn object(annotations: &Value, spec: &Value) -> Object {
        Object::new(json!({
            "apiVersion": "security.istio.io/v1",
            "kind": "AuthorizationPolicy",
            "metadata": {"name": "a", "namespace": "shop", "annotations": annotations},
            "spec": spec,
        }))
        .unwrap()
    }

    fn found(old: &Value, new: &Value) -> Vec<String> {
        wider(&object(&json!({}), old), &object(&json!({}), new))
    }

    fn of(action: &str, rules: &Value) -> Value {
        json!({"selector": {"matchLabels": {"app": "a"}}, "action": action, "rules": rules})
    }

    const GAINS: &str = "no existing rule allows everything that rendered rule 0 allows";
    const LOSES: &str = "no rendered rule denies everything that existing rule 0 denies";

    #[test]
    fn a_rule_is_compared_by_its_fields() {
        let web = json!({"source": {"principals": ["web"]}});
        let both = json!({"source": {"principals": ["shop", "web"]}});
        let but_web = json!({"source": {"notPrincipals": ["web"]}});
        let get = json!({"operation": {"methods": ["GET"], "paths": ["/a"]}});
        let token = json!({"source": {"requestPrincipals": ["*"]}});
        let when = json!({"key": "source.ip", "values": ["10.0.0.1"]});
        for (narrow, wide) in [
            (json!({"from": [web]}), json!({})),
            (json!({"from": [web]}), json!({"from": [both]})),
            (
                json!({"from": [web]}),
                json!({"from": [{"source": {"namespaces": ["x"]}}, web]}),
            ),
            (json!({"from": [but_web]}), json!({})),
            (json!({"from": [web], "to": [get]}), json!({"from": [web]})),
            (
                json!({"from": [web], "when": [when]}),
                json!({"from": [web]}),
            ),
            (
                json!({"to": [get]}),
                json!({"to": [{"operation": {"methods": ["GET"]}}]}),
            ),
        ] {
            let (few, many) = (json!([narrow]), json!([wide]));
            assert_eq!(
                found(&of("ALLOW", &many), &of("ALLOW", &few)),
                [""; 0],
                "{narrow}"
            );
            assert_eq!(
                found(&of("ALLOW", &few), &of("ALLOW", &many)),
                [GAINS],
                "{narrow}"
            );
            assert_eq!(
                found(&of("DENY", &few), &of("DENY", &many)),
                [""; 0],
                "{narrow}"
            );
            assert_eq!(
                found(&of("DENY", &many), &of("DENY", &few)),
                [LOSES],
                "{narrow}"
            );
        }
        // Istio drops the first from TCP ports.
        let dropped = of("ALLOW", &json!([{"from": [web, token]}]));
        assert_eq!(
            found(&dropped, &of("ALLOW", &json!([{"from": [web]}]))),
            [GAINS]
        );
    }

    #[test]
    fn compares_added_and_removed_rules_and_workloads() {
        let rule = json!({"from": [{"source": {"principals": ["web"]}}]});
        let (one, none) = (json!([rule]), json!([]));
        let other =
            json!({"selector": {"matchLabels": {"app": "b"}}, "action": "DENY", "rules": [rule]});
        for (old, new, expected) in [
            (of("ALLOW", &one), of("ALLOW", &none), &[][..]),
            (of("ALLOW", &none), of("ALLOW", &one), &[GAINS]),
            (of("DENY", &none), of("DENY", &one), &[]),
            (of("DENY", &one), of("DENY", &none), &[LOSES]),
            (
                of("ALLOW", &one),
                of("DENY", &one),
                &["its action changes from ALLOW to DENY"],
            ),
            (
                of("DENY", &one),
                of("AUDIT", &one),
                &["it no longer enforces its DENY rules"],
            ),
            (of("AUDIT", &one), of("DENY", &one), &[]),
            (
                of("AUDIT", &one),
                of("ALLOW", &one),
                &["it starts to allow requests"],
            ),
            (
                of("DENY", &one),
                other,
                &["it selects different workloads, and no longer denies requests to some"],
            ),
        ] {
            assert_eq!(found(&old, &new), expected, "{old} {new}");
        }
    }

    #[test]
    fn a_dry_run_enforces_nothing() {
        let deny = of("DENY", &json!([{}]));
        let dry = json!({"istio.io/dry-run": "true"});
        let enforced = object(&json!({}), &deny);
        let dry = object(&dry, &deny);
        assert_eq!(wider(&dry, &enforced), [""; 0]);
        assert_eq!(
            wider(&enforced, &dry),
            ["it no longer enforces its DENY rules"]
        );
    }
}
