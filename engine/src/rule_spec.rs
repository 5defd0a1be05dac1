//! Rules as they are written: the same words in a policy document and in the plugin config.
//!
//! These types hold what stands in the text and nothing more; `check` turns them into the
//! [`Rule`](crate::rule::Rule) they mean, or says why it cannot.

#[cfg(feature = "schemars")]
use schemars::JsonSchema;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};

#[cfg(feature = "schemars")]
use crate::forms::{
    self, ClientCertificate, ConditionKey, Host, IpBlock, Label, Method, Namespace, NonEmpty, Path,
    Port, Principal, RequestPrincipal, ServiceAccount, Time, TrustDomainPattern,
};

/// What a rule that matches does.
#[derive(Clone, Copy, Debug, Deserialize, Hash, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schemars", derive(JsonSchema))]
pub enum Effect {
    /// Lets the request through, unless a `Deny` rule matches too.
    Allow,
    /// Refuses the request, whatever else matches.
    Deny,
    /// Records the request and has no say about it.
    Audit,
    /// Has the rule's `provider`, an external authorizer of the mesh, decide first: what it refuses
    /// is refused, whatever else matches.
    Custom,
}

/// Whether a decision is carried out or only recorded.
#[derive(Clone, Copy, Debug, Default, Deserialize, Hash, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schemars", derive(JsonSchema))]
pub enum Enforcement {
    /// The decision is carried out.
    #[default]
    Enforce,
    /// The decision is counted and reported, and changes nothing.
    Shadow,
}

/// What becomes of a request that no rule of a policy matches.
#[derive(Clone, Copy, Debug, Default, Deserialize, Hash, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schemars", derive(JsonSchema))]
pub enum Otherwise {
    /// It is denied, unless another policy for the same workload allows it.
    #[default]
    Deny,
    /// The policy has no say about it: it passes, unless another policy for the same workload
    /// denies it. Such a policy has no `Allow` rules.
    Pass,
}

/// One rule: these callers (`from`), for these requests (`to`).
#[derive(Clone, Debug, Deserialize, Hash, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schemars", derive(JsonSchema))]
#[cfg_attr(feature = "schemars", schemars(extend("allOf" = forms::rule())))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RuleSpec {
    /// The rule's name, unique in its policy: a DNS label, since it becomes a metric label.
    #[cfg_attr(feature = "schemars", schemars(with = "Label"))]
    pub id: String,
    /// What a match does.
    pub effect: Effect,
    /// With the effect `Custom`: the name of an extension provider in Istio's mesh config.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "schemars", schemars(length(min = 1)))]
    pub provider: Option<String>,
    /// Why the rule exists, for people.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    pub description: Option<String>,
    /// Whom to ask about the rule.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    pub owner: Option<String>,
    /// The first moment at which the rule applies: RFC 3339 in UTC.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "schemars", schemars(with = "Option<Time>"))]
    pub not_before: Option<String>,
    /// The first moment at which the rule no longer applies: RFC 3339 in UTC.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "schemars", schemars(with = "Option<Time>"))]
    pub not_after: Option<String>,
    /// `Shadow` to record what the rule would do without doing it.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    pub enforcement: Option<Enforcement>,
    /// The callers: any one of these sources. Left out, an `Allow` rule takes every caller with
    /// an identity of the mesh, a `Deny` rule every caller.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "schemars", schemars(length(min = 1)))]
    pub from: Option<Vec<SourceSpec>>,
    /// The requests: any one of these operations. Left out, every request.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "schemars", schemars(length(min = 1)))]
    pub to: Option<Vec<OperationSpec>>,
    /// What else must be true of the request: all of these conditions.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "schemars", schemars(length(min = 1)))]
    pub when: Option<Vec<ConditionSpec>>,
}

/// Callers. All fields that are present must match; in each list any one value does.
#[derive(Clone, Debug, Default, Deserialize, Hash, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schemars", derive(JsonSchema))]
#[cfg_attr(feature = "schemars", schemars(extend("minProperties" = 1, "allOf" = forms::source())))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SourceSpec {
    /// `true` for callers without any identity. Stands alone: an anonymous caller has nothing
    /// else to match.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "schemars", schemars(extend("const" = true)))]
    pub anonymous: Option<bool>,
    /// Client certificates from outside the mesh that the gateway validated, by any of their names:
    /// `dns:NAME`, `uri:URI`, `subject:SUBJECT`, or `*` for all of them. For policies at gateways.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(
        feature = "schemars",
        schemars(with = "Option<NonEmpty<ClientCertificate>>")
    )]
    pub client_certificates: Option<Vec<String>>,
    /// No client certificate from outside the mesh with one of these names.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(
        feature = "schemars",
        schemars(with = "Option<NonEmpty<ClientCertificate>>")
    )]
    pub not_client_certificates: Option<Vec<String>>,
    /// SPIFFE IDs, with or without `spiffe://`: exact, `prefix*`, `*suffix`, or `*` for every
    /// identity of the mesh.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "schemars", schemars(with = "Option<NonEmpty<Principal>>"))]
    pub principals: Option<Vec<String>>,
    /// No caller that one of these SPIFFE IDs matches.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "schemars", schemars(with = "Option<NonEmpty<Principal>>"))]
    pub not_principals: Option<Vec<String>>,
    /// Kubernetes service accounts: `NAMESPACE/NAME`, or `NAME` in the policy's own namespace.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(
        feature = "schemars",
        schemars(with = "Option<NonEmpty<ServiceAccount>>")
    )]
    pub service_accounts: Option<Vec<String>>,
    /// None of these service accounts.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(
        feature = "schemars",
        schemars(with = "Option<NonEmpty<ServiceAccount>>")
    )]
    pub not_service_accounts: Option<Vec<String>>,
    /// Kubernetes namespaces: exact, `prefix*`, `*suffix`, or `*`.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "schemars", schemars(with = "Option<NonEmpty<Namespace>>"))]
    pub namespaces: Option<Vec<String>>,
    /// None of these namespaces.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "schemars", schemars(with = "Option<NonEmpty<Namespace>>"))]
    pub not_namespaces: Option<Vec<String>>,
    /// Trust domains: exact, `prefix*`, `*suffix`, or `*`.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(
        feature = "schemars",
        schemars(with = "Option<NonEmpty<TrustDomainPattern>>")
    )]
    pub trust_domains: Option<Vec<String>>,
    /// None of these trust domains.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(
        feature = "schemars",
        schemars(with = "Option<NonEmpty<TrustDomainPattern>>")
    )]
    pub not_trust_domains: Option<Vec<String>>,
    /// Whom the request's JWT is about, as `ISSUER/SUBJECT`: exact, `prefix*`, `*suffix`, or `*`
    /// for every request with a JWT that was verified.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(
        feature = "schemars",
        schemars(with = "Option<NonEmpty<RequestPrincipal>>")
    )]
    pub request_principals: Option<Vec<String>>,
    /// None of these, and also no JWT at all.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(
        feature = "schemars",
        schemars(with = "Option<NonEmpty<RequestPrincipal>>")
    )]
    pub not_request_principals: Option<Vec<String>>,
    /// IP addresses or CIDR blocks that the connection itself comes from.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "schemars", schemars(with = "Option<NonEmpty<IpBlock>>"))]
    pub ip_blocks: Option<Vec<String>>,
    /// None of these addresses.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "schemars", schemars(with = "Option<NonEmpty<IpBlock>>"))]
    pub not_ip_blocks: Option<Vec<String>>,
    /// IP addresses or CIDR blocks of the client, by `x-forwarded-for` or the PROXY protocol where
    /// the proxy is set up to believe them.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "schemars", schemars(with = "Option<NonEmpty<IpBlock>>"))]
    pub remote_ip_blocks: Option<Vec<String>>,
    /// None of these addresses.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "schemars", schemars(with = "Option<NonEmpty<IpBlock>>"))]
    pub not_remote_ip_blocks: Option<Vec<String>>,
}

/// Requests. All fields that are present must match; in each list any one value does.
#[derive(Clone, Debug, Default, Deserialize, Hash, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schemars", derive(JsonSchema))]
#[cfg_attr(feature = "schemars", schemars(extend("minProperties" = 1)))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OperationSpec {
    /// HTTP methods, in upper case: exact, `prefix*`, `*suffix`, or `*`. A gRPC call is a `POST`.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "schemars", schemars(with = "Option<NonEmpty<Method>>"))]
    pub methods: Option<Vec<String>>,
    /// None of these methods.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "schemars", schemars(with = "Option<NonEmpty<Method>>"))]
    pub not_methods: Option<Vec<String>>,
    /// Paths without query: exact, `prefix*`, `*suffix`, `*`, or a template with `{*}` for one
    /// segment and `{**}` for any number. A gRPC call has the path `/package.Service/Method`.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "schemars", schemars(with = "Option<NonEmpty<Path>>"))]
    pub paths: Option<Vec<String>>,
    /// None of these paths.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "schemars", schemars(with = "Option<NonEmpty<Path>>"))]
    pub not_paths: Option<Vec<String>>,
    /// The request's `:authority`, with its port if it has one, without regard to case: exact,
    /// `prefix*`, `*suffix`, or `*`.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "schemars", schemars(with = "Option<NonEmpty<Host>>"))]
    pub hosts: Option<Vec<String>>,
    /// None of these hosts.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "schemars", schemars(with = "Option<NonEmpty<Host>>"))]
    pub not_hosts: Option<Vec<String>>,
    /// The ports on which the workload itself listens, not those of its Service.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "schemars", schemars(with = "Option<NonEmpty<Port>>"))]
    pub ports: Option<Vec<u16>>,
    /// None of these ports.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "schemars", schemars(with = "Option<NonEmpty<Port>>"))]
    pub not_ports: Option<Vec<u16>>,
}

/// A condition on one attribute. Any one of `values` must match, and none of `notValues` may; at
/// least one of the two lists is there.
#[derive(Clone, Debug, Default, Deserialize, Hash, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schemars", derive(JsonSchema))]
#[cfg_attr(feature = "schemars", schemars(extend("allOf" = forms::condition())))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ConditionSpec {
    /// The attribute, by Istio's name for it, such as `request.headers[x-tenant]` or
    /// `request.auth.claims[groups]`.
    #[cfg_attr(feature = "schemars", schemars(with = "ConditionKey"))]
    pub key: String,
    /// One of these values.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(
        feature = "schemars",
        schemars(length(min = 1), inner(length(min = 1)))
    )]
    pub values: Option<Vec<String>>,
    /// None of these values.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(
        feature = "schemars",
        schemars(length(min = 1), inner(length(min = 1)))
    )]
    pub not_values: Option<Vec<String>>,
}

/// Reads a field that is there. `null` is refused: taken for a field that is left out, it would
/// widen the rule in silence.
fn present<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    let value = Option::deserialize(deserializer)?;
    let value = value.ok_or_else(|| D::Error::custom("`null` where a value is expected"))?;
    Ok(Some(value))
}
