//! What is shipped to each sidecar: the configuration of the filter, as JSON inside a
//! `WasmPlugin`.
//!
//! Its rules are spelt as in a policy document, so that an operator can read and change them in
//! place. `PluginConfig` → [`CompiledPolicy`](crate::engine::CompiledPolicy) is the only way to a
//! decision, for the filter, the command line, tests and benchmarks alike.

use std::fmt;

#[cfg(feature = "authoring")]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::check::{Scope, check_rules, is_dns_label, is_dns_subdomain};
use crate::code::Code;
use crate::identity::{TrustDomains, is_trust_domain};
use crate::problem::{Cursor, Problem, Problems};
use crate::rule::Rule;
use crate::rule_spec::{Enforcement, RuleSpec};

/// The version of the policy language: of documents and of the plugin config alike.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "authoring", derive(JsonSchema))]
pub enum ApiVersion {
    /// The only one so far.
    #[default]
    #[serde(rename = "peergate.dev/v1alpha1")]
    V1Alpha1,
}

/// The configuration of one filter: one policy, and what of the mesh it needs to know.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "authoring", derive(JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PluginConfig {
    /// A filter refuses a version that it does not know.
    pub api_version: ApiVersion,
    /// Which state of the documents this was rendered from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    /// The identities that the mesh accepts.
    pub mesh: MeshIdentity,
    /// The policy that the rules come from.
    pub policy: PolicyName,
    /// `Shadow` to let every request pass and only record what the policy would do.
    #[serde(default)]
    pub enforcement: Enforcement,
    /// Whether the upstream is told the verified caller, in the header `x-peergate-caller`.
    #[serde(default)]
    pub caller_header: bool,
    /// The rules. An empty list denies every request.
    pub rules: Vec<RuleSpec>,
}

/// The trust domains of a mesh.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "authoring", derive(JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MeshIdentity {
    /// The mesh's own trust domain.
    pub trust_domain: String,
    /// Other trust domains whose identities are the same mesh's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub trust_domain_aliases: Vec<String>,
}

/// The name of a policy.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "authoring", derive(JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PolicyName {
    /// The Kubernetes namespace.
    pub namespace: String,
    /// The name, unique in its namespace.
    pub name: String,
}

impl PolicyName {
    /// Namespace and name, to compare and sort by.
    pub fn as_pair(&self) -> (&str, &str) {
        (&self.namespace, &self.name)
    }
}

impl fmt::Display for PolicyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// Why a plugin config is refused.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// There is no configuration at all.
    #[error("the plugin config is empty; render one with `peergate render --only plugin-config`")]
    Empty,
    /// It is not JSON of the expected shape.
    #[error("the plugin config is not valid: {0}")]
    Json(#[from] serde_json::Error),
    /// Its content cannot be accepted.
    #[error("the plugin config is refused: {}", first_of(.0))]
    Refused(Vec<Problem>),
}

fn first_of(problems: &[Problem]) -> String {
    match problems {
        [] => String::new(),
        [only] => only.to_string(),
        [first, rest @ ..] => format!("{first} (and {} more)", rest.len()),
    }
}

/// A plugin config that was understood in full.
#[derive(Debug)]
pub(crate) struct CheckedConfig {
    pub(crate) policy: PolicyName,
    pub(crate) revision: Option<String>,
    pub(crate) trust_domains: TrustDomains,
    pub(crate) enforcement: Enforcement,
    pub(crate) caller_header: bool,
    pub(crate) rules: Vec<Rule>,
}

impl PluginConfig {
    /// Reads the JSON that the proxy hands to the filter.
    pub fn from_json(json: &[u8]) -> Result<Self, ConfigError> {
        if json.iter().all(u8::is_ascii_whitespace) {
            return Err(ConfigError::Empty);
        }
        Ok(serde_json::from_slice(json)?)
    }

    /// Understands it in full, or says all that stands in the way.
    pub(crate) fn check(self) -> Result<CheckedConfig, Vec<Problem>> {
        let mut problems = Problems::default();
        let root = Cursor::Root;
        check_policy_name(&self.policy, &root.key("policy"), &mut problems);
        let trust_domains = check_trust_domains(&self.mesh, &root.key("mesh"), &mut problems);
        let rules = trust_domains.as_ref().and_then(|trust_domains| {
            let scope = Scope {
                trust_domains: Some(trust_domains),
                namespace: &self.policy.namespace,
                enforcement: self.enforcement,
            };
            check_rules(&self.rules, &scope, &root.key("rules"), &mut problems)
                .into_iter()
                .collect::<Option<Vec<_>>>()
        });
        match (trust_domains, rules) {
            (Some(trust_domains), Some(rules)) if problems.count() == 0 => Ok(CheckedConfig {
                policy: self.policy,
                revision: self.revision,
                trust_domains,
                enforcement: self.enforcement,
                caller_header: self.caller_header,
                rules,
            }),
            _ => Err(problems.into_vec()),
        }
    }
}

/// The longest name of a policy in bytes: Kubernetes takes 253, and the resources made of a policy
/// add to its name what they are.
const MAX_NAME: usize = 240;

pub(crate) fn check_policy_name(name: &PolicyName, cursor: &Cursor<'_>, problems: &mut Problems) {
    if !is_dns_label(&name.namespace) {
        problems.report(
            Code::InvalidName,
            &cursor.key("namespace"),
            format!("no namespace can be `{}`", name.namespace),
            "use 1 to 63 lower-case letters, digits and `-`, beginning and ending with a letter or digit",
        );
    }
    if !is_dns_subdomain(&name.name) {
        problems.report(
            Code::InvalidName,
            &cursor.key("name"),
            format!("`{}` is not a name that Kubernetes accepts", name.name),
            "use lower-case letters, digits, `-` and `.`, beginning and ending with a letter or digit",
        );
    } else if name.name.len() > MAX_NAME {
        problems.report(
            Code::InvalidName,
            &cursor.key("name"),
            "the name is longer than 240 characters",
            "shorten it: the resources that are made of the policy add to its name what they are",
        );
    }
}

pub(crate) fn check_trust_domains(
    mesh: &MeshIdentity,
    cursor: &Cursor<'_>,
    problems: &mut Problems,
) -> Option<TrustDomains> {
    let mut check = |name: &str, cursor: &Cursor<'_>| {
        if !is_trust_domain(name) {
            problems.report(
                Code::InvalidTrustDomain,
                cursor,
                format!("`{name}` is not a trust domain"),
                "use 1 to 255 lower-case letters, digits, `.`, `-` and `_`, such as `cluster.local`",
            );
        }
    };
    check(&mesh.trust_domain, &cursor.key("trustDomain"));
    let aliases = cursor.key("trustDomainAliases");
    for (index, alias) in mesh.trust_domain_aliases.iter().enumerate() {
        check(alias, &aliases.index(index));
    }
    TrustDomains::new(&mesh.trust_domain, &mesh.trust_domain_aliases)
}
