//! Whether the filter of a `WasmPlugin` or a `TrafficExtension` lets more through than the one that it replaces.
//!
//! Rules are compared by their id, and by their content where the id is new. The filter's own version is not
//! compared: all versions read a configuration in the same way, or refuse it.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::Value;

use super::super::object::Object;
use crate::plugin_config::{KnownGateway, MeshIdentity, PluginConfig, PolicyName};
use crate::policy::Labels;
use crate::rule_spec::{
    ConditionSpec, Effect, Enforcement, OperationSpec, Otherwise, RuleSpec, SourceSpec,
};
use crate::timestamp::{Phase, Timestamp, Validity};

/// Which proxies run the filter, and for which of their requests.
const PLACES: [(&str, &str); 4] = [
    ("/spec/selector", "`selector`"),
    ("/spec/targetRefs", "`targetRefs`"),
    ("/spec/match", "`match`"),
    ("/spec/phase", "`phase`"),
];

/// `module` points to what runs.
pub(super) fn wider(old: &Object, new: &Object, module: &str, at: Timestamp) -> Vec<String> {
    let mut reasons = Vec::new();
    for (pointer, field) in PLACES {
        let place = |object: &Object| object.at(pointer).filter(|value| !is_empty(value)).cloned();
        if place(old) != place(new) {
            reasons.push(format!(
                "its {field} changes, so that it may no longer decide on some requests"
            ));
        }
    }
    match (config(old, module), config(new, module)) {
        (Ok(old), Ok(new)) => reasons.extend(wider_config(&old, &new, at)),
        (Err(reason), _) | (_, Err(reason)) => reasons.push(reason),
    }
    reasons
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(elements) => elements.is_empty(),
        Value::Object(fields) => fields.values().all(is_empty),
        _ => false,
    }
}

fn config(object: &Object, module: &str) -> Result<PluginConfig, String> {
    let value = object.at(&format!("{module}/pluginConfig"));
    serde_json::from_value(value.cloned().unwrap_or_default())
        .map_err(|reason| format!("the existing plugin config is not understood ({reason})"))
}

/// A policy of a plugin config.
struct Enforced<'c> {
    match_labels: Option<&'c Labels>,
    at_gateway: bool,
    enforcement: Enforcement,
    otherwise: Otherwise,
    rules: &'c [RuleSpec],
}

/// The policies of a plugin config by their names.
fn policies(config: &PluginConfig) -> BTreeMap<&PolicyName, Enforced<'_>> {
    let leading = Enforced {
        match_labels: None,
        at_gateway: config.at_gateway,
        enforcement: config.enforcement,
        otherwise: config.otherwise,
        rules: &config.rules,
    };
    let along = config.along.iter().map(|policy| {
        let enforced = Enforced {
            match_labels: Some(&policy.match_labels),
            at_gateway: policy.at_gateway,
            enforcement: policy.enforcement,
            otherwise: policy.otherwise,
            rules: &policy.rules,
        };
        (&policy.policy, enforced)
    });
    along.chain([(&config.policy, leading)]).collect()
}

fn wider_config(old: &PluginConfig, new: &PluginConfig, at: Timestamp) -> Vec<String> {
    let mut reasons = Vec::new();
    if accepts_more(&old.mesh, &new.mesh) {
        reasons.push("the mesh accepts identities of other trust domains".to_owned());
    }
    let mut gained = new.known_gateways.iter();
    let accepts_unvalidated =
        |text: &str| KnownGateway::parse(text).is_some_and(|gateway| gateway.accepts_unvalidated());
    if gained.any(|gateway| !accepts_unvalidated(gateway) && !old.known_gateways.contains(gateway))
    {
        reasons.push("it trusts more gateways to validate client certificates".to_owned());
    }
    if new.otherwise == Otherwise::Pass
        && (old.mesh_otherwise, new.mesh_otherwise) == (Otherwise::Deny, Otherwise::Pass)
    {
        reasons.push("`meshOtherwise` changes from Deny to Pass".to_owned());
    }
    let is_alone = |config: &PluginConfig| config.along.is_empty() && !config.yields;
    let passes_everything =
        old.enforcement == Enforcement::Shadow || old.otherwise_alone() == Otherwise::Pass;
    // Nobody is let through by an `Allow` rule who was not before.
    let is_open = is_alone(old) && passes_everything;
    let (old, new) = (policies(old), policies(new));
    for (name, was) in &old {
        match new.get(name) {
            Some(is) => is.add_losses(name, was, at, &mut reasons),
            None if was.enforcement == Enforcement::Enforce => {
                reasons.push(format!("policy `{name}` is no longer enforced"));
            }
            None => {}
        }
    }
    if !is_open {
        for (name, is) in &new {
            is.add_gains(name, old.get(name), at, &mut reasons);
        }
    }
    reasons
}

fn accepts_more(old: &MeshIdentity, new: &MeshIdentity) -> bool {
    let mut aliases = new.trust_domain_aliases.iter();
    // Names without a trust domain are of the first.
    old.trust_domain != new.trust_domain
        || aliases.any(|alias| !old.trust_domain_aliases.contains(alias))
}

impl Enforced<'_> {
    /// What `was` denies and this does not.
    fn add_losses(&self, name: &PolicyName, was: &Self, at: Timestamp, reasons: &mut Vec<String>) {
        if was.enforcement == Enforcement::Shadow {
            return;
        }
        if self.enforcement == Enforcement::Shadow {
            return reasons.push(format!("policy `{name}` goes into shadow"));
        }
        if self.match_labels != was.match_labels || self.at_gateway != was.at_gateway {
            reasons.push(format!("policy `{name}` is for other workloads"));
        }
        if (was.otherwise, self.otherwise) == (Otherwise::Deny, Otherwise::Pass) {
            reasons.push(format!(
                "`otherwise` of policy `{name}` changes from Deny to Pass"
            ));
        }
        let known = Rules::new(self.rules, Effect::Deny);
        for rule in in_force(was.rules, Effect::Deny, at) {
            if !known.has(rule) {
                reasons.push(format!(
                    "policy `{name}` no longer denies all that its rule `{}` does",
                    rule.id
                ));
            }
        }
    }

    /// What this allows and `was` does not.
    fn add_gains(
        &self,
        name: &PolicyName,
        was: Option<&Self>,
        at: Timestamp,
        reasons: &mut Vec<String>,
    ) {
        if self.enforcement == Enforcement::Shadow {
            return;
        }
        let was = was.filter(|was| was.enforcement == Enforcement::Enforce);
        let known = Rules::new(was.map_or(&[][..], |was| was.rules), Effect::Allow);
        for rule in in_force(self.rules, Effect::Allow, at) {
            if !known.has(rule) {
                reasons.push(format!(
                    "no existing rule of policy `{name}` allows all that rendered rule `{}` does",
                    rule.id
                ));
            }
        }
    }
}

/// The enforced rules of an effect whose time is not over.
fn in_force(rules: &[RuleSpec], effect: Effect, at: Timestamp) -> impl Iterator<Item = &RuleSpec> {
    rules.iter().filter(move |rule| {
        let is_over = validity(rule).is_some_and(|validity| validity.phase(at) == Phase::After);
        is_enforced(rule, effect) && !is_over
    })
}

fn is_enforced(rule: &RuleSpec, effect: Effect) -> bool {
    rule.effect == effect && rule.enforcement != Some(Enforcement::Shadow)
}

/// Rules of an effect, to be found by their ids and by their content.
struct Rules<'r> {
    by_id: HashMap<&'r str, &'r RuleSpec>,
    contents: HashSet<RuleSpec>,
}

impl<'r> Rules<'r> {
    fn new(rules: &'r [RuleSpec], effect: Effect) -> Self {
        let rules = rules.iter().filter(|rule| is_enforced(rule, effect));
        Self {
            by_id: rules.clone().map(|rule| (&*rule.id, rule)).collect(),
            contents: rules.map(content).collect(),
        }
    }

    /// Whether the rule of the same id matches all that `rule` does, or any has the same content.
    fn has(&self, rule: &RuleSpec) -> bool {
        let of_id = self.by_id.get(&*rule.id);
        of_id.is_some_and(|known| takes_in(known, rule)) || self.contents.contains(&content(rule))
    }
}

/// The rule without what decides nothing.
fn content(rule: &RuleSpec) -> RuleSpec {
    RuleSpec {
        id: String::new(),
        description: None,
        owner: None,
        enforcement: None,
        ..rule.clone()
    }
}

fn validity(rule: &RuleSpec) -> Option<Validity> {
    let read = |time: &Option<String>| match time {
        None => Some(None),
        Some(text) => Timestamp::parse(text).ok().map(Some),
    };
    Some(Validity {
        not_before: read(&rule.not_before)?,
        not_after: read(&rule.not_after)?,
    })
}

/// Whether all that `narrow` matches is matched by `wide` too, by what is written. Both have the same effect.
fn takes_in(wide: &RuleSpec, narrow: &RuleSpec) -> bool {
    is_within(narrow, wide)
        && sources_take_in(wide, narrow)
        && match (&wide.to, &narrow.to) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(wide), Some(narrow)) => narrow
                .iter()
                .all(|narrow| wide.iter().any(|wide| operation_takes_in(wide, narrow))),
        }
        && wide.when.iter().flatten().all(|wide| {
            let mut narrow = narrow.when.iter().flatten();
            narrow.any(|narrow| condition_takes_in(wide, narrow))
        })
}

/// Whether `wide` applies whenever `narrow` does.
fn is_within(narrow: &RuleSpec, wide: &RuleSpec) -> bool {
    let (Some(narrow), Some(wide)) = (validity(narrow), validity(wide)) else {
        return false;
    };
    let starts = wide
        .not_before
        .is_none_or(|wide| narrow.not_before.is_some_and(|narrow| wide <= narrow));
    let ends = wide
        .not_after
        .is_none_or(|wide| narrow.not_after.is_some_and(|narrow| narrow <= wide));
    starts && ends
}

fn sources_take_in(wide: &RuleSpec, narrow: &RuleSpec) -> bool {
    match (&wide.from, &narrow.from) {
        (None, None) => true,
        // An `Allow` rule for everybody is for everybody with an identity of the mesh.
        (None, Some(narrow)) => {
            wide.effect != Effect::Allow
                || narrow.iter().all(|source| {
                    source.anonymous.is_none()
                        && source.client_certificates.is_none()
                        && source.not_client_certificates.is_none()
                })
        }
        (Some(_), None) => false,
        (Some(wide), Some(narrow)) => narrow
            .iter()
            .all(|narrow| wide.iter().any(|wide| source_takes_in(wide, narrow))),
    }
}

fn source_takes_in(wide: &SourceSpec, narrow: &SourceSpec) -> bool {
    let SourceSpec {
        anonymous,
        client_certificates,
        not_client_certificates,
        principals,
        not_principals,
        service_accounts,
        not_service_accounts,
        namespaces,
        not_namespaces,
        trust_domains,
        not_trust_domains,
        request_principals,
        not_request_principals,
        ip_blocks,
        not_ip_blocks,
        remote_ip_blocks,
        not_remote_ip_blocks,
    } = wide;
    // Callers from outside the mesh are in no source that does not name them.
    *anonymous == narrow.anonymous
        && client_certificates.is_some() == narrow.client_certificates.is_some()
        && not_client_certificates.is_some() == narrow.not_client_certificates.is_some()
        && any_of(client_certificates, &narrow.client_certificates)
        && none_of(not_client_certificates, &narrow.not_client_certificates)
        && any_of(principals, &narrow.principals)
        && none_of(not_principals, &narrow.not_principals)
        && any_of(service_accounts, &narrow.service_accounts)
        && none_of(not_service_accounts, &narrow.not_service_accounts)
        && any_of(namespaces, &narrow.namespaces)
        && none_of(not_namespaces, &narrow.not_namespaces)
        && any_of(trust_domains, &narrow.trust_domains)
        && none_of(not_trust_domains, &narrow.not_trust_domains)
        && any_of(request_principals, &narrow.request_principals)
        && none_of(not_request_principals, &narrow.not_request_principals)
        && any_of(ip_blocks, &narrow.ip_blocks)
        && none_of(not_ip_blocks, &narrow.not_ip_blocks)
        && any_of(remote_ip_blocks, &narrow.remote_ip_blocks)
        && none_of(not_remote_ip_blocks, &narrow.not_remote_ip_blocks)
}

fn operation_takes_in(wide: &OperationSpec, narrow: &OperationSpec) -> bool {
    let OperationSpec {
        methods,
        not_methods,
        paths,
        not_paths,
        hosts,
        not_hosts,
        ports,
        not_ports,
    } = wide;
    any_of(methods, &narrow.methods)
        && none_of(not_methods, &narrow.not_methods)
        && any_of(paths, &narrow.paths)
        && none_of(not_paths, &narrow.not_paths)
        && any_of(hosts, &narrow.hosts)
        && none_of(not_hosts, &narrow.not_hosts)
        && any_of(ports, &narrow.ports)
        && none_of(not_ports, &narrow.not_ports)
}

fn condition_takes_in(wide: &ConditionSpec, narrow: &ConditionSpec) -> bool {
    let ConditionSpec {
        key,
        values,
        not_values,
    } = wide;
    *key == narrow.key && any_of(values, &narrow.values) && none_of(not_values, &narrow.not_values)
}

/// Whether every value that `narrow` asks for is one of `wide`.
fn any_of<V: PartialEq>(wide: &Option<Vec<V>>, narrow: &Option<Vec<V>>) -> bool {
    match (wide, narrow) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(wide), Some(narrow)) => narrow.iter().all(|value| wide.contains(value)),
    }
}

/// Whether `narrow` excludes every value that `wide` does.
fn none_of<V: PartialEq>(wide: &Option<Vec<V>>, narrow: &Option<Vec<V>>) -> bool {
    match (wide, narrow) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(wide), Some(narrow)) => wide.iter().all(|value| narrow.contains(value)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn object(config: &Value) -> Object {
        Object::new(json!({
            "apiVersion": "extensions.istio.io/v1alpha1",
            "kind": "WasmPlugin",
            "metadata": {"name": "cart-peergate", "namespace": "shop"},
            "spec": {"selector": {"matchLabels": {"app": "cart"}}, "pluginConfig": config},
        }))
        .unwrap()
    }

    /// A plugin config with `rules`, and `more` fields over the usual ones.
    fn of(rules: &Value, more: &Value) -> Value {
        let mut config = json!({
            "apiVersion": "peergate.dev/v1alpha1",
            "mesh": {"trustDomain": "cluster.local"},
            "policy": {"namespace": "shop", "name": "cart"},
            "rules": rules,
        });
        let fields = config.as_object_mut().unwrap();
        fields.extend(more.as_object().unwrap().clone());
        config
    }

    fn found(old: &Value, new: &Value) -> Vec<String> {
        let at = Timestamp::parse("2026-06-01T00:00:00Z").unwrap();
        wider(&object(old), &object(new), "/spec", at)
    }

    fn rule(effect: &str, more: &Value) -> Value {
        let mut rule = json!({"id": "r", "effect": effect});
        let fields = rule.as_object_mut().unwrap();
        fields.extend(more.as_object().unwrap().clone());
        rule
    }

    const LOSES: &str = "policy `shop/cart` no longer denies all that its rule `r` does";
    const GAINS: &str =
        "no existing rule of policy `shop/cart` allows all that rendered rule `r` does";

    #[test]
    fn a_rule_is_compared_with_the_one_of_the_same_id() {
        let web = json!({"from": [{"serviceAccounts": ["web"]}]});
        for (narrow, wide) in [
            (web.clone(), json!({})),
            (
                web.clone(),
                json!({"from": [{"serviceAccounts": ["web", "shop"]}]}),
            ),
            (
                json!({"from": [{"notNamespaces": ["a"]}]}),
                json!({"from": [{"notNamespaces": ["a"]}, {"namespaces": ["b"]}]}),
            ),
            (
                json!({"from": [{"notNamespaces": ["a", "b"]}]}),
                json!({"from": [{"notNamespaces": ["a"]}]}),
            ),
            (
                json!({"to": [{"paths": ["/a"], "ports": [80]}]}),
                json!({"to": [{"paths": ["/a"]}]}),
            ),
            (
                json!({"to": [{"paths": ["/a"], "notPaths": ["/b"]}]}),
                json!({"to": [{"paths": ["/a"]}]}),
            ),
            (json!({"to": [{"paths": ["/a"]}]}), json!({})),
            (
                json!({"when": [{"key": "source.ip", "values": ["10.0.0.1"]}]}),
                json!({}),
            ),
            (
                json!({"when": [{"key": "source.ip", "values": ["10.0.0.1"]}]}),
                json!({"when": [{"key": "source.ip", "values": ["10.0.0.1", "10.0.0.2"]}]}),
            ),
            (json!({"notAfter": "2100-01-01T00:00:00Z"}), json!({})),
            (
                json!({"notAfter": "2100-01-01T00:00:00Z"}),
                json!({"notAfter": "2101-01-01T00:00:00Z"}),
            ),
            (json!({"notBefore": "2100-01-01T00:00:00Z"}), json!({})),
        ] {
            for (effect, reason) in [("Allow", GAINS), ("Deny", LOSES)] {
                let config = |more: &Value| of(&json!([rule(effect, more)]), &json!({}));
                let (few, many) = (config(&narrow), config(&wide));
                let (old, new) = if effect == "Allow" {
                    (few, many)
                } else {
                    (many, few)
                };
                assert_eq!(found(&old, &new), [reason], "{effect}: {old} {new}");
                assert_eq!(found(&new, &old), [""; 0], "{effect}: {new} {old}");
            }
        }
    }

    #[test]
    fn rules_that_come_and_go_are_compared() {
        let until = |end: &str| json!({"notAfter": end});
        let over = until("2026-05-01T00:00:00Z");
        let none = json!([]);
        for (old, new, expected) in [
            (
                json!([rule("Deny", &json!({}))]),
                none.clone(),
                &[LOSES][..],
            ),
            (
                json!([rule("Deny", &until("2100-01-01T00:00:00Z"))]),
                none.clone(),
                &[LOSES],
            ),
            // Its time is over.
            (json!([rule("Deny", &over)]), none.clone(), &[]),
            (none.clone(), json!([rule("Allow", &over)]), &[]),
            (none.clone(), json!([rule("Deny", &json!({}))]), &[]),
            (none.clone(), json!([rule("Allow", &json!({}))]), &[GAINS]),
            (json!([rule("Allow", &json!({}))]), none.clone(), &[]),
            (
                json!([rule("Audit", &json!({}))]),
                json!([rule("Allow", &json!({}))]),
                &[GAINS],
            ),
            (
                json!([rule("Deny", &json!({}))]),
                json!([rule("Deny", &json!({"enforcement": "Shadow"}))]),
                &[LOSES],
            ),
            (
                json!([rule("Allow", &json!({"enforcement": "Shadow"}))]),
                json!([rule("Allow", &json!({}))]),
                &[GAINS],
            ),
            // It has another id, owner and description.
            (
                json!([{"id": "was", "effect": "Deny", "owner": "a"}]),
                json!([{"id": "is", "effect": "Deny", "description": "b"}]),
                &[],
            ),
            // An `Allow` rule for everybody is for nobody without an identity.
            (
                json!([rule("Allow", &json!({}))]),
                json!([rule("Allow", &json!({"from": [{"anonymous": true}]}))]),
                &[GAINS],
            ),
            (
                json!([rule("Allow", &json!({"from": [{"namespaces": ["a"]}]}))]),
                json!([rule(
                    "Allow",
                    &json!({"from": [{"clientCertificates": ["*"], "namespaces": ["a"]}]})
                )]),
                &[GAINS],
            ),
        ] {
            let config = |rules: &Value| of(rules, &json!({}));
            assert_eq!(found(&config(&old), &config(&new)), expected, "{old} {new}");
        }
    }

    #[test]
    fn what_holds_for_all_rules_is_compared() {
        let allow = json!([rule("Allow", &json!({}))]);
        let along = |rules: Value| json!({"along": [{"policy": {"namespace": "shop", "name": "all"}, "rules": rules}]});
        let deny = json!([rule("Deny", &json!({}))]);
        let nothing = json!({});
        for (old, new, expected) in [
            (
                nothing.clone(),
                json!({"enforcement": "Shadow"}),
                &["policy `shop/cart` goes into shadow"][..],
            ),
            // It let everything pass.
            (json!({"enforcement": "Shadow"}), nothing.clone(), &[]),
            // What another policy did not allow.
            (
                json!({"enforcement": "Shadow", "yields": true}),
                json!({"yields": true}),
                &[GAINS],
            ),
            (
                nothing.clone(),
                json!({"otherwise": "Pass"}),
                &["`otherwise` of policy `shop/cart` changes from Deny to Pass"],
            ),
            (
                json!({"otherwise": "Pass"}),
                json!({"otherwise": "Pass", "meshOtherwise": "Pass"}),
                &["`meshOtherwise` changes from Deny to Pass"],
            ),
            (
                nothing.clone(),
                json!({"mesh": {"trustDomain": "cluster.local", "trustDomainAliases": ["old"]}}),
                &["the mesh accepts identities of other trust domains"],
            ),
            (
                nothing.clone(),
                json!({"mesh": {"trustDomain": "other"}}),
                &["the mesh accepts identities of other trust domains"],
            ),
            (
                json!({"knownGateways": ["unvalidated:edge/istio=gw"]}),
                json!({"knownGateways": ["edge/istio=gw"]}),
                &["it trusts more gateways to validate client certificates"],
            ),
            (
                along(deny.clone()),
                along(json!([])),
                &["policy `shop/all` no longer denies all that its rule `r` does"],
            ),
            (
                along(deny),
                nothing.clone(),
                &["policy `shop/all` is no longer enforced"],
            ),
            (
                nothing.clone(),
                along(allow.clone()),
                &["no existing rule of policy `shop/all` allows all that rendered rule `r` does"],
            ),
            (
                nothing.clone(),
                json!({"revision": "1", "yields": true}),
                &[],
            ),
        ] {
            let (old, new) = (of(&allow, &old), of(&allow, &new));
            assert_eq!(found(&old, &new), expected, "{old} {new}");
        }
    }

    #[test]
    fn a_config_that_is_not_understood_may_be_stricter() {
        let new = of(&json!([]), &json!({}));
        let told = found(&of(&json!([]), &json!({"later": true})), &new);
        assert!(
            told.iter().any(|reason| reason.starts_with(
                "the existing plugin config is not understood (unknown field `later`"
            )),
            "{told:?}"
        );
        assert_eq!(found(&json!(null), &new).len(), 1);
        let mut elsewhere = object(&new).value().clone();
        elsewhere["spec"]["selector"] = json!({});
        let elsewhere = Object::new(elsewhere).unwrap();
        let at = Timestamp::from_unix_nanoseconds(0);
        assert_eq!(
            wider(&object(&new), &elsewhere, "/spec", at),
            ["its `selector` changes, so that it may no longer decide on some requests"]
        );
    }
}
