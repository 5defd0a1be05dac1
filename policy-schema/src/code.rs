//! The stable names of everything that can be wrong with policies.

pub use peergate_engine::code::*;
use peergate_engine::{code, codes};

/// Every code that `validate` reports, with its meaning.
pub fn all() -> impl Iterator<Item = &'static Explained> {
    code::EXPLAINED.iter().chain(EXPLAINED)
}

codes! {
    /// The file is not well-formed YAML.
    YAML_SYNTAX = "yaml-syntax", Error;
    /// The file uses a YAML feature that hides what a policy says: anchors, aliases, merge keys or
    /// tags. Write the value out where it is used.
    YAML_FEATURE = "yaml-feature", Error;
    /// A field is not part of the schema. Nothing is ignored: a misspelt `notPaths` would widen a
    /// rule in silence.
    UNKNOWN_FIELD = "unknown-field", Error;
    /// A mapping has the same key twice, so one of the two values would be lost.
    DUPLICATE_KEY = "duplicate-key", Error;
    /// A value has another type than the schema's, such as a number where text is expected.
    WRONG_TYPE = "wrong-type", Error;
    /// A value is not one of the words that its field takes.
    UNKNOWN_VALUE = "unknown-value", Error;
    /// The document's `apiVersion` or `kind` is not one that Peergate reads.
    UNKNOWN_KIND = "unknown-kind", Error;
    /// The input holds no policy document at all.
    NO_DOCUMENTS = "no-documents", Error;
    /// No `Mesh` document says which trust domain the identities belong to.
    MISSING_MESH = "missing-mesh", Error;
    /// There is more than one `Mesh` document in the input.
    DUPLICATE_MESH = "duplicate-mesh", Error;
    /// Two policies have the same namespace and name.
    DUPLICATE_POLICY = "duplicate-policy", Error;
    /// Two policies select the same workload. Their rules add up, so what one allows the other does
    /// not deny; whoever reads one of them sees half of what holds.
    OVERLAPPING_SELECTORS = "overlapping-selectors", Warning;
    /// Clients of a gateway need certificates (`tls.mode: Mutual`), and the policies there allow no
    /// certificate from outside the mesh, so that all such clients are denied.
    UNNAMED_CLIENT_CERTIFICATES = "unnamed-client-certificates", Warning;
    /// Two policies share some of their targets and not all, so that no one policy says what holds at
    /// a target.
    OVERLAPPING_TARGETS = "overlapping-targets", Error;
    /// What a policy is for does not go with its namespace: a policy in the root namespace is for the
    /// mesh, and every other is not.
    INVALID_SCOPE = "invalid-scope", Error;
    /// A target is not a resource that a policy can be for.
    INVALID_TARGET = "invalid-target", Error;
    /// The Istio version is not `MAJOR.MINOR`, or not one that Peergate supports.
    UNSUPPORTED_ISTIO_VERSION = "unsupported-istio-version", Error;
    /// The filter's image is not a reference that Istio can fetch.
    INVALID_IMAGE = "invalid-image", Error;
    /// The filter's image is named by something other than its content, so that it may be another
    /// tomorrow.
    UNPINNED_IMAGE = "unpinned-image", Warning;
    /// An exception from mutual TLS has ended, so it is not rendered.
    EXPIRED_EXCEPTION = "expired-exception", Warning;
    /// Two exceptions from mutual TLS have the same name, or are for the same workloads.
    DUPLICATE_EXCEPTION = "duplicate-exception", Error;
    /// Two gateways have the same name, the same pods or the same service account.
    DUPLICATE_GATEWAY = "duplicate-gateway", Error;
    /// Two gateways, two servers of one, or two services answer for the same host and path.
    DUPLICATE_HOST = "duplicate-host", Error;
    /// A service is exposed at a gateway that the mesh does not have, or for a host that the gateway
    /// does not answer for.
    UNKNOWN_GATEWAY = "unknown-gateway", Error;
    /// A service is exposed at a gateway whose identity no rule allows to call it.
    EXPOSURE_WITHOUT_RULE = "exposure-without-rule", Error;
    /// Something needs to know by which service a workload is reached, and the policy does not say.
    MISSING_SERVICE = "missing-service", Error;
    /// Where the mesh denies what no policy allows, a policy in shadow, which lets every request pass,
    /// is for workloads at some of which another policy decides: Istio cannot tell them apart.
    UNENFORCEABLE_DEFAULT = "unenforceable-default", Error;
    /// Two policies of a namespace describe the same service, or the same external host differently, or
    /// external hosts that a proxy cannot tell apart.
    CONFLICTING_HOST = "conflicting-host", Error;
    /// A rule names a service account that no document declares, and that is probably misspelt.
    UNKNOWN_SERVICE_ACCOUNT = "unknown-service-account", Warning;
    /// A namespace is not in the documents, but differs by a typing mistake from one that is.
    UNKNOWN_NAMESPACE = "unknown-namespace", Warning;
    /// A provider is not in the `Mesh`, but differs by a typing mistake from one that is.
    UNKNOWN_PROVIDER = "unknown-provider", Warning;
    /// A rule names a port that the workload does not have, such as the port of its `Service`.
    UNKNOWN_PORT = "unknown-port", Warning;
    /// A label selects no workload of the documents, but differs by a typing mistake from one that does.
    UNKNOWN_LABEL = "unknown-label", Warning;
    /// A policy is for a gateway or service that is not in the documents, but one like it is.
    UNKNOWN_TARGET = "unknown-target", Warning;
    /// A policy has `otherwise: Pass`, and the mesh denies what no policy allows.
    INEFFECTIVE_PASS = "ineffective-pass", Warning;
    /// A rule allows callers to send any request to several workloads.
    WIDE_ALLOW = "wide-allow", Warning;
    /// A rule has ended: no enforcement point applies it any more.
    EXPIRED_RULE = "expired-rule", Warning;
    /// A condition is on a request header that proxies remove before any rule sees it.
    HEADER_NEVER_ARRIVES = "header-never-arrives", Warning;
    /// A `Deny` rule asks for HTTP and is not limited to ports. On a port that speaks something else, Istio drops
    /// the question and keeps the denial, so that every connection is denied.
    DENIES_TCP = "denies-tcp", Warning;
    /// Another rule of the policy already does what the rule does.
    REDUNDANT_RULE = "redundant-rule", Warning;
    /// A `Deny` rule of the policy, or of another one for all its workloads, denies everything that the rule allows.
    SHADOWED_RULE = "shadowed-rule", Warning;
    /// A path or a request principal is written in the syntax of another tool, and Istio takes it literally.
    FOREIGN_SYNTAX = "foreign-syntax", Warning;
    /// Several external authorizers decide about a workload, which Istio refuses unless a setting of istiod allows it.
    SEVERAL_PROVIDERS = "several-providers", Warning;
    /// The same value stands twice in a list.
    DUPLICATE_VALUE = "duplicate-value", Warning;
    /// The filter's configuration for a policy is larger than 1 MiB.
    LARGE_POLICY = "large-policy", Warning;
    /// More than 256 other policies may select the same workloads as this one.
    TOO_MANY_POLICIES = "too-many-policies", Error;
    /// No enforcement point can carry out the rule: what it asks, one of them does not see, and what
    /// else it asks, the other does not know.
    UNENFORCEABLE_RULE = "unenforceable-rule", Error;
    /// Only the filter can enforce the rule, and the mesh has no `filter.image`.
    MISSING_FILTER = "missing-filter", Error;
    /// Clients can get round a rule that RBAC enforces without the filter, by spelling a request in a way
    /// that RBAC does not see through.
    EVADABLE_RULE = "evadable-rule", Warning;
    /// Clients can get round a `Deny` rule by spelling the path in a way that the mesh does not normalize.
    EVADABLE_PATH = "evadable-path", Warning;
    /// The mesh's Istio version cannot express a part of a rule.
    UNSUPPORTED_BY_ISTIO = "unsupported-by-istio", Error;
}
