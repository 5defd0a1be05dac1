//! Policy documents as written: Kubernetes-style YAML, several per file.
//!
//! These types define the schema. `peergate schema` derives the schema for editors from them, and
//! unknown fields are errors.

#[doc(hidden)]
pub mod forms;
mod gateway;
mod istio;
mod mtls;
mod providers;
mod selector;
mod telemetry;
mod together;
mod traffic;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::forms::{Distinct, Label, NonEmpty, ObjectName, PolicyObjectName, Port, TrustDomain};
use crate::plugin_config::ApiVersion;
use crate::reporting::ReportingSpec;
use crate::rule_spec::{Enforcement, Otherwise, RuleSpec};

use self::forms::{ModuleUrl, Sha256};
pub use gateway::{
    ExposureSpec, GatewayApi, GatewaySpec, ServerSpec, ServerTlsMode, ServerTlsSpec,
};
pub(crate) use istio::{RESERVED_PORTS, TARGETS};
pub use mtls::{CertificatesSpec, ExceptionMode, Mtls, MtlsExceptionSpec, MtlsMode, TlsVersion};
pub use providers::{ExtensionProviderApi, ExtensionProviderSpec};
pub use selector::Selector;
pub use telemetry::{AccessLogSpec, LoggedRequests, TelemetrySpec, TracingSpec};
pub use traffic::{
    ExternalHostSpec, ExternalPortSpec, ExternalProtocol, Outbound, OutlierDetectionSpec,
    ServiceMtls, ServicePortSpec, ServiceSpec, SubsetSpec, TrafficSpec,
};

/// The settings of the whole mesh. A policy set has exactly one.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MeshDocument {
    /// The version of the policy language.
    pub api_version: ApiVersion,
    /// `Mesh`.
    pub kind: MeshKind,
    /// The mesh's name.
    pub metadata: MeshMetadata,
    /// The settings.
    pub spec: MeshSpec,
}

/// The kind of a [`MeshDocument`].
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
pub enum MeshKind {
    /// `Mesh`.
    Mesh,
}

/// The name of a mesh.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MeshMetadata {
    /// The mesh's name. Informational.
    #[schemars(with = "ObjectName")]
    pub name: String,
    /// Labels. Peergate ignores them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<BTreeMap<String, String>>,
    /// Annotations. Peergate ignores them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub annotations: Option<BTreeMap<String, String>>,
}

/// The settings of the whole mesh.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MeshSpec {
    /// The trust domain in the SPIFFE IDs of the mesh's workloads: Istio's
    /// `meshConfig.trustDomain`.
    #[schemars(with = "TrustDomain")]
    pub trust_domain: String,
    /// Other trust domains whose identities are equivalent, for example during a migration: Istio's
    /// `meshConfig.trustDomainAliases`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<NonEmpty<TrustDomain>>")]
    pub trust_domain_aliases: Option<Vec<String>>,
    /// The namespace whose policies apply to the whole mesh: Istio's `meshConfig.rootNamespace`.
    /// Default: `istio-system`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Label>", extend("default" = "istio-system"))]
    pub root_namespace: Option<String>,
    /// The Istio version of the mesh, as `MAJOR.MINOR`. Rendered resources use no newer feature.
    #[schemars(extend("examples" = ["1.29"]))]
    pub istio_version: String,
    /// The Istio revision that injects sidecars, if several are installed. Default: the only one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Label>")]
    pub revision: Option<String>,
    /// The certificates of workloads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificates: Option<CertificatesSpec>,
    /// The DNS domain of the cluster's services. Default: `cluster.local`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<ObjectName>", extend("default" = "cluster.local"))]
    pub cluster_domain: Option<String>,
    /// How workloads accept connections. If absent, the cluster decides about mutual TLS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mtls: Option<Mtls>,
    /// How proxies normalize paths before rules see them: Istio's `meshConfig.pathNormalization`.
    /// Default: `Base`, as in Istio.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = PathNormalization::default()))]
    pub path_normalization: Option<PathNormalization>,
    /// Defaults for policies and rules.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub defaults: Option<Defaults>,
    /// The filter that enforces the rules in each sidecar.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<FilterSpec>,
    /// Which hosts workloads can reach. Default: `Any`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = Outbound::default()))]
    pub outbound: Option<Outbound>,
    /// Whether to render a `NetworkPolicy` for each workload, which drops packets from pods that no
    /// policy allows. Default: `false`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = false))]
    pub network_policies: Option<bool>,
    /// The gateways that admit requests from outside the mesh.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Distinct<GatewaySpec>>")]
    pub gateways: Option<Vec<GatewaySpec>>,
    /// The external authorizers of `Custom` rules, and the collectors of access logs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Distinct<ExtensionProviderSpec>>")]
    pub extension_providers: Option<Vec<ExtensionProviderSpec>>,
    /// What proxies report about requests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub telemetry: Option<TelemetrySpec>,
}

/// How a proxy normalizes the path of a request, with the names of Istio's
/// `ProxyPathNormalization`.
#[derive(
    Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq, PartialOrd, Ord, Serialize,
)]
pub enum PathNormalization {
    /// Leave the path unchanged.
    None,
    /// Resolve dot segments and turn backslashes into slashes (RFC 3986, section 6).
    #[default]
    Base,
    /// As `Base`, then merge runs of slashes.
    MergeSlashes,
    /// Decode `%2F` and `%5C`, then as `MergeSlashes`.
    DecodeAndMergeSlashes,
}

/// Defaults for policies and rules, and for workloads without a policy.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Defaults {
    /// The enforcement of policies that do not set it. Default: `Enforce`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = Enforcement::default()))]
    pub enforcement: Option<Enforcement>,
    /// The owner of rules that do not set it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// What happens to requests to workloads that no policy selects. Default: `Deny`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = Otherwise::default()))]
    pub otherwise: Option<Otherwise>,
}

/// The filter that enforces the rules in each sidecar.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[schemars(extend("allOf" = together::filter(), "dependencies" = together::filter_dependencies()))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FilterSpec {
    /// Where sidecars fetch the module: `oci://…`, `https://…` or `file:///…`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<ModuleUrl>")]
    pub image: Option<String>,
    /// The `Secret` with the registry credentials, of type `kubernetes.io/dockerconfigjson`. It
    /// must exist in the namespace of each policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<ObjectName>")]
    pub image_pull_secret: Option<String>,
    /// When sidecars fetch a module again that is not pinned by a digest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_pull_policy: Option<ImagePullPolicy>,
    /// The SHA-256 digest of the module, in lower-case hex. For `https://…`, and for images whose
    /// reference does not pin a digest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Sha256>")]
    pub sha256: Option<String>,
    /// What the filter reports about its decisions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reporting: Option<ReportingSpec>,
}

/// When sidecars fetch a module that they may have cached.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
pub enum ImagePullPolicy {
    /// Fetch it unless it is cached.
    IfNotPresent,
    /// Fetch it each time the plugin changes.
    Always,
}

/// The policy of a workload, a namespace, a gateway or the whole mesh.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ServicePolicyDocument {
    /// The version of the policy language.
    pub api_version: ApiVersion,
    /// `ServicePolicy`.
    pub kind: ServicePolicyKind,
    /// The policy's name and namespace.
    pub metadata: PolicyMetadata,
    /// The policy.
    pub spec: ServicePolicySpec,
}

/// The kind of a [`ServicePolicyDocument`].
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
pub enum ServicePolicyKind {
    /// `ServicePolicy`.
    ServicePolicy,
}

/// The name, namespace, labels and annotations of a policy.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PolicyMetadata {
    /// The name, unique in its namespace.
    #[schemars(with = "PolicyObjectName")]
    pub name: String,
    /// The namespace of the workload.
    #[schemars(with = "Label")]
    pub namespace: String,
    /// Labels. Peergate ignores them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<BTreeMap<String, String>>,
    /// Annotations. Peergate ignores them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub annotations: Option<BTreeMap<String, String>>,
}

/// The rules of a workload, a namespace, a gateway or the whole mesh.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[schemars(extend("allOf" = together::policy(), "dependencies" = {"exposures": ["service"]}))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ServicePolicySpec {
    /// `Namespace` or `Mesh` for a policy that applies to more than one workload. A policy for the
    /// mesh must be in the mesh's root namespace. With a selector, it applies to the matching pods
    /// of every namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<PolicyScope>,
    /// The workload: the pods of the policy's namespace that have all these labels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selector: Option<Selector>,
    /// The Gateway API resources whose gateways or waypoints enforce the policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 16))]
    pub target_refs: Option<Vec<TargetRef>>,
    /// The service account that the workload runs as.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<ObjectName>")]
    pub service_account: Option<String>,
    /// The Kubernetes `Service` of the workload.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<ServiceSpec>,
    /// The hosts and paths under which the mesh's gateways serve the service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Distinct<ExposureSpec>>")]
    pub exposures: Option<Vec<ExposureSpec>>,
    /// The hosts outside the mesh that the workload calls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Distinct<ExternalHostSpec>>")]
    pub external_hosts: Option<Vec<ExternalHostSpec>>,
    /// What happens to a request that no rule matches. Default: `Deny`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = Otherwise::default()))]
    pub otherwise: Option<Otherwise>,
    /// The workload's ports that do not speak HTTP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<NonEmpty<Port>>")]
    pub tcp_ports: Option<Vec<u16>>,
    /// `Shadow` lets every request pass and only records what the policy would do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enforcement: Option<Enforcement>,
    /// The rules. A request that no rule allows is denied. An empty list denies every request.
    #[schemars(extend("uniqueItems" = true))]
    pub rules: Vec<RuleSpec>,
}

/// The reach of a policy that applies to more than one workload.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
pub enum PolicyScope {
    /// All workloads of the policy's namespace.
    Namespace,
    /// All workloads of the mesh, or those that the selector matches.
    Mesh,
}

/// A Gateway API resource in the policy's namespace.
#[derive(
    Clone, Debug, Deserialize, Hash, JsonSchema, PartialEq, Eq, PartialOrd, Ord, Serialize,
)]
#[schemars(extend("oneOf" = together::target()))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TargetRef {
    /// The API group. Omit it for a `Service`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// `Gateway`, `GatewayClass`, `Service` or `ServiceEntry`.
    #[schemars(extend("enum" = TARGETS.map(|(_, kind, _)| kind)))]
    pub kind: String,
    /// The name of the resource.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
}
