//! How workloads ask their callers for mutual TLS.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Selector;
use super::forms::TimeSpan;
use crate::forms::{Distinct, Label, NonEmpty, Port, Time};

/// How workloads are to be reached.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[schemars(extend("if" = {"required": ["exceptions"]}, "then" = {"required": ["mode"], "properties": {"mode": {"const": MtlsMode::Strict}}}))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Mtls {
    /// Whether workloads accept plaintext. When left out, the cluster decides: no
    /// `PeerAuthentication` is rendered, and callers without an identity may reach every rule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<MtlsMode>,
    /// The oldest TLS that workloads speak with each other: `"1.2"` or `"1.3"`. `"1.3"` when left
    /// out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = TlsVersion::default()))]
    pub min_version: Option<TlsVersion>,
    /// Where a mesh with `mode: Strict` still accepts plaintext, until when, and who owns it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Distinct<MtlsExceptionSpec>>")]
    pub exceptions: Option<Vec<MtlsExceptionSpec>>,
}

/// Whether plaintext is accepted.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
pub enum MtlsMode {
    /// Mutual TLS only: every caller has an identity.
    Strict,
    /// Plaintext too: callers without an identity reach the rules.
    Permissive,
}

/// A version of TLS.
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

/// A place where plaintext is accepted for a while: a namespace, a workload of it, or ports of that
/// workload.
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
    /// The workload. All of the namespace when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selector: Option<Selector>,
    /// The workload's own ports. All of them when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<NonEmpty<Port>>")]
    pub ports: Option<Vec<u16>>,
    /// Whether mutual TLS is spoken beside plaintext. `Permissive` when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = ExceptionMode::default()))]
    pub mode: Option<ExceptionMode>,
    /// Who answers for it, and ends it.
    #[schemars(length(min = 1), extend("examples" = ["team-warehouse"]))]
    pub owner: String,
    /// The moment at which it is over, RFC 3339 in UTC. From then on the documents are refused.
    #[schemars(with = "Time")]
    pub not_after: String,
    /// Why there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// What is spoken where strict mutual TLS is not.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
pub enum ExceptionMode {
    /// Mutual TLS and plaintext.
    #[default]
    Permissive,
    /// Plaintext alone.
    Disable,
}

/// The certificates of workloads, which Istio's CA issues and proxies renew by themselves.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CertificatesSpec {
    /// How long a certificate of a workload is valid, such as `24h`, which it is when left out. It is
    /// renewed at half that time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<TimeSpan>", extend("default" = "24h"))]
    pub workload_ttl: Option<String>,
}
