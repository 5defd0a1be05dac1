//! What is shipped to each sidecar: the configuration of the filter, as JSON inside a
//! `WasmPlugin`.
//!
//! Its rules are spelt as in a policy document, so that an operator can read and change them in
//! place. `PluginConfig` → [`CompiledPolicy`](crate::engine::CompiledPolicy) is the only way to a
//! decision, for the filter, the command line, tests and benchmarks alike.

mod along;
mod digest;
mod gateways;

use std::collections::BTreeMap;

#[cfg(feature = "schemars")]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::check::{Scope, check_rules, is_dns_label, is_object_name, read_service_account};
use crate::code;
use crate::decision_id::DecisionKey;
use crate::identity::{TrustDomains, is_trust_domain};
use crate::problem::{Cursor, Problem, Problems};
use crate::reporting::{Reporting, ReportingSpec};
use crate::rule::{Rule, ServiceAccount};
use crate::rule_spec::{Enforcement, Otherwise, RuleSpec};

pub use along::{ApiVersion, MeshIdentity, PolicyAlong, PolicyName};
pub use digest::PolicyDigest;
pub use digest::hex;
pub use gateways::KnownGateway;
pub use gateways::{CertificateValidation, ProxyDescription, ProxyKind};

/// The configuration of one filter: one policy, what of the mesh it needs to know, and the other
/// policies that are for some of the same workloads.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schemars", derive(JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PluginConfig {
    /// A filter refuses a version that it does not know.
    pub api_version: ApiVersion,
    /// Which state of the documents this was rendered from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    /// The identities that the mesh accepts.
    pub mesh: MeshIdentity,
    /// The gateways of the mesh that the policy may apply to: their pods, as
    /// `NAMESPACE/KEY=VALUE,KEY=VALUE`, after `unvalidated:` if their listeners may accept client
    /// certificates that they have not validated.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub known_gateways: Vec<String>,
    /// Whether the policy applies to gateways only.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub at_gateway: bool,
    /// The policy that the rules come from.
    pub policy: PolicyName,
    /// `Shadow` to let every request pass and only record what the policy would do.
    #[serde(default)]
    pub enforcement: Enforcement,
    /// What is told of decisions, and to whom.
    #[serde(default, skip_serializing_if = "ReportingSpec::is_empty")]
    pub reporting: ReportingSpec,
    /// The key that the ids of decisions are encrypted with: 32 bytes in base64 for URLs, without padding.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision_key: Option<String>,
    /// What becomes of a request that no rule matches.
    #[serde(default)]
    pub otherwise: Otherwise,
    /// What the mesh does with a request that every policy leaves to it with `otherwise: Pass`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub mesh_otherwise: Otherwise,
    /// The rules.
    pub rules: Vec<RuleSpec>,
    /// Other policies, which this filter enforces along where they are for the same workload.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub along: Vec<PolicyAlong>,
    /// Whether the filter of another policy may enforce this one along. Where it has enforced exactly
    /// these rules, this filter stands aside. Where it has enforced others, this filter adds its own
    /// denials.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub yields: bool,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
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
    pub(crate) name: PolicyName,
    pub(crate) revision: Option<String>,
    pub(crate) trust_domains: TrustDomains,
    pub(crate) gateways: Vec<ServiceAccount>,
    pub(crate) reporting: Reporting,
    pub(crate) decision_key: Option<DecisionKey>,
    pub(crate) known_gateways: Vec<KnownGateway>,
    pub(crate) at_gateway: bool,
    /// The leading one first.
    pub(crate) policies: Vec<CheckedPolicy>,
    pub(crate) mesh_otherwise: Otherwise,
    pub(crate) yields: bool,
}

/// One of its policies.
#[derive(Debug)]
pub(crate) struct CheckedPolicy {
    pub(crate) name: PolicyName,
    pub(crate) digest: PolicyDigest,
    match_labels: BTreeMap<String, String>,
    pub(crate) at_gateway: bool,
    pub(crate) enforcement: Enforcement,
    pub(crate) otherwise: Otherwise,
    pub(crate) rules: Vec<Rule>,
}

impl CheckedConfig {
    /// What of it is for the workload whose labels `label` tells.
    pub(crate) fn for_workload(mut self, label: impl Fn(&str) -> Option<String>) -> Self {
        let is_for = |labels: &BTreeMap<String, String>| {
            labels
                .iter()
                .all(|(key, value)| label(key).as_ref() == Some(value))
        };
        self.policies.retain(|policy| is_for(&policy.match_labels));
        self
    }
}

impl PluginConfig {
    /// Reads the JSON that the proxy hands to the filter.
    pub fn from_json(json: &[u8]) -> Result<Self, ConfigError> {
        if json.iter().all(u8::is_ascii_whitespace) {
            return Err(ConfigError::Empty);
        }
        Ok(serde_json::from_slice(json)?)
    }

    /// The decision on a request that no rule matches if no other policy selects the workload.
    pub fn otherwise_alone(&self) -> Otherwise {
        match self.otherwise {
            Otherwise::Deny => Otherwise::Deny,
            Otherwise::Pass => self.mesh_otherwise,
        }
    }

    /// Understands it in full, or says all that stands in the way.
    pub(crate) fn check(self) -> Result<CheckedConfig, Vec<Problem>> {
        let mut problems = Problems::default();
        let root = Cursor::Root;
        let trust_domains = check_trust_domains(&self.mesh, &root.key("mesh"), &mut problems);
        let gateways = check_gateways(&self.mesh, &root.key("mesh"), &mut problems);
        let reporting = self.reporting.check(&root.key("reporting"), &mut problems);
        let known_gateways = check_known_gateways(
            &self.known_gateways,
            &root.key("knownGateways"),
            &mut problems,
        );
        let decision_key = self.decision_key.as_deref();
        let decision_key = decision_key
            .and_then(|key| check_decision_key(key, &root.key("decisionKey"), &mut problems));
        // The leading policy is for every workload that has the filter.
        let leading = PolicyAlong {
            policy: self.policy.clone(),
            match_labels: BTreeMap::new(),
            at_gateway: self.at_gateway,
            enforcement: self.enforcement,
            otherwise: self.otherwise,
            rules: self.rules,
        };
        let mut policies = Vec::with_capacity(self.along.len() + 1);
        policies.push(leading.check(&self.mesh, trust_domains.as_ref(), &root, &mut problems));
        let along = root.key("along");
        for (index, policy) in self.along.into_iter().enumerate() {
            let cursor = along.index(index);
            policies.push(policy.check(&self.mesh, trust_domains.as_ref(), &cursor, &mut problems));
        }
        match (trust_domains, policies.into_iter().collect()) {
            (Some(trust_domains), Some(policies)) if problems.count() == 0 => Ok(CheckedConfig {
                name: self.policy,
                revision: self.revision,
                trust_domains,
                gateways,
                reporting,
                decision_key,
                known_gateways,
                at_gateway: self.at_gateway,
                policies,
                mesh_otherwise: self.mesh_otherwise,
                yields: self.yields,
            }),
            _ => Err(problems.into_vec()),
        }
    }
}

impl PolicyAlong {
    fn check(
        self,
        mesh: &MeshIdentity,
        trust_domains: Option<&TrustDomains>,
        cursor: &Cursor<'_>,
        problems: &mut Problems,
    ) -> Option<CheckedPolicy> {
        check_policy_name(&self.policy, &cursor.key("policy"), problems);
        let digest = PolicyDigest::new(mesh, &self);
        let scope = Scope {
            trust_domains: Some(trust_domains?),
            namespace: &self.policy.namespace,
            enforcement: self.enforcement,
            otherwise: self.otherwise,
            at_gateway: self.at_gateway,
        };
        let rules = check_rules(&self.rules, &scope, &cursor.key("rules"), problems);
        Some(CheckedPolicy {
            rules: rules.into_iter().collect::<Option<_>>()?,
            name: self.policy,
            digest,
            match_labels: self.match_labels,
            at_gateway: self.at_gateway,
            enforcement: self.enforcement,
            otherwise: self.otherwise,
        })
    }
}

fn check_gateways(
    mesh: &MeshIdentity,
    cursor: &Cursor<'_>,
    problems: &mut Problems,
) -> Vec<ServiceAccount> {
    let cursor = cursor.key("gateways");
    let mut accounts = Vec::with_capacity(mesh.gateways.len());
    for (index, text) in mesh.gateways.iter().enumerate() {
        let account = read_service_account(text, None);
        if account.is_none() {
            problems.report(
                code::INVALID_SERVICE_ACCOUNT,
                &cursor.index(index),
                format!("`{text}` is not the service account of a gateway"),
                "write `NAMESPACE/NAME`",
            );
        }
        accounts.extend(account);
    }
    accounts
}

fn check_known_gateways(
    texts: &[String],
    cursor: &Cursor<'_>,
    problems: &mut Problems,
) -> Vec<KnownGateway> {
    let mut gateways = Vec::with_capacity(texts.len());
    for (index, text) in texts.iter().enumerate() {
        let gateway = KnownGateway::parse(text);
        if gateway.is_none() {
            problems.report(
                code::INVALID_VALUE,
                &cursor.index(index),
                format!("`{text}` is not a gateway"),
                "write `NAMESPACE/KEY=VALUE,KEY=VALUE`",
            );
        }
        gateways.extend(gateway);
    }
    gateways
}

/// Without the key: a log may quote what is wrong.
fn check_decision_key(
    key: &str,
    cursor: &Cursor<'_>,
    problems: &mut Problems,
) -> Option<DecisionKey> {
    let read = DecisionKey::from_base64(key);
    if read.is_none() {
        problems.report(
            code::INVALID_VALUE,
            cursor,
            "this is not a key for the ids of decisions",
            "render the config with `--decision-key`, or remove the field",
        );
    }
    read
}

/// The longest name of a policy in bytes: Kubernetes takes 253, and the resources made of a policy
/// add to its name what they are.
const MAX_NAME: usize = 240;

/// Reports a policy name that Kubernetes does not accept.
pub fn check_policy_name(name: &PolicyName, cursor: &Cursor<'_>, problems: &mut Problems) {
    if !is_dns_label(&name.namespace) {
        problems.report(
            code::INVALID_NAME,
            &cursor.key("namespace"),
            format!("no namespace can be `{}`", name.namespace),
            "use 1 to 63 lower-case letters, digits and `-`, beginning and ending with a letter or digit",
        );
    }
    if !is_object_name(&name.name) {
        problems.report(
            code::INVALID_NAME,
            &cursor.key("name"),
            format!("`{}` is not a name that Kubernetes accepts", name.name),
            "use lower-case letters, digits, `-` and `.`, beginning and ending with a letter or digit",
        );
    } else if name.name.len() > MAX_NAME {
        problems.report(
            code::INVALID_NAME,
            &cursor.key("name"),
            "the name is longer than 240 characters",
            "shorten it: the resources that are made of the policy add to its name what they are",
        );
    }
}

/// Reports names of the mesh that are no trust domains.
pub fn check_trust_domains(
    mesh: &MeshIdentity,
    cursor: &Cursor<'_>,
    problems: &mut Problems,
) -> Option<TrustDomains> {
    let mut check = |name: &str, cursor: &Cursor<'_>| {
        if !is_trust_domain(name) {
            problems.report(
                code::INVALID_TRUST_DOMAIN,
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
