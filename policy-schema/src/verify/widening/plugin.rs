//! Compares the filter of a `WasmPlugin` or a `TrafficExtension` with the one that it replaces:
//! does it let more requests pass?
//!
//! Rules are compared by ID, and by content if the ID is new. The filter's own version is not
//! compared: all versions interpret a plugin config in the same way, or refuse it.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::Value;

use super::super::object::Object;
use super::rules::{covers, validity};
use crate::plugin_config::{KnownGateway, MeshIdentity, PluginConfig, PolicyName};
use crate::policy::Labels;
use crate::rule_spec::{Effect, Enforcement, Otherwise, RuleSpec};
use crate::timestamp::{Phase, Timestamp};

/// Fields that select the proxies and requests that the filter applies to.
const PLACES: [(&str, &str); 4] = [
    ("/spec/selector", "`selector`"),
    ("/spec/targetRefs", "`targetRefs`"),
    ("/spec/match", "`match`"),
    ("/spec/phase", "`phase`"),
];

/// `module` is the JSON pointer to the module.
pub(super) fn wider(old: &Object, new: &Object, module: &str, at: Timestamp) -> Vec<String> {
    let mut reasons = Vec::new();
    for (pointer, field) in PLACES {
        let place = |object: &Object| object.at(pointer).filter(|value| !is_empty(value)).cloned();
        if place(old) != place(new) {
            reasons.push(format!(
                "its {field} changes, so it may no longer apply to some requests"
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
        .map_err(|reason| format!("the existing plugin config cannot be parsed ({reason})"))
}

/// A policy of a plugin config.
struct Enforced<'c> {
    match_labels: Option<&'c Labels>,
    at_gateway: bool,
    enforcement: Enforcement,
    otherwise: Otherwise,
    rules: &'c [RuleSpec],
}

/// The policies of a plugin config, by name.
fn policies(config: &PluginConfig) -> BTreeMap<&PolicyName, Enforced<'_>> {
    let leading = Enforced {
        match_labels: None,
        at_gateway: config.at_gateway,
        enforcement: config.enforcement,
        otherwise: config.otherwise,
        rules: &config.rules,
    };
    let followers = config.co_enforced.iter().map(|policy| {
        let enforced = Enforced {
            match_labels: Some(&policy.match_labels),
            at_gateway: policy.at_gateway,
            enforcement: policy.enforcement,
            otherwise: policy.otherwise,
            rules: &policy.rules,
        };
        (&policy.policy, enforced)
    });
    followers.chain([(&config.policy, leading)]).collect()
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
    let is_alone = |config: &PluginConfig| config.co_enforced.is_empty() && !config.may_be_led;
    let passes_everything =
        old.enforcement == Enforcement::Shadow || old.otherwise_alone() == Otherwise::Pass;
    // The old policy alone let every request pass, so an `Allow` rule adds none.
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
    // Names without a trust domain belong to the first.
    old.trust_domain != new.trust_domain
        || aliases.any(|alias| !old.trust_domain_aliases.contains(alias))
}

impl Enforced<'_> {
    /// Adds what `was` denies and this does not.
    fn add_losses(&self, name: &PolicyName, was: &Self, at: Timestamp, reasons: &mut Vec<String>) {
        if was.enforcement == Enforcement::Shadow {
            return;
        }
        if self.enforcement == Enforcement::Shadow {
            return reasons.push(format!("policy `{name}` is now in shadow"));
        }
        if self.match_labels != was.match_labels || self.at_gateway != was.at_gateway {
            reasons.push(format!("policy `{name}` selects different workloads"));
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
                    "policy `{name}` no longer denies everything that its existing rule `{}` denies",
                    rule.id
                ));
            }
        }
    }

    /// Adds what this allows and `was` does not.
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
                    "no existing rule of policy `{name}` allows everything that rendered rule `{}` allows",
                    rule.id
                ));
            }
        }
    }
}

/// The enforced rules of an effect that have not expired.
fn in_force(rules: &[RuleSpec], effect: Effect, at: Timestamp) -> impl Iterator<Item = &RuleSpec> {
    rules.iter().filter(move |rule| {
        let denies_at_all_workloads_of =
            validity(rule).is_some_and(|validity| validity.phase(at) == Phase::After);
        is_enforced(rule, effect) && !denies_at_all_workloads_of
    })
}

fn is_enforced(rule: &RuleSpec, effect: Effect) -> bool {
    rule.effect == effect && rule.enforcement != Some(Enforcement::Shadow)
}

/// Rules of an effect, indexed by ID and by content.
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

    /// Whether the rule with the same ID matches everything that `rule` does, or any rule has the
    /// same content.
    fn has(&self, rule: &RuleSpec) -> bool {
        let of_id = self.by_id.get(&*rule.id);
        of_id.is_some_and(|known| covers(known, rule)) || self.contents.contains(&content(rule))
    }
}

/// The rule without the fields that do not affect decisions.
fn content(rule: &RuleSpec) -> RuleSpec {
    RuleSpec {
        id: String::new(),
        description: None,
        owner: None,
        enforcement: None,
        ..rule.clone()
    }
}

#[cfg(test)]
mod tests;
