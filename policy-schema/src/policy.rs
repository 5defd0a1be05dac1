//! Policies as they are meant: sound, complete, and built by [`validate`](crate::validate) alone.

mod along;
mod at_default;
mod at_gateway;
mod at_gateways;
mod calls;
mod edge;
mod filter_failure;
mod gateways;
mod hosts;
mod lookup;
mod mesh;
mod peer_authentication;
mod plugin_config;
mod pods;
mod providers;
mod selectors;
mod service;
mod tcp_ports;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::OnceLock;

use crate::decision_id::DecisionKey;
use crate::document::TargetRef;
use crate::plugin_config::PolicyName;
use crate::rule::Rule;
use crate::rule_spec::{Enforcement, Otherwise, RuleSpec};
use crate::timestamp::{Phase, Timestamp};

pub(crate) use along::{MAX_FOLLOWERS, TooManyFollowers, labels_beyond};
pub(crate) use at_default::AtDefault;
pub(crate) use at_default::is_for_all_of;
pub(crate) use at_gateway::{has_gateway_label, is_gateway};
pub(crate) use at_gateways::AtGateways;
pub(crate) use calls::{Caller, Callers, Calls, account_of};
pub use edge::Gateway;
pub(crate) use edge::{
    Exposure, GATEWAY_NAME, Server, TLS_DEFAULTS, account_of_istio, covers_host,
};
pub use filter_failure::FilterFailure;
pub(crate) use gateways::Gateways;
pub(crate) use hosts::Hosts;
pub use lookup::{ServiceAtHost, UnknownHost};
pub use mesh::Mesh;
pub(crate) use mesh::{
    FilterFetching, MANY_PROVIDERS, MtlsException, MtlsPlan, OTLP_PORT, WHOLE_CERTIFICATE,
};
pub use peer_authentication::AcceptedConnections;
pub(crate) use plugin_config::REVISION_LENGTH;
pub(crate) use pods::Pods;
pub(crate) use providers::{MULTIPLE_PROVIDERS, RESERVED_PROVIDERS};
pub use providers::{ProviderUse, UndeclaredProvider};
pub(crate) use selectors::Selectors;
pub(crate) use service::{ExternalHost, Service, ServicePort, Subset};
pub(crate) use tcp_ports::SharedTcpPort;

/// All documents of an input, understood together.
#[derive(Clone, Debug)]
pub struct PolicySet {
    pub(crate) mesh: Mesh,
    /// In the order of namespace and name, whatever the order of the files.
    pub(crate) policies: Vec<ServicePolicy>,
    /// Seals the ids of decisions. No document has it: it is a secret.
    pub(crate) decision_key: Option<DecisionKey>,
}

/// The rules of a workload, or of several.
#[derive(Clone, Debug)]
pub struct ServicePolicy {
    pub(crate) name: PolicyName,
    pub(crate) attachment: Attachment,
    pub(crate) enforcement: Enforcement,
    pub(crate) otherwise: Otherwise,
    /// The ports on which the workload speaks something other than HTTP.
    pub(crate) tcp_ports: Vec<u16>,
    /// The same of other policies for these workloads, without those of its own.
    pub(crate) shared_tcp_ports: Vec<SharedTcpPort>,
    pub(crate) rules: Vec<Rule>,
    /// The time that the documents are read for.
    pub(crate) at: Timestamp,
    /// The service account that the workload runs as.
    pub(crate) service_account: Option<String>,
    pub(crate) service: Option<Service>,
    pub(crate) exposures: Vec<Exposure>,
    pub(crate) external_hosts: Vec<ExternalHost>,
    /// The policies that this one's filter enforces along, by their positions in [`PolicySet::policies`].
    pub(crate) along: Vec<usize>,
    /// How many filters of other policies come before this one's, at most, on a workload.
    pub(crate) rank: u16,
    /// The name of its plugin config, once it was asked for: a digest of all of it.
    pub(crate) revision: OnceLock<String>,
}

/// What a policy is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attachment {
    /// The pods of the policy's namespace that have all these labels. Never empty.
    Workload(Labels),
    /// All pods of the policy's namespace.
    Namespace,
    /// The pods of the mesh that have all these labels.
    Mesh(Labels),
    /// Gateways or waypoints, by these Gateway API resources. Never empty.
    Targets(Vec<TargetRef>),
}

impl Attachment {
    /// Whether a policy of `namespace` with this attachment may be for pods of the namespace `place`
    /// that have `labels`.
    pub(crate) fn may_meet(&self, namespace: &str, place: &str, labels: &Labels) -> bool {
        match self {
            Self::Workload(own) => place == namespace && are_compatible(own, labels),
            Self::Namespace | Self::Targets(_) => place == namespace,
            Self::Mesh(own) => are_compatible(own, labels),
        }
    }
}

/// Labels of pods.
pub type Labels = BTreeMap<String, String>;

impl PolicySet {
    /// What is true of the whole mesh.
    pub fn mesh(&self) -> &Mesh {
        &self.mesh
    }

    /// The same documents, read at another time.
    pub(crate) fn as_read_at(&self, at: Timestamp) -> Self {
        let mut set = self.clone();
        set.mesh.mtls.at = at;
        for policy in &mut set.policies {
            policy.at = at;
        }
        set
    }

    /// Has the ids of all decisions sealed, each policy's with a key made of this one.
    pub fn seal_decisions(&mut self, key: DecisionKey) {
        self.decision_key = Some(key);
    }

    /// The key of the ids of a policy's decisions, if they are sealed.
    pub fn decision_key_of(&self, policy: &PolicyName) -> Option<DecisionKey> {
        let key = self.decision_key.as_ref()?;
        Some(key.of_policy(&policy.to_string()))
    }

    /// The policies' names, each with its key, if the ids of decisions are sealed.
    pub fn decision_keys(&self) -> Option<impl Iterator<Item = (String, DecisionKey)>> {
        let key = self.decision_key.as_ref()?;
        let names = self.policies.iter().map(|policy| policy.name.to_string());
        Some(names.map(|name| {
            let key = key.of_policy(&name);
            (name, key)
        }))
    }

    /// The policies, in the order of namespace and name.
    pub fn policies(&self) -> &[ServicePolicy] {
        &self.policies
    }

    /// For each policy the positions of those that are for some of its workloads, its own first.
    pub fn policies_together(&self) -> Vec<Vec<usize>> {
        let mut together: Vec<Vec<usize>> = (0..self.policies.len())
            .map(|position| vec![position])
            .collect();
        for (position, policy) in self.policies.iter().enumerate() {
            for other in policy.enforced_along() {
                if let Some(known) = together.get_mut(position) {
                    known.push(other);
                }
                if let Some(known) = together.get_mut(other) {
                    known.push(position);
                }
            }
        }
        together
    }

    /// The policy of this namespace and name.
    pub fn policy(&self, namespace: &str, name: &str) -> Option<&ServicePolicy> {
        self.policies
            .binary_search_by(|policy| policy.name.as_pair().cmp(&(namespace, name)))
            .ok()
            .and_then(|position| self.policies.get(position))
    }
}

impl ServicePolicy {
    /// The providers of `Custom` rules that are enforced, each with the id of a rule.
    pub fn providers(&self) -> BTreeMap<&str, &str> {
        let is_enforced = |enforcement| enforcement != Some(Enforcement::Shadow);
        let rules = self.rules.iter();
        let rules = rules.filter(|rule| {
            self.enforcement == Enforcement::Enforce && is_enforced(rule.enforcement)
        });
        rules
            .filter_map(|rule| Some((rule.provider.as_deref()?, &*rule.id)))
            .collect()
    }

    /// Whether a rule has ended.
    pub(crate) fn has_ended(&self, rule: &Rule) -> bool {
        rule.validity.phase(self.at) == Phase::After
    }

    /// The policy's namespace and name.
    pub fn name(&self) -> &PolicyName {
        &self.name
    }

    /// What the policy is for.
    pub fn attachment(&self) -> &Attachment {
        &self.attachment
    }

    /// Whether decisions are carried out.
    pub fn enforcement(&self) -> Enforcement {
        self.enforcement
    }

    /// What becomes of a request that no rule matches, as far as the policy says it.
    pub fn otherwise(&self) -> Otherwise {
        self.otherwise
    }

    /// The positions, among the policies of the set, of those that this one's filter enforces along.
    pub fn enforced_along(&self) -> impl ExactSizeIterator<Item = usize> {
        self.along.iter().copied()
    }

    /// What becomes of a request that no rule matches, where no other policy has a say: a policy
    /// that has none itself leaves it to the mesh.
    pub(crate) fn otherwise_in(&self, mesh: &Mesh) -> Otherwise {
        match self.otherwise {
            Otherwise::Deny => Otherwise::Deny,
            Otherwise::Pass => mesh.otherwise,
        }
    }

    /// The rules as they are written, in their canonical spelling.
    pub fn rule_specs(&self) -> Vec<RuleSpec> {
        self.rules.iter().map(RuleSpec::from).collect()
    }

    /// How many rules there are.
    pub fn rule_count(&self) -> usize {
        self.rules.len()
    }
}

/// Whether a pod can have both: no label sets them apart.
pub(crate) fn are_compatible(labels: &Labels, others: &Labels) -> bool {
    labels
        .iter()
        .all(|(key, value)| others.get(key).is_none_or(|other| other == value))
}

/// A minor version of Istio.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct IstioVersion {
    minor: u16,
}

impl IstioVersion {
    /// The oldest version that resources are rendered for.
    pub const OLDEST: Self = Self::minor(18);
    /// The newest version that resources are rendered for.
    pub const NEWEST: Self = Self::minor(31);

    /// Istio 1.`minor`.
    pub(crate) const fn minor(minor: u16) -> Self {
        Self { minor }
    }

    /// Whether proxies leave it to the workload to answer `expect: 100-continue`
    /// (`ENABLE_100_CONTINUE_HEADERS`, on by default).
    pub fn forwards_expectations(self) -> bool {
        self >= Self::minor(23)
    }

    /// Reads `1.29`, or a patch version of it such as `1.29.2`; none for anything else and for
    /// versions that are not supported.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.strip_prefix("1.")?.split('.');
        let minor = Self::minor(number(parts.next()?)?);
        let has_valid_patch = parts.next().is_none_or(|patch| number(patch).is_some());
        (has_valid_patch
            && parts.next().is_none()
            && (Self::OLDEST..=Self::NEWEST).contains(&minor))
        .then_some(minor)
    }
}

/// A number without sign and leading zeros.
fn number(text: &str) -> Option<u16> {
    let is_plain =
        text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    is_plain.then(|| text.parse().ok()).flatten()
}

impl fmt::Display for IstioVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "1.{}", self.minor)
    }
}
