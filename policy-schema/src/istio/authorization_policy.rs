//! Policy → `AuthorizationPolicy` (Istio, security.istio.io/v1), so that Envoy's own RBAC
//! enforces the same rules.
//!
//! One object for what is allowed, one for what is denied. Where the language means more than
//! Istio's, the object says it in full: an `Allow` rule without positive conditions on the caller
//! asks for an identity of the mesh, since to Istio it would take callers without any.

use serde::Serialize;

use super::{Metadata, WorkloadSelector};
use crate::identity::{SCHEME, TrustDomains};
use crate::matching::TextMatch;
use crate::planes::RbacPlane;
use crate::plugin_config::PluginConfig;
use crate::policy::{Mesh, ServicePolicy};
use crate::rule::{Operation, Rule, Source};
use crate::rule_spec::{Effect, Enforcement};

/// The most rules that Istio takes in one object, and sources in one rule.
const MAX_LIST: usize = 512;

/// An `AuthorizationPolicy`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AuthorizationPolicy {
    api_version: &'static str,
    kind: &'static str,
    metadata: Metadata,
    spec: Spec,
}

impl AuthorizationPolicy {
    /// The object's name and namespace.
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Spec {
    selector: WorkloadSelector,
    action: Action,
    /// Left out when empty: an `ALLOW` policy without rules allows nothing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    rules: Vec<IstioRule>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
enum Action {
    Allow,
    Deny,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct IstioRule {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    from: Vec<SourceEntry>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    to: Vec<OperationEntry>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct SourceEntry {
    source: IstioSource,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct OperationEntry {
    operation: IstioOperation,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct IstioSource {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    principals: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    not_principals: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    namespaces: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    not_namespaces: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct IstioOperation {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    hosts: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    not_hosts: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ports: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    not_ports: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    methods: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    not_methods: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    paths: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    not_paths: Vec<String>,
}

/// The objects for a policy: none when the policy is in shadow, since Istio's own dry run is not
/// honoured by every proxy that may meet it.
pub fn authorization_policies(mesh: &Mesh, policy: &ServicePolicy) -> Vec<AuthorizationPolicy> {
    if policy.enforcement == Enforcement::Shadow {
        return Vec::new();
    }
    let config = PluginConfig::of_policy(mesh, policy);
    let object = |action, name: String, rules: &[IstioRule]| AuthorizationPolicy {
        api_version: "security.istio.io/v1",
        kind: "AuthorizationPolicy",
        metadata: Metadata::of_policy(name, policy, &config),
        spec: Spec {
            selector: policy.into(),
            action,
            rules: rules.to_vec(),
        },
    };
    let mut objects = Vec::new();
    for (effect, action, suffix) in [
        (Effect::Allow, Action::Allow, "allow"),
        (Effect::Deny, Action::Deny, "deny"),
    ] {
        let rules = istio_rules(mesh, policy, effect);
        let base = format!("{}-{suffix}", policy.name.name);
        // A `DENY` policy without rules would say nothing, and Istio refuses it.
        if rules.is_empty() && effect == Effect::Allow {
            objects.push(object(action, base.clone(), &[]));
        }
        for (rules, part) in rules.chunks(MAX_LIST).zip(1..) {
            let name = match part {
                1 => base.clone(),
                _ => format!("{base}-{part}"),
            };
            objects.push(object(action, name, rules));
        }
    }
    objects
}

fn istio_rules(mesh: &Mesh, policy: &ServicePolicy, effect: Effect) -> Vec<IstioRule> {
    policy
        .rules
        .iter()
        .filter(|rule| rule.effect == effect)
        .filter(|rule| RbacPlane::of_rule(policy, rule).is_rendered())
        .flat_map(|rule| istio_rule(rule, &mesh.trust_domains))
        .collect()
}

/// One rule, or several that mean the same where its sources are more than Istio takes.
fn istio_rule(rule: &Rule, trust_domains: &TrustDomains) -> Vec<IstioRule> {
    let to: Vec<_> = rule
        .operations
        .iter()
        .map(|operation| OperationEntry {
            operation: operation.into(),
        })
        .collect();
    let any_source = Source::default();
    let sources: Vec<_> = match (rule.sources.as_slice(), rule.effect) {
        ([], Effect::Allow) => vec![istio_source(&any_source, Effect::Allow, trust_domains)],
        ([], Effect::Deny) => {
            return vec![IstioRule {
                from: Vec::new(),
                to,
            }];
        }
        (sources, effect) => sources
            .iter()
            .map(|source| istio_source(source, effect, trust_domains))
            .collect(),
    };
    sources
        .chunks(MAX_LIST)
        .map(|sources| IstioRule {
            from: sources
                .iter()
                .map(|source| SourceEntry {
                    source: source.clone(),
                })
                .collect(),
            to: to.clone(),
        })
        .collect()
}

fn istio_source(source: &Source, effect: Effect, trust_domains: &TrustDomains) -> IstioSource {
    if source.anonymous {
        return IstioSource {
            not_principals: vec!["*".to_owned()],
            ..IstioSource::default()
        };
    }
    let mut principals = Vec::new();
    for pattern in source.principals_in(trust_domains) {
        match pattern {
            TextMatch::Any => principals.extend(identities_of(trust_domains.iter())),
            other => principals.push(istio_principal(&other)),
        }
    }
    let mut namespaces = Vec::new();
    match principals_of_namespaces(&source.namespaces, trust_domains) {
        Some(of_namespaces) if principals.is_empty() => principals = of_namespaces,
        _ => namespaces = written(&source.namespaces),
    }
    let lacks_identity = match effect {
        Effect::Allow => principals.is_empty(),
        Effect::Deny => {
            principals.is_empty() && namespaces.is_empty() && !source.trust_domains.is_empty()
        }
    };
    if lacks_identity {
        principals.extend(identities_of(trust_domains.iter()));
    }
    let mut not_principals = written(&source.not_principals_in(trust_domains));
    let mut not_namespaces = Vec::new();
    match principals_of_namespaces(&source.not_namespaces, trust_domains) {
        Some(of_namespaces) => not_principals.extend(of_namespaces),
        None => not_namespaces = written(&source.not_namespaces),
    }
    // As an exclusion of the others, since Istio would widen a principal in one trust domain to
    // the same in each alias.
    let excluded_domains = trust_domains
        .iter()
        .filter(|trust_domain| !source.takes_trust_domain(trust_domain));
    not_principals.extend(identities_of(excluded_domains));
    IstioSource {
        principals,
        not_principals,
        namespaces,
        not_namespaces,
    }
}

fn written(patterns: &[TextMatch]) -> Vec<String> {
    patterns.iter().map(istio_principal).collect()
}

/// The principals that are in these namespaces; none where a pattern has an open beginning.
///
/// Istio's own `namespaces` looks for `/ns/NAMESPACE/` anywhere in the ID and in any trust domain,
/// and takes the `sa` of `/ns/NAMESPACE/sa/NAME` for a namespace where that is called `ns`.
fn principals_of_namespaces(
    namespaces: &[TextMatch],
    trust_domains: &TrustDomains,
) -> Option<Vec<String>> {
    let mut principals = Vec::new();
    for namespace in namespaces {
        let beginning = match namespace {
            TextMatch::Any => String::new(),
            TextMatch::Exact(name) => format!("{name}/sa/"),
            TextMatch::Prefix(name) => name.to_string(),
            TextMatch::Suffix(_) => return None,
        };
        principals.extend(
            trust_domains
                .iter()
                .map(|trust_domain| format!("{trust_domain}/ns/{beginning}*")),
        );
    }
    Some(principals)
}

impl Source {
    fn takes_trust_domain(&self, name: &str) -> bool {
        let has = |patterns: &[TextMatch]| patterns.iter().any(|p| p.matches(name.as_bytes()));
        (self.trust_domains.is_empty() || has(&self.trust_domains)) && !has(&self.not_trust_domains)
    }
}

/// Every identity of these trust domains.
fn identities_of<'t>(trust_domains: impl Iterator<Item = &'t str>) -> impl Iterator<Item = String> {
    trust_domains.map(|trust_domain| format!("{trust_domain}/*"))
}

/// A pattern as Istio writes principals: without the scheme.
fn istio_principal(pattern: &TextMatch) -> String {
    let written = pattern.to_string();
    written
        .strip_prefix(SCHEME)
        .map_or(written.clone(), str::to_owned)
}

impl From<&Operation> for IstioOperation {
    fn from(operation: &Operation) -> Self {
        fn written<V: ToString>(values: &[V]) -> Vec<String> {
            values.iter().map(V::to_string).collect()
        }
        Self {
            hosts: written(&operation.hosts),
            not_hosts: written(&operation.not_hosts),
            ports: written(&operation.ports),
            not_ports: written(&operation.not_ports),
            methods: written(&operation.methods),
            not_methods: written(&operation.not_methods),
            paths: written(&operation.paths),
            not_paths: written(&operation.not_paths),
        }
    }
}
