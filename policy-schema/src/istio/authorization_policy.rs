//! `AuthorizationPolicy` (Istio, security.istio.io/v1) as it is written: what is rendered, what is
//! imported, and what Istio makes RBAC filters of.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::object_metadata::ObjectMetadata;
use super::resource::{Resource, ResourceKind, Spec};
use crate::policy::IstioVersion;

/// An `AuthorizationPolicy`.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AuthorizationPolicy {
    /// `security.istio.io/v1` or `security.istio.io/v1beta1`. Items of a typed list leave it out.
    #[serde(default)]
    pub api_version: String,
    /// `AuthorizationPolicy`. Items of a typed list leave it out.
    #[serde(default)]
    pub kind: String,
    /// Name, namespace, and what else Kubernetes keeps.
    pub metadata: ObjectMetadata,
    /// The policy.
    #[serde(default)]
    pub spec: AuthorizationPolicySpec,
}

/// By this annotation Istio only evaluates a policy, and leaves what it would do in metadata.
const DRY_RUN: &str = "istio.io/dry-run";

impl AuthorizationPolicy {
    /// Whether the policy is only evaluated. The annotation's values are those of Go's `ParseBool`.
    pub fn is_dry_run(&self) -> bool {
        self.metadata
            .annotations
            .get(DRY_RUN)
            .is_some_and(|text| matches!(text.as_str(), "1" | "t" | "T" | "true" | "TRUE" | "True"))
    }
}

/// The content of an `AuthorizationPolicy`. Without selector and targets it is for the namespace,
/// or in the root namespace for the mesh.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AuthorizationPolicySpec {
    /// The pods that the policy is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selector: Option<LabelSelector>,
    /// The Gateway API resource that the policy is for: the older spelling of `targetRefs`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_ref: Option<TargetReference>,
    /// The Gateway API resources that the policy is for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub target_refs: Vec<TargetReference>,
    /// What a match does.
    #[serde(default)]
    pub action: Action,
    /// With `CUSTOM`: who decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<Provider>,
    /// The rules. A policy without any never matches.
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
}

/// The pods that an object applies to.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LabelSelector {
    /// Labels that the pods have, all of them.
    #[serde(default)]
    pub match_labels: BTreeMap<String, String>,
}

/// A Gateway API resource (Istio, `type.v1beta1.PolicyTargetReference`).
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TargetReference {
    /// The API group; empty for the core group.
    #[serde(default)]
    pub group: String,
    /// `Service`, `ServiceEntry`, `Gateway` or `GatewayClass`.
    pub kind: String,
    /// The resource's name.
    pub name: String,
}

/// What a match does.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Action {
    /// Lets the request through.
    #[default]
    Allow,
    /// Refuses the request.
    Deny,
    /// Marks the request for the log.
    Audit,
    /// Has an external authorizer decide.
    Custom,
}

impl Action {
    /// All actions.
    pub(crate) const ALL: [Self; 4] = [Self::Allow, Self::Deny, Self::Audit, Self::Custom];

    /// What stands behind the name of a policy in the names of its objects with this action.
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
        /// None of these.
        not_principals,
        /// `ISSUER/SUBJECT` of the request's JWT.
        request_principals,
        /// None of these.
        not_request_principals,
        /// Kubernetes namespaces.
        namespaces,
        /// None of these.
        not_namespaces,
        /// Kubernetes service accounts (Istio 1.25).
        service_accounts,
        /// None of these.
        not_service_accounts,
        /// Trust domains (Istio 1.30).
        trust_domains,
        /// None of these.
        not_trust_domains,
        /// Addresses that the connection comes from.
        ip_blocks,
        /// None of these.
        not_ip_blocks,
        /// Addresses of the client as forwarded.
        remote_ip_blocks,
        /// None of these.
        not_remote_ip_blocks,
    }
}

lists! {
    /// Requests: ALL the fields, in each ANY value.
    Operation {
        /// Values of `:authority`.
        hosts,
        /// None of these.
        not_hosts,
        /// Ports of the workload.
        ports,
        /// None of these.
        not_ports,
        /// HTTP methods.
        methods,
        /// None of these.
        not_methods,
        /// Paths.
        paths,
        /// None of these.
        not_paths,
    }
}

/// A condition: ANY of `values` and NONE of `notValues`.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Condition {
    /// The attribute.
    pub key: String,
    /// One of these.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
    /// None of these.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_values: Vec<String>,
}

impl From<AuthorizationPolicy> for Resource {
    fn from(policy: AuthorizationPolicy) -> Self {
        Self::of_version(policy.api_version, policy.metadata, policy.spec)
    }
}
