//! Mutual TLS and the certificates of workloads.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Selector;
use super::forms::TimeSpan;
use crate::forms::{Distinct, Label, NonEmpty, Port, Time};

/// How workloads accept connections.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[schemars(extend("if" = {"required": ["exceptions"]}, "then" = {"required": ["mode"], "properties": {"mode": {"const": MtlsMode::Strict}}}))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Mtls {
    /// Whether workloads accept plaintext. If absent, the cluster decides: no `PeerAuthentication`
    /// is rendered, and rules must expect callers without an identity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<MtlsMode>,
    /// The oldest TLS version between workloads: `"1.2"` or `"1.3"`. Default: `"1.3"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = TlsVersion::default()))]
    pub min_version: Option<TlsVersion>,
    /// The workloads of a mesh with `mode: Strict` that still accept plaintext, each with an owner
    /// and an end date.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Distinct<MtlsExceptionSpec>>")]
    pub exceptions: Option<Vec<MtlsExceptionSpec>>,
}

/// Whether workloads accept plaintext.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
pub enum MtlsMode {
    /// Only mutual TLS. Every caller has an identity.
    Strict,
    /// Mutual TLS and plaintext. Callers may have no identity.
    Permissive,
}

/// A TLS version.
#[derive(
    Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq, PartialOrd, Ord, Serialize,
)]
pub enum TlsVersion {
    /// TLS 1.2 (RFC 5246).
    #[serde(rename = "1.2")]
    V1_2,
    /// TLS 1.3 (RFC 8446).
    #[default]
    #[serde(rename = "1.3")]
    V1_3,
}

/// A namespace, a workload or ports of a workload that accept plaintext until an end date.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[schemars(extend("dependencies" = {"ports": ["selector"]}))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MtlsExceptionSpec {
    /// The name of the exception: a DNS label, unique in its namespace.
    #[schemars(with = "Label")]
    pub name: String,
    /// The namespace.
    #[schemars(with = "Label")]
    pub namespace: String,
    /// The workload. Default: all workloads of the namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selector: Option<Selector>,
    /// The workload's own ports. Default: all ports.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<NonEmpty<Port>>")]
    pub ports: Option<Vec<u16>>,
    /// Whether mutual TLS is accepted in addition to plaintext. Default: `Permissive`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = ExceptionMode::default()))]
    pub mode: Option<ExceptionMode>,
    /// The team that is responsible for the exception and for ending it.
    #[schemars(length(min = 1), extend("examples" = ["team-warehouse"]))]
    pub owner: String,
    /// The end of the exception, in RFC 3339 and UTC. Once it has passed, validation fails.
    #[schemars(with = "Time")]
    pub not_after: String,
    /// The reason for the exception.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// What an exception from strict mutual TLS accepts.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
pub enum ExceptionMode {
    /// Mutual TLS and plaintext.
    #[default]
    Permissive,
    /// Only plaintext.
    Disable,
}

/// The certificates of workloads. Istio's CA issues them, and proxies renew them automatically.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CertificatesSpec {
    /// How long a workload's certificate is valid, such as `24h`. Proxies renew it at half that
    /// time. Default: `24h`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<TimeSpan>", extend("default" = "24h"))]
    pub workload_ttl: Option<String>,
}
