//! Rules as written, with the same syntax in policy documents and the plugin config.
//!
//! These types only hold the content of the text. `check` turns them into a
//! [`Rule`](crate::rule::Rule), or reports why it cannot.

#[cfg(feature = "schemars")]
use schemars::JsonSchema;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};

#[cfg(feature = "schemars")]
use crate::forms::{
    self, ClientCertificate, ConditionKey, Host, IpBlock, Label, Method, Namespace, NonEmpty, Path,
    Port, Principal, RequestPrincipal, ServiceAccount, Time, TrustDomainPattern,
};

/// What a matching rule does.
#[derive(Clone, Copy, Debug, Deserialize, Hash, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schemars", derive(JsonSchema))]
pub enum Effect {
    /// Allows the request, unless a `Deny` rule matches too.
    Allow,
    /// Denies the request, regardless of other rules.
    Deny,
    /// Records the request without affecting it.
    Audit,
    /// Asks the rule's `provider`, an external authorizer of the mesh, first. If the provider
    /// denies, the request is denied, regardless of other rules.
    Custom,
}

/// Whether decisions are enforced or only recorded.
#[derive(Clone, Copy, Debug, Default, Deserialize, Hash, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schemars", derive(JsonSchema))]
pub enum Enforcement {
    /// Decisions are enforced.
    #[default]
    Enforce,
    /// Decisions are counted and reported, but not enforced.
    Shadow,
}

/// What happens to a request that no rule of a policy matches.
#[derive(Clone, Copy, Debug, Default, Deserialize, Hash, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schemars", derive(JsonSchema))]
pub enum Otherwise {
    /// The request is denied, unless another policy for the same workload allows it.
    #[default]
    Deny,
    /// The request passes, unless another policy for the same workload denies it. Such a policy has
    /// no `Allow` rules.
    Pass,
}

/// A rule: callers (`from`), requests (`to`) and conditions (`when`).
#[derive(Clone, Debug, Deserialize, Hash, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schemars", derive(JsonSchema))]
#[cfg_attr(feature = "schemars", schemars(extend("allOf" = forms::rule())))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RuleSpec {
    /// The rule's ID, unique in its policy: a DNS label, because it becomes a metric label.
    #[cfg_attr(feature = "schemars", schemars(with = "Label"))]
    pub id: String,
    /// What the rule does when it matches.
    pub effect: Effect,
    /// Only with the effect `Custom`: the name of an extension provider in Istio's mesh config.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "schemars", schemars(length(min = 1)))]
    pub provider: Option<String>,
    /// Why the rule exists.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    pub description: Option<String>,
    /// The owner: the team to ask about the rule.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    pub owner: Option<String>,
    /// The time from which the rule applies, inclusive: RFC 3339 in UTC.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "schemars", schemars(with = "Option<Time>"))]
    pub not_before: Option<String>,
    /// The time from which the rule no longer applies: RFC 3339 in UTC.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "schemars", schemars(with = "Option<Time>"))]
    pub not_after: Option<String>,
    /// `Shadow` to record what the rule would do without enforcing it.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    pub enforcement: Option<Enforcement>,
    /// The callers: any of these sources. If omitted, an `Allow` rule matches every caller with an
    /// identity of the mesh, and a `Deny` rule matches every caller.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "schemars", schemars(length(min = 1)))]
    pub from: Option<Vec<SourceSpec>>,
    /// The requests: any of these operations. If omitted, every request.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "schemars", schemars(length(min = 1)))]
    pub to: Option<Vec<OperationSpec>>,
    /// Further conditions, all of which must hold.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "schemars", schemars(length(min = 1)))]
    pub when: Option<Vec<ConditionSpec>>,
}

/// Callers. All fields that are present must match; in each list, any value is enough.
#[derive(Clone, Debug, Default, Deserialize, Hash, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schemars", derive(JsonSchema))]
#[cfg_attr(feature = "schemars", schemars(extend("minProperties" = 1, "allOf" = forms::source())))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SourceSpec {
    /// `true` for callers without any identity. Excludes all other fields, because an anonymous
    /// caller has nothing else to match.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "schemars", schemars(extend("const" = true)))]
    pub anonymous: Option<bool>,
    /// Client certificates from outside the mesh that the gateway validated, by any of their names:
    /// `dns:NAME`, `uri:URI`, `subject:SUBJECT`, or `*` for all of them. Only for policies at
    /// gateways.
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
    /// Excludes client certificates from outside the mesh with one of these names.
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
    /// Excludes callers with one of these SPIFFE IDs.
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
    /// Excludes these service accounts.
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
    /// Excludes these namespaces.
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
    /// Excludes these trust domains.
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
    /// Principals in the request's JWT, as `ISSUER/SUBJECT`: exact, `prefix*`, `*suffix`, or `*`
    /// for every request with a verified JWT.
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
    /// Excludes these request principals, and requests without a JWT.
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
    /// Source addresses of the connection: IP addresses or CIDR blocks.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "schemars", schemars(with = "Option<NonEmpty<IpBlock>>"))]
    pub ip_blocks: Option<Vec<String>>,
    /// Excludes these addresses.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "schemars", schemars(with = "Option<NonEmpty<IpBlock>>"))]
    pub not_ip_blocks: Option<Vec<String>>,
    /// Addresses of the client: IP addresses or CIDR blocks. The proxy takes them from
    /// `x-forwarded-for` or the PROXY protocol if it is configured to trust them.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "schemars", schemars(with = "Option<NonEmpty<IpBlock>>"))]
    pub remote_ip_blocks: Option<Vec<String>>,
    /// Excludes these addresses.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "schemars", schemars(with = "Option<NonEmpty<IpBlock>>"))]
    pub not_remote_ip_blocks: Option<Vec<String>>,
}

/// Requests. All fields that are present must match; in each list, any value is enough.
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
    /// Excludes these methods.
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
    /// Excludes these paths.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "schemars", schemars(with = "Option<NonEmpty<Path>>"))]
    pub not_paths: Option<Vec<String>>,
    /// The request's `:authority`, with its port if it has one, ignoring case: exact, `prefix*`,
    /// `*suffix`, or `*`.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "schemars", schemars(with = "Option<NonEmpty<Host>>"))]
    pub hosts: Option<Vec<String>>,
    /// Excludes these hosts.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "schemars", schemars(with = "Option<NonEmpty<Host>>"))]
    pub not_hosts: Option<Vec<String>>,
    /// The ports on which the workload listens, not those of its Service.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "schemars", schemars(with = "Option<NonEmpty<Port>>"))]
    pub ports: Option<Vec<u16>>,
    /// Excludes these ports.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "schemars", schemars(with = "Option<NonEmpty<Port>>"))]
    pub not_ports: Option<Vec<u16>>,
}

/// A condition on one attribute. Any of `values` must match, and none of `notValues`. At least one
/// of the two lists is required.
#[derive(Clone, Debug, Default, Deserialize, Hash, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schemars", derive(JsonSchema))]
#[cfg_attr(feature = "schemars", schemars(extend("allOf" = forms::condition())))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ConditionSpec {
    /// The attribute, with Istio's name for it, such as `request.headers[x-tenant]` or
    /// `request.auth.claims[groups]`.
    #[cfg_attr(feature = "schemars", schemars(with = "ConditionKey"))]
    pub key: String,
    /// Values of which one must match.
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
    /// Values of which none may match.
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

/// Deserializes a field that is present. `null` is rejected: read as an omitted field, it would
/// silently widen the rule.
fn present<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    let value = Option::deserialize(deserializer)?;
    let value = value.ok_or_else(|| D::Error::custom("`null` where a value is expected"))?;
    Ok(Some(value))
}
