//! Renders a policy to [`AuthorizationPolicy`] objects, so that Envoy's RBAC enforces the same
//! rules.
//!
//! There is one object per effect. The objects spell out what the language implies. For example, an
//! `Allow` rule without positive conditions on the caller requires an identity of the mesh, because
//! Istio would also accept callers without one.

use super::authorization_policy::{
    Action, AuthorizationPolicy, AuthorizationPolicySpec, AuthorizationRule,
    Condition as IstioCondition, Operation as IstioOperation, OperationEntry, Provider,
    Source as IstioSource, SourceEntry,
};
use super::operation::istio_operation;
use super::source::{RenderedCallers, callers, conditions, has_address, identities_of};
use super::{policy_metadata, policy_selector, policy_targets, tcp};
use crate::enforcement_points::RbacEnforcement;
use crate::identity::TrustDomains;
use crate::policy::{Mesh, PolicySet, Rollout, ServicePolicy};
use crate::rule::{Rule, Source};
use crate::rule_spec::{Effect, Enforcement, Otherwise};

/// Istio's maximum number of rules in one object, and of sources in one rule.
const MAX_LIST: usize = 512;

/// The maximum size of the rules of one object, in bytes. `kubectl apply` copies the whole object
/// to an annotation, and Kubernetes limits all annotations together to 256 KiB.
const MAX_BYTES: usize = 200 * 1024;

/// The objects of a policy. Empty if the policy is in shadow: Istio's own dry run is not supported
/// by all proxies that may receive it.
pub fn authorization_policies(rollout: &Rollout<'_>) -> Vec<AuthorizationPolicy> {
    let policy = rollout.policy;
    if policy.enforcement == Enforcement::Shadow {
        return Vec::new();
    }
    let object = |content: &Content, rules: &[AuthorizationRule], part: usize| {
        let name = name_of_part(
            format!("{}{}", policy.name.name, content.action.suffix()),
            part,
        );
        AuthorizationPolicy {
            api_version: "security.istio.io/v1".to_owned(),
            kind: "AuthorizationPolicy".to_owned(),
            metadata: policy_metadata(name, rollout),
            spec: AuthorizationPolicySpec {
                selector: policy_selector(policy),
                target_refs: policy_targets(policy),
                action: content.action,
                provider: content.provider.clone(),
                rules: rules.to_vec(),
                ..AuthorizationPolicySpec::default()
            },
        }
    };
    let mut objects = Vec::new();
    let mut part = 1;
    for content in contents(policy, &rollout.set.mesh) {
        if !content.continues {
            part = 1;
        }
        let is_deny_all = content.is_deny_all();
        let nothing: &[AuthorizationRule] = &[];
        for rules in parts(&content.rules)
            .into_iter()
            .chain(is_deny_all.then_some(nothing))
        {
            objects.push(object(&content, rules, part));
            part += 1;
        }
    }
    objects
}

/// Whether the policy has such objects.
pub(crate) fn has_authorization_policies(set: &PolicySet, policy: &ServicePolicy) -> bool {
    let mut contents = contents(policy, &set.mesh).into_iter();
    policy.enforcement == Enforcement::Enforce
        && contents.any(|content| content.is_deny_all() || !content.rules.is_empty())
}

/// The name of one of several objects with the same base name, counted from 1.
pub(super) fn name_of_part(name: String, part: usize) -> String {
    if part > 1 {
        format!("{name}-{part}")
    } else {
        name
    }
}

/// The rules in as few parts as the limits permit.
pub(super) fn parts(rules: &[AuthorizationRule]) -> Vec<&[AuthorizationRule]> {
    // A rule always serializes. Without a size it would only share a part with others.
    let size = |rule: &AuthorizationRule| serde_json::to_vec(rule).map_or(0, |json| json.len());
    let mut parts = Vec::new();
    let (mut rest, mut count, mut bytes) = (rules, 0, 0);
    for rule in rules {
        let more = size(rule);
        if count == MAX_LIST || (count > 0 && bytes + more > MAX_BYTES) {
            let (part, others) = rest.split_at(count);
            parts.push(part);
            (rest, count, bytes) = (others, 0, 0);
        }
        count += 1;
        bytes += more;
    }
    if !rest.is_empty() {
        parts.push(rest);
    }
    parts
}

/// The rules of the same effect and provider.
struct Content {
    action: Action,
    provider: Option<Provider>,
    rules: Vec<AuthorizationRule>,
    /// Whether its objects continue the numbering of the previous one.
    continues: bool,
}

impl Content {
    /// Whether the object denies everything: without rules, it allows nothing.
    fn is_deny_all(&self) -> bool {
        self.action == Action::Allow && self.rules.is_empty()
    }
}

fn contents(policy: &ServicePolicy, mesh: &Mesh) -> Vec<Content> {
    let trust_domains = mesh.trust_domains();
    let rules_with = |effect, provider: Option<&str>| -> Vec<AuthorizationRule> {
        policy
            .rules
            .iter()
            .filter(|rule| rule.effect == effect && rule.provider.as_deref() == provider)
            .filter(|rule| RbacEnforcement::for_rule(policy, rule).is_rendered())
            .flat_map(|rule| istio_rules(policy, rule, trust_domains))
            .collect()
    };
    let content = |action, rules| Content {
        action,
        provider: None,
        rules,
        continues: false,
    };
    let mut contents = Vec::new();
    if policy.otherwise_in(mesh) == Otherwise::Deny {
        contents.push(content(Action::Allow, rules_with(Effect::Allow, None)));
    }
    let mut deny = rules_with(Effect::Deny, None);
    // At a gateway, they are ordinary callers.
    let is_at_gateway = mesh.is_at_gateway(&policy.name.namespace, &policy.attachment);
    if policy.otherwise == Otherwise::Pass && !is_at_gateway {
        deny.push(foreign_identities(trust_domains));
    }
    contents.push(content(Action::Deny, deny));
    contents.push(content(Action::Audit, rules_with(Effect::Audit, None)));
    let mut providers: Vec<&str> = Vec::new();
    for provider in policy
        .rules
        .iter()
        .filter_map(|rule| rule.provider.as_deref())
    {
        if !providers.contains(&provider) {
            providers.push(provider);
        }
    }
    for (position, provider) in providers.into_iter().enumerate() {
        contents.push(Content {
            provider: Some(Provider {
                name: provider.to_owned(),
            }),
            continues: position > 0,
            ..content(Action::Custom, rules_with(Effect::Custom, Some(provider)))
        });
    }
    contents
}

/// A rule that matches callers with a foreign identity. If the policy passes requests by default,
/// nothing else would deny these callers.
fn foreign_identities(trust_domains: &TrustDomains) -> AuthorizationRule {
    let source = IstioSource {
        principals: vec!["*".to_owned()],
        not_principals: identities_of(trust_domains.iter()).collect(),
        ..IstioSource::default()
    };
    AuthorizationRule {
        from: vec![SourceEntry { source }],
        ..AuthorizationRule::default()
    }
}

/// One rule, or several alternatives.
fn istio_rules(
    policy: &ServicePolicy,
    rule: &Rule,
    trust_domains: &TrustDomains,
) -> Vec<AuthorizationRule> {
    let callers = callers_of(rule, trust_domains);
    let operations = operations_of(policy, rule);
    let mut rules = Vec::new();
    for when in conditions_of(rule, trust_domains) {
        for (conditions, from) in &callers {
            for (of_operations, to) in &operations {
                let whole = AuthorizationRule {
                    from: Vec::new(),
                    to: to.clone(),
                    when: [when.as_slice(), conditions, of_operations].concat(),
                    id: Some(rule.id.to_string()),
                };
                if from.is_empty() {
                    rules.push(whole.clone());
                }
                rules.extend(from.chunks(MAX_LIST).map(|from| AuthorizationRule {
                    from: from.to_vec(),
                    ..whole.clone()
                }));
            }
        }
    }
    tcp::keep_to_http_as_a_whole(rule, &mut rules);
    rules
}

/// The operations of a rule, grouped by their conditions. Empty if the rule matches every request.
fn operations_of(
    policy: &ServicePolicy,
    rule: &Rule,
) -> Vec<(Vec<IstioCondition>, Vec<OperationEntry>)> {
    let mut operations: Vec<_> = rule
        .operations
        .iter()
        .map(|operation| istio_operation(operation, rule.effect))
        .collect();
    tcp::keep_to_http(policy, rule, &mut operations);
    let excludes_ports_alone = |operation: &IstioOperation| {
        rule.effect == Effect::Allow
            && operation.ports.is_empty()
            && !operation.not_ports.is_empty()
    };
    let (on_an_address, anywhere): (Vec<_>, Vec<_>) =
        operations.into_iter().partition(excludes_ports_alone);
    let entries = |operations: Vec<IstioOperation>| {
        let operations = operations.into_iter();
        operations
            .map(|operation| OperationEntry { operation })
            .collect()
    };
    let mut groups = Vec::new();
    if on_an_address.is_empty() || !anywhere.is_empty() {
        groups.push((Vec::new(), entries(anywhere)));
    }
    if !on_an_address.is_empty() {
        groups.push((vec![has_address()], entries(on_an_address)));
    }
    groups
}

/// The callers of a rule, grouped by their conditions. Empty if the rule matches every caller.
fn callers_of(
    rule: &Rule,
    trust_domains: &TrustDomains,
) -> Vec<(Vec<IstioCondition>, Vec<SourceEntry>)> {
    let of_the_mesh = [Source::default()];
    let sources = match (rule.sources.as_slice(), rule.effect) {
        ([], Effect::Allow) => of_the_mesh.as_slice(),
        ([], Effect::Deny | Effect::Audit | Effect::Custom) => {
            return vec![(Vec::new(), Vec::new())];
        }
        (sources, _) => sources,
    };
    let mut groups: Vec<(Vec<IstioCondition>, Vec<SourceEntry>)> = Vec::new();
    let all = sources
        .iter()
        .flat_map(|source| callers(source, rule.effect, trust_domains));
    for RenderedCallers { source, conditions } in all {
        let entry = SourceEntry { source };
        match groups.iter_mut().find(|(known, _)| *known == conditions) {
            Some((_, sources)) => sources.push(entry),
            None => groups.push((conditions, vec![entry])),
        }
    }
    groups
}

/// The conditions of a rule: alternatives, of which one must hold completely.
fn conditions_of(rule: &Rule, trust_domains: &TrustDomains) -> Vec<Vec<IstioCondition>> {
    let mut all = vec![Vec::new()];
    for condition in &rule.conditions {
        let alternatives = conditions(condition, rule.effect, trust_domains);
        all = all
            .iter()
            .flat_map(|before| {
                alternatives
                    .iter()
                    .map(|alternative| [before.as_slice(), alternative].concat())
            })
            .collect();
    }
    all
}
