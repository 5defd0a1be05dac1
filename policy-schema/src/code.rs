//! The stable names of all problems with policies.

pub use peergate_engine::code::*;
use peergate_engine::{code, codes};

/// Every code that `validate` reports, with its explanation.
pub fn all() -> impl Iterator<Item = &'static Explained> {
    code::EXPLAINED.iter().chain(EXPLAINED)
}

codes! {
    /// The file is not well-formed YAML.
    YAML_SYNTAX = "yaml-syntax", Error;
    /// The file uses a YAML feature that hides the meaning of a policy: anchors, aliases, merge keys or tags.
    YAML_FEATURE = "yaml-feature", Error;
    /// A field is not part of the schema. Peergate ignores no field: a misspelled `notPaths` would silently
    /// widen a rule.
    UNKNOWN_FIELD = "unknown-field", Error;
    /// A mapping has the same key twice, so one of the two values would be lost.
    DUPLICATE_KEY = "duplicate-key", Error;
    /// A value has the wrong type, such as text instead of a number.
    WRONG_TYPE = "wrong-type", Error;
    /// A field does not accept this value.
    UNKNOWN_VALUE = "unknown-value", Error;
    /// Peergate does not read documents with this `apiVersion` or `kind`.
    UNKNOWN_KIND = "unknown-kind", Error;
    /// The input contains no policy document.
    NO_DOCUMENTS = "no-documents", Error;
    /// The input has no `Mesh` document, so the trust domain of the identities is unknown.
    MISSING_MESH = "missing-mesh", Error;
    /// The input has more than one `Mesh` document.
    DUPLICATE_MESH = "duplicate-mesh", Error;
    /// Two policies have the same namespace and name.
    DUPLICATE_POLICY = "duplicate-policy", Error;
    /// Two policies select the same workload. Their rules add up: a request that one policy allows passes even
    /// if the other has no rule for it. Each policy shows only part of the workload's rules.
    OVERLAPPING_SELECTORS = "overlapping-selectors", Warning;
    /// A gateway requires client certificates (`tls.mode: Mutual`). The policies there allow none from outside
    /// the mesh, so they deny all such clients.
    UNNAMED_CLIENT_CERTIFICATES = "unnamed-client-certificates", Warning;
    /// Two policies share some of their targets but not all, so no single policy shows all rules of a target.
    OVERLAPPING_TARGETS = "overlapping-targets", Error;
    /// The scope of a policy does not match its namespace. A policy with a selector or a scope applies to the
    /// whole mesh if it is in the root namespace, and only then.
    INVALID_SCOPE = "invalid-scope", Error;
    /// A policy cannot attach to one of its targets.
    INVALID_TARGET = "invalid-target", Error;
    /// The Istio version is not of the form `MAJOR.MINOR`, or Peergate does not support it.
    UNSUPPORTED_ISTIO_VERSION = "unsupported-istio-version", Error;
    /// Istio cannot fetch the filter's image from this reference.
    INVALID_IMAGE = "invalid-image", Error;
    /// The reference to the filter's image has no digest, so its content may change.
    UNPINNED_IMAGE = "unpinned-image", Warning;
    /// An exception from mutual TLS has expired, so it is not rendered.
    EXPIRED_EXCEPTION = "expired-exception", Warning;
    /// Two exceptions from mutual TLS have the same name or apply to the same workloads.
    DUPLICATE_EXCEPTION = "duplicate-exception", Error;
    /// Two gateways have the same name, the same pods or the same service account.
    DUPLICATE_GATEWAY = "duplicate-gateway", Error;
    /// Two gateways, two servers of a gateway, or two services serve the same host and path.
    DUPLICATE_HOST = "duplicate-host", Error;
    /// A service is exposed at a gateway that the mesh does not have, or for a host that the gateway does not
    /// serve.
    UNKNOWN_GATEWAY = "unknown-gateway", Error;
    /// A service is exposed at a gateway, but no rule allows the gateway's identity to call it.
    EXPOSURE_WITHOUT_RULE = "exposure-without-rule", Error;
    /// An exposure or `outbound: Declared` needs to know the workload's service, and the policy declares none.
    MISSING_SERVICE = "missing-service", Error;
    /// The mesh denies by default, and a policy in shadow shares some of its workloads with a policy that
    /// decides there. Istio cannot let requests pass at the others alone.
    UNENFORCEABLE_DEFAULT = "unenforceable-default", Error;
    /// Two policies of a namespace describe the same service. Or they describe the same external host
    /// differently, or external hosts that a proxy cannot tell apart.
    CONFLICTING_HOST = "conflicting-host", Error;
    /// A rule names a service account that no document declares and that is probably misspelled.
    UNKNOWN_SERVICE_ACCOUNT = "unknown-service-account", Warning;
    /// A namespace is not in the documents, but is a likely typo of one that is.
    UNKNOWN_NAMESPACE = "unknown-namespace", Warning;
    /// A provider is not in the `Mesh`, but is a likely typo of one that is.
    UNKNOWN_PROVIDER = "unknown-provider", Warning;
    /// A rule names a port that the workload does not have, such as the port of its `Service`.
    UNKNOWN_PORT = "unknown-port", Warning;
    /// A label selects no workload of the documents, but is a likely typo of one that does.
    UNKNOWN_LABEL = "unknown-label", Warning;
    /// A policy targets a gateway or service that is not in the documents, but a similar one is.
    UNKNOWN_TARGET = "unknown-target", Warning;
    /// A policy has `otherwise: Pass`, but the mesh denies what no policy allows.
    INEFFECTIVE_PASS = "ineffective-pass", Warning;
    /// A rule allows its callers to send any request to several workloads.
    WIDE_ALLOW = "wide-allow", Warning;
    /// A rule has expired: no enforcement point applies it any more.
    EXPIRED_RULE = "expired-rule", Warning;
    /// A condition tests a request header that proxies remove before any rule sees it.
    HEADER_NEVER_ARRIVES = "header-never-arrives", Warning;
    /// A `Deny` rule tests HTTP fields and is not limited to ports. On a port that speaks another protocol,
    /// Istio drops these tests and keeps the denial: the rule denies every connection that its remaining fields
    /// match.
    DENIES_TCP = "denies-tcp", Warning;
    /// Another rule of the policy already covers this rule.
    REDUNDANT_RULE = "redundant-rule", Warning;
    /// A `Deny` rule denies everything that this rule allows. It is in the same policy, or in another one for
    /// all its workloads.
    SHADOWED_RULE = "shadowed-rule", Warning;
    /// A path or a request principal uses the syntax of another tool, which Istio takes literally.
    FOREIGN_SYNTAX = "foreign-syntax", Warning;
    /// Several external authorizers decide at a workload, which Istio refuses unless a setting of istiod allows
    /// it.
    SEVERAL_PROVIDERS = "several-providers", Warning;
    /// A list contains the same value twice.
    DUPLICATE_VALUE = "duplicate-value", Warning;
    /// The plugin config of a policy is larger than 1 MiB.
    LARGE_POLICY = "large-policy", Warning;
    /// More than 256 other policies may select the same workloads as this one.
    TOO_MANY_POLICIES = "too-many-policies", Error;
    /// No enforcement point can enforce the rule: it combines fields that only RBAC can check with fields that
    /// only the filter can check.
    UNENFORCEABLE_RULE = "unenforceable-rule", Error;
    /// Only the filter can enforce the rule, and the mesh has no `filter.image`.
    MISSING_FILTER = "missing-filter", Error;
    /// Clients can evade a rule that RBAC enforces without the filter, with a spelling of the request that RBAC
    /// does not recognize.
    EVADABLE_RULE = "evadable-rule", Warning;
    /// Clients can evade a `Deny` rule with a spelling of the path that the mesh does not normalize.
    EVADABLE_PATH = "evadable-path", Warning;
    /// The mesh's Istio version cannot express a part of a rule.
    UNSUPPORTED_BY_ISTIO = "unsupported-by-istio", Error;
}
