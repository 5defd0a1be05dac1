//! Policy documents as they are written: Kubernetes-style YAML, several to a file.
//!
//! These types are the schema: what `peergate schema` prints for editors is derived from them, and
//! a field that they do not have is refused.

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

/// What is true of the whole mesh. There is exactly one.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MeshDocument {
    /// The version of the policy language.
    pub api_version: ApiVersion,
    /// `Mesh`.
    pub kind: MeshKind,
    /// The mesh's name.
    pub metadata: MeshMetadata,
    /// The mesh.
    pub spec: MeshSpec,
}

/// The kind of a [`MeshDocument`].
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
pub enum MeshKind {
    /// The only one.
    Mesh,
}

/// The name of a mesh.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MeshMetadata {
    /// The mesh's name, for people.
    #[schemars(with = "ObjectName")]
    pub name: String,
    /// Labels, for people and tools; without meaning here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<BTreeMap<String, String>>,
    /// Annotations, for people and tools; without meaning here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub annotations: Option<BTreeMap<String, String>>,
}

/// What is true of the whole mesh.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MeshSpec {
    /// The trust domain in the SPIFFE IDs of the mesh's workloads: Istio's
    /// `meshConfig.trustDomain`.
    #[schemars(with = "TrustDomain")]
    pub trust_domain: String,
    /// Other trust domains whose identities are the same workloads', as during a migration:
    /// Istio's `meshConfig.trustDomainAliases`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<NonEmpty<TrustDomain>>")]
    pub trust_domain_aliases: Option<Vec<String>>,
    /// The namespace whose policies are for the whole mesh: Istio's `meshConfig.rootNamespace`.
    /// `istio-system` when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Label>", extend("default" = "istio-system"))]
    pub root_namespace: Option<String>,
    /// The Istio version that runs, as `MAJOR.MINOR`. Rendered resources use nothing newer.
    #[schemars(extend("examples" = ["1.29"]))]
    pub istio_version: String,
    /// The revision of Istio that injects sidecars, where several run. The only one when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Label>")]
    pub revision: Option<String>,
    /// The certificates of workloads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificates: Option<CertificatesSpec>,
    /// The domain in the names of the cluster's services. `cluster.local` when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<ObjectName>", extend("default" = "cluster.local"))]
    pub cluster_domain: Option<String>,
    /// How workloads accept connections. The mode of mutual TLS is left to the cluster when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mtls: Option<Mtls>,
    /// How proxies normalise paths before any rule sees them: Istio's
    /// `meshConfig.pathNormalization`. `Base` when left out, as in Istio.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = PathNormalization::default()))]
    pub path_normalization: Option<PathNormalization>,
    /// What policies and rules take when they do not say otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub defaults: Option<Defaults>,
    /// The filter that enforces the rules in each sidecar.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<FilterSpec>,
    /// What workloads reach. `Any` when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = Outbound::default()))]
    pub outbound: Option<Outbound>,
    /// Whether packets too are let through to workloads only as policies allow, as far as they tell
    /// callers apart. `false` when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = false))]
    pub network_policies: Option<bool>,
    /// The gateways that let requests of the outside in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Distinct<GatewaySpec>>")]
    pub gateways: Option<Vec<GatewaySpec>>,
    /// The external authorizers of `Custom` rules, and the collectors of access logs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Distinct<ExtensionProviderSpec>>")]
    pub extension_providers: Option<Vec<ExtensionProviderSpec>>,
    /// What proxies tell about requests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub telemetry: Option<TelemetrySpec>,
}

/// How a proxy normalises the path of a request, by the names of Istio's
/// `ProxyPathNormalization`.
#[derive(
    Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq, PartialOrd, Ord, Serialize,
)]
pub enum PathNormalization {
    /// Not at all.
    None,
    /// Dot segments are resolved and backslashes turned (RFC 3986, section 6).
    #[default]
    Base,
    /// The same, then runs of slashes are merged.
    MergeSlashes,
    /// The same, after `%2F` and `%5C` are decoded.
    DecodeAndMergeSlashes,
}

/// What policies and rules take when they do not say otherwise, and workloads without a policy.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Defaults {
    /// For policies without `enforcement`. `Enforce` when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = Enforcement::default()))]
    pub enforcement: Option<Enforcement>,
    /// For rules without `owner`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// What becomes of requests to workloads that no policy is for. `Deny` when left out.
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
    /// The `Secret` with the login of the registry, of type `kubernetes.io/dockerconfigjson`, in the namespace of each
    /// policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<ObjectName>")]
    pub image_pull_secret: Option<String>,
    /// When sidecars fetch again what no digest names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_pull_policy: Option<ImagePullPolicy>,
    /// The SHA-256 digest of the module, for `https://…`, or of an image that its reference does not pin, in lower-case
    /// hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Sha256>")]
    pub sha256: Option<String>,
    /// What it tells of its decisions, and to whom.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reporting: Option<ReportingSpec>,
}

/// When a module is fetched that sidecars may have already.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
pub enum ImagePullPolicy {
    /// Only where a sidecar does not have it.
    IfNotPresent,
    /// Each time the plugin changes.
    Always,
}

/// The rules of one workload.
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
    /// The only one.
    ServicePolicy,
}

/// The name of a policy.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PolicyMetadata {
    /// The name, unique in its namespace.
    #[schemars(with = "PolicyObjectName")]
    pub name: String,
    /// The namespace of the workload.
    #[schemars(with = "Label")]
    pub namespace: String,
    /// Labels, for people and tools; without meaning here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<BTreeMap<String, String>>,
    /// Annotations, for people and tools; without meaning here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub annotations: Option<BTreeMap<String, String>>,
}

/// The rules of one workload.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[schemars(extend("allOf" = together::policy(), "dependencies" = {"exposures": ["service"]}))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ServicePolicySpec {
    /// For `Namespace` or `Mesh`, which say that the policy is for more than one workload. A policy
    /// for the mesh belongs in the mesh's root namespace; with a selector it is for the pods of any
    /// namespace that have the labels.
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
    /// The Kubernetes `Service` by which the workload is reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<ServiceSpec>,
    /// What the service answers for at the mesh's gateways.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Distinct<ExposureSpec>>")]
    pub exposures: Option<Vec<ExposureSpec>>,
    /// The hosts outside the mesh that the workload calls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Distinct<ExternalHostSpec>>")]
    pub external_hosts: Option<Vec<ExternalHostSpec>>,
    /// What becomes of a request that no rule matches. `Deny` when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = Otherwise::default()))]
    pub otherwise: Option<Otherwise>,
    /// The ports on which the workload speaks something other than HTTP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<NonEmpty<Port>>")]
    pub tcp_ports: Option<Vec<u16>>,
    /// `Shadow` to let every request pass and only record what the policy would do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enforcement: Option<Enforcement>,
    /// The rules. A request that no rule allows is denied; an empty list denies every request.
    #[schemars(extend("uniqueItems" = true))]
    pub rules: Vec<RuleSpec>,
}

/// How far a policy reaches that is not for one workload.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
pub enum PolicyScope {
    /// All workloads of the policy's namespace.
    Namespace,
    /// All workloads of the mesh, or those that the selector names.
    Mesh,
}

/// A Gateway API resource, in the policy's namespace.
#[derive(
    Clone, Debug, Deserialize, Hash, JsonSchema, PartialEq, Eq, PartialOrd, Ord, Serialize,
)]
#[schemars(extend("oneOf" = together::target()))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TargetRef {
    /// The API group: left out for a `Service`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// `Gateway`, `GatewayClass`, `Service` or `ServiceEntry`.
    #[schemars(extend("enum" = TARGETS.map(|(_, kind, _)| kind)))]
    pub kind: String,
    /// The resource's name.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
}
