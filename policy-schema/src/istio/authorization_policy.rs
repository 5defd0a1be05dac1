//! `AuthorizationPolicy` (Istio, security.istio.io/v1) as YAML: rendered, imported, and the source
//! of RBAC filters.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::object_metadata::ObjectMetadata;
use super::resource::{Resource, ResourceKind, Spec};
use crate::policy::IstioVersion;

/// An `AuthorizationPolicy`.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AuthorizationPolicy {
    /// `security.istio.io/v1` or `security.istio.io/v1beta1`. Absent in items of a typed list.
    #[serde(default)]
    pub api_version: String,
    /// `AuthorizationPolicy`. Absent in items of a typed list.
    #[serde(default)]
    pub kind: String,
    /// The name, the namespace and other metadata.
    pub metadata: ObjectMetadata,
    /// The policy.
    #[serde(default)]
    pub spec: AuthorizationPolicySpec,
}

/// With this annotation, Istio only evaluates a policy, and writes the result to metadata.
const DRY_RUN: &str = "istio.io/dry-run";

impl AuthorizationPolicy {
    /// Whether the policy is only evaluated. The annotation has the values of Go's `ParseBool`.
    pub fn is_dry_run(&self) -> bool {
        self.metadata
            .annotations
            .get(DRY_RUN)
            .is_some_and(|text| matches!(text.as_str(), "1" | "t" | "T" | "true" | "TRUE" | "True"))
    }
}

/// The content of an `AuthorizationPolicy`. Without selector and targets it applies to the
/// namespace, or from the root namespace to the mesh.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AuthorizationPolicySpec {
    /// The pods that the policy applies to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selector: Option<LabelSelector>,
    /// The Gateway API resource that the policy applies to: the older form of `targetRefs`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_ref: Option<TargetReference>,
    /// The Gateway API resources that the policy applies to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub target_refs: Vec<TargetReference>,
    /// The action on a match.
    #[serde(default)]
    pub action: Action,
    /// The external authorizer, for `CUSTOM`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<Provider>,
    /// The rules. A policy without rules never matches.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<AuthorizationRule>,
}

impl Spec for AuthorizationPolicySpec {
    fn kind(&self) -> ResourceKind {
        ResourceKind::AuthorizationPolicy
    }

    fn api_version(&self, _: IstioVersion) -> &'static str {
        "security.istio.io/v1"
    }

    fn rule_ids(&self) -> Vec<Option<&str>> {
        self.rules.iter().map(|rule| rule.id.as_deref()).collect()
    }
}

/// The pods that an object applies to.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LabelSelector {
    /// Labels, all of which the pods have.
    #[serde(default)]
    pub match_labels: BTreeMap<String, String>,
}

/// A reference to a Gateway API resource (Istio, `type.v1beta1.PolicyTargetReference`).
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TargetReference {
    /// The API group. Empty for the core group.
    #[serde(default)]
    pub group: String,
    /// `Service`, `ServiceEntry`, `Gateway` or `GatewayClass`.
    pub kind: String,
    /// The name of the resource.
    pub name: String,
}

/// The action on a match.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Action {
    /// Allows the request.
    #[default]
    Allow,
    /// Denies the request.
    Deny,
    /// Marks the request for the log.
    Audit,
    /// Asks an external authorizer.
    Custom,
}

impl Action {
    /// All actions.
    pub(crate) const ALL: [Self; 4] = [Self::Allow, Self::Deny, Self::Audit, Self::Custom];

    /// The suffix of the names of objects with this action.
    pub(crate) fn suffix(self) -> &'static str {
        match self {
            Self::Allow => "-allow",
            Self::Deny => "-deny",
            Self::Audit => "-audit",
            Self::Custom => "-custom",
        }
    }
}

/// An external authorizer.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Provider {
    /// Its name in the mesh config.
    pub name: String,
}

/// One rule: any of `from`, and any of `to`, and all of `when`.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct AuthorizationRule {
    /// The callers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub from: Vec<SourceEntry>,
    /// The requests.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub to: Vec<OperationEntry>,
    /// Further conditions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub when: Vec<Condition>,
    /// The ID of the policy's rule that this one is rendered from. Istio has no field for it.
    #[serde(skip)]
    pub id: Option<String>,
}

/// An element of `from`.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SourceEntry {
    /// The callers.
    #[serde(default)]
    pub source: Source,
}

/// An element of `to`.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct OperationEntry {
    /// The requests.
    #[serde(default)]
    pub operation: Operation,
}

macro_rules! lists {
    ($(#[$meta:meta])* $name:ident { $( $(#[doc = $doc:literal])+ $field:ident, )+ }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
        #[serde(rename_all = "camelCase", deny_unknown_fields)]
        pub struct $name {
            $(
                $(#[doc = $doc])+
                #[serde(default, skip_serializing_if = "Vec::is_empty")]
                pub $field: Vec<String>,
            )+
        }
    };
}

lists! {
    /// Callers: ALL the fields, in each ANY value.
    Source {
        /// SPIFFE IDs without their scheme.
        principals,
        /// Excluded values of `principals`.
        not_principals,
        /// `ISSUER/SUBJECT` of the request's JWT.
        request_principals,
        /// Excluded values of `request_principals`.
        not_request_principals,
        /// Kubernetes namespaces.
        namespaces,
        /// Excluded values of `namespaces`.
        not_namespaces,
        /// Kubernetes service accounts (Istio 1.25).
        service_accounts,
        /// Excluded values of `service_accounts`.
        not_service_accounts,
        /// Trust domains (Istio 1.30).
        trust_domains,
        /// Excluded values of `trust_domains`.
        not_trust_domains,
        /// Peer addresses of the connection.
        ip_blocks,
        /// Excluded values of `ip_blocks`.
        not_ip_blocks,
        /// Client addresses as forwarded.
        remote_ip_blocks,
        /// Excluded values of `remote_ip_blocks`.
        not_remote_ip_blocks,
    }
}

lists! {
    /// Requests: ALL the fields, in each ANY value.
    Operation {
        /// Values of `:authority`.
        hosts,
        /// Excluded values of `hosts`.
        not_hosts,
        /// Ports of the workload.
        ports,
        /// Excluded values of `ports`.
        not_ports,
        /// HTTP methods.
        methods,
        /// Excluded values of `methods`.
        not_methods,
        /// Paths.
        paths,
        /// Excluded values of `paths`.
        not_paths,
    }
}

/// A condition: ANY of `values` and NONE of `notValues`.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Condition {
    /// The attribute.
    pub key: String,
    /// The attribute must have one of these values.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
    /// The attribute must have none of these values.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_values: Vec<String>,
}

impl From<AuthorizationPolicy> for Resource {
    fn from(policy: AuthorizationPolicy) -> Self {
        Self::with_api_version(policy.api_version, policy.metadata, policy.spec)
    }
}
