//! The stable names of everything that can be wrong with a policy, or with a mesh.

/// How much a problem matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// What was read is accepted; a person should look.
    Warning,
    /// What was read is refused.
    Error,
}

/// An enumeration of such names, each with what it means and how much it matters. One with a feature is left out without
/// it: the filter reports few of them.
macro_rules! codes {
    (
        $(#[doc = $about:literal])+
        $code:ident;
        $( $(#[doc = $doc:literal])+ $variant:ident = $name:literal, $severity:ident $(, $feature:tt)?; )+
    ) => {
        $(#[doc = $about])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $code { $( $(#[doc = $doc])+ $(#[cfg(feature = $feature)])? $variant, )+ }

        impl $code {
            /// Every code, in the order of the documentation.
            pub const ALL: &'static [Self] = &[ $( $(#[cfg(feature = $feature)])? Self::$variant, )+ ];

            /// The name as it is printed, in kebab case.
            pub const fn as_str(self) -> &'static str {
                match self { $( $(#[cfg(feature = $feature)])? Self::$variant => $name, )+ }
            }

            /// How much it matters.
            pub const fn severity(self) -> $crate::code::Severity {
                match self { $( $(#[cfg(feature = $feature)])? Self::$variant => $crate::code::Severity::$severity, )+ }
            }

            /// What the code means, for the documentation.
            #[cfg(feature = "authoring")]
            pub const fn explanation(self) -> &'static str {
                match self { $( $(#[cfg(feature = $feature)])? Self::$variant => concat!($($doc, "\n",)+), )+ }
            }
        }

        impl std::fmt::Display for $code {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

#[cfg(feature = "authoring")]
pub(crate) use codes;

codes! {
    /// The stable name of a kind of problem. Scripts and suppressions may rely on it.
    Code;

    /// The file is not well-formed YAML.
    YamlSyntax = "yaml-syntax", Error, "authoring";
    /// The file uses a YAML feature that hides what a policy says: anchors, aliases, merge keys or
    /// tags. Write the value out where it is used.
    YamlFeature = "yaml-feature", Error, "authoring";
    /// A field is not part of the schema. Nothing is ignored: a misspelt `notPaths` would widen a
    /// rule in silence.
    UnknownField = "unknown-field", Error, "authoring";
    /// A mapping has the same key twice, so one of the two values would be lost.
    DuplicateKey = "duplicate-key", Error, "authoring";
    /// A required field is absent.
    MissingField = "missing-field", Error;
    /// A value has another type than the schema's, such as a number where text is expected.
    WrongType = "wrong-type", Error, "authoring";
    /// A value is not one of the words that its field takes.
    UnknownValue = "unknown-value", Error, "authoring";
    /// The document's `apiVersion` or `kind` is not one that Peergate reads.
    UnknownKind = "unknown-kind", Error, "authoring";
    /// The input holds no policy document at all.
    NoDocuments = "no-documents", Error, "authoring";

    /// No `Mesh` document says which trust domain the identities belong to.
    MissingMesh = "missing-mesh", Error, "authoring";
    /// There is more than one `Mesh` document in the input.
    DuplicateMesh = "duplicate-mesh", Error, "authoring";
    /// Two policies have the same namespace and name.
    DuplicatePolicy = "duplicate-policy", Error, "authoring";
    /// A name, namespace or label is not one that Kubernetes accepts.
    InvalidName = "invalid-name", Error;
    /// Two policies select the same workload. Their rules add up, so what one allows the other does
    /// not deny; whoever reads one of them sees half of what holds.
    OverlappingSelectors = "overlapping-selectors", Warning, "authoring";
    /// Clients of a gateway need certificates (`tls.mode: Mutual`), and the policies there allow no
    /// certificate from outside the mesh, so that all such clients are denied.
    UnnamedClientCertificates = "unnamed-client-certificates", Warning, "authoring";
    /// Two policies share some of their targets and not all, so that no one policy says what holds at
    /// a target.
    OverlappingTargets = "overlapping-targets", Error, "authoring";
    /// What a policy is for does not go with its namespace: a policy in the root namespace is for the
    /// mesh, and every other is not.
    InvalidScope = "invalid-scope", Error, "authoring";
    /// A target is not a resource that a policy can be for.
    InvalidTarget = "invalid-target", Error, "authoring";
    /// A trust domain is not valid by the SPIFFE ID specification, section 2.1.
    InvalidTrustDomain = "invalid-trust-domain", Error;
    /// The Istio version is not `MAJOR.MINOR`, or not one that Peergate supports.
    UnsupportedIstioVersion = "unsupported-istio-version", Error, "authoring";
    /// The filter's image is not a reference that Istio can fetch.
    InvalidImage = "invalid-image", Error, "authoring";

    /// The filter's image is named by something other than its content, so that it may be another
    /// tomorrow.
    UnpinnedImage = "unpinned-image", Warning, "authoring";
    /// An exception from mutual TLS has ended, so it is not rendered.
    ExpiredException = "expired-exception", Warning, "authoring";
    /// Two exceptions from mutual TLS have the same name, or are for the same workloads.
    DuplicateException = "duplicate-exception", Error, "authoring";
    /// Two gateways have the same name, the same pods or the same service account.
    DuplicateGateway = "duplicate-gateway", Error, "authoring";
    /// Two gateways, two servers of one, or two services answer for the same host and path.
    DuplicateHost = "duplicate-host", Error, "authoring";
    /// A service is exposed at a gateway that the mesh does not have, or for a host that the gateway
    /// does not answer for.
    UnknownGateway = "unknown-gateway", Error, "authoring";
    /// A service is exposed at a gateway whose identity no rule allows to call it.
    ExposureWithoutRule = "exposure-without-rule", Error, "authoring";
    /// Something needs to know by which service a workload is reached, and the policy does not say.
    MissingService = "missing-service", Error, "authoring";
    /// Where the mesh denies what no policy allows, a policy in shadow, which lets every request pass,
    /// is for workloads at some of which another policy decides: Istio cannot tell them apart.
    UnenforceableDefault = "unenforceable-default", Error, "authoring";
    /// Two policies of a namespace describe the same service, or the same external host differently, or
    /// external hosts that a proxy cannot tell apart.
    ConflictingHost = "conflicting-host", Error, "authoring";
    /// A rule names a service account that no document declares, and that is probably misspelt.
    UnknownServiceAccount = "unknown-service-account", Warning, "authoring";
    /// A namespace is not in the documents, but differs by a typing mistake from one that is.
    UnknownNamespace = "unknown-namespace", Warning, "authoring";
    /// A provider is not in the `Mesh`, but differs by a typing mistake from one that is.
    UnknownProvider = "unknown-provider", Warning, "authoring";
    /// A rule names a port that the workload does not have, such as the port of its `Service`.
    UnknownPort = "unknown-port", Warning, "authoring";
    /// A label selects no workload of the documents, but differs by a typing mistake from one that does.
    UnknownLabel = "unknown-label", Warning, "authoring";
    /// A policy is for a gateway or service that is not in the documents, but one like it is.
    UnknownTarget = "unknown-target", Warning, "authoring";
    /// A policy has `otherwise: Pass`, and the mesh denies what no policy allows.
    IneffectivePass = "ineffective-pass", Warning, "authoring";
    /// A rule allows callers to send any request to several workloads.
    WideAllow = "wide-allow", Warning, "authoring";

    /// A rule id is not a DNS label. Ids become metric labels and log fields.
    InvalidRuleId = "invalid-rule-id", Error;
    /// Two rules of a policy have the same id.
    DuplicateRuleId = "duplicate-rule-id", Error;
    /// A list is present but empty. Left out, it would match everything; empty, it can be read
    /// both ways.
    EmptyList = "empty-list", Error;
    /// A source or operation has no field at all, so it would match everything.
    EmptyMatcher = "empty-matcher", Error;
    /// A value is an empty string.
    EmptyValue = "empty-value", Error;
    /// A principal is not a SPIFFE ID by the SPIFFE ID specification, section 2.
    InvalidSpiffeId = "invalid-spiffe-id", Error;
    /// An identity belongs to a trust domain that the mesh neither is nor has as an alias. Such a
    /// caller is refused before any rule is read.
    ForeignTrustDomain = "foreign-trust-domain", Error;
    /// A value is neither an IP address nor a CIDR block, or a block that says less than its address.
    InvalidIpBlock = "invalid-ip-block", Error;
    /// A condition's key is none that Istio has.
    UnknownCondition = "unknown-condition", Error;
    /// A service account is not `NAMESPACE/NAME` or `NAME`.
    InvalidServiceAccount = "invalid-service-account", Error;
    /// A wildcard stands where Istio accepts it and then never matches, such as `a*b`.
    InvalidWildcard = "invalid-wildcard", Error;
    /// A path, method, host or port is none that a request could have.
    InvalidValue = "invalid-value", Error;
    /// A path template breaks Istio's rules for `{*}` and `{**}`.
    InvalidPathTemplate = "invalid-path-template", Error;
    /// Two fields exclude each other.
    ExclusiveFields = "exclusive-fields", Error;
    /// A time is not RFC 3339 in UTC.
    InvalidTime = "invalid-time", Error;
    /// A rule has ended: no enforcement point applies it any more.
    ExpiredRule = "expired-rule", Warning, "authoring";
    /// A rule, or a part of it, can never match any request.
    NeverMatches = "never-matches", Error;
    /// A condition is on a request header that proxies remove before any rule sees it.
    HeaderNeverArrives = "header-never-arrives", Warning, "authoring";
    /// A `Deny` rule asks for HTTP and is not limited to ports. On a port that speaks something else, Istio drops
    /// the question and keeps the denial, so that every connection is denied.
    DeniesTcp = "denies-tcp", Warning, "authoring";
    /// Another rule of the policy already does what the rule does.
    RedundantRule = "redundant-rule", Warning, "authoring";
    /// A `Deny` rule of the policy, or of another one for all its workloads, denies everything that the rule allows.
    ShadowedRule = "shadowed-rule", Warning, "authoring";
    /// A path or a request principal is written in the syntax of another tool, and Istio takes it literally.
    ForeignSyntax = "foreign-syntax", Warning, "authoring";
    /// Several external authorizers decide about a workload, which Istio refuses unless a setting of istiod allows it.
    SeveralProviders = "several-providers", Warning, "authoring";
    /// The same value stands twice in a list.
    DuplicateValue = "duplicate-value", Warning, "authoring";
    /// The filter's configuration for a policy is larger than 1 MiB.
    LargePolicy = "large-policy", Warning, "authoring";
    /// More than 256 other policies may select the same workloads as this one.
    TooManyPolicies = "too-many-policies", Error, "authoring";
    /// No enforcement point can carry out the rule: what it asks, one of them does not see, and what
    /// else it asks, the other does not know.
    UnenforceableRule = "unenforceable-rule", Error, "authoring";
    /// Only the filter can enforce the rule, and the mesh has no `filter.image`.
    MissingFilter = "missing-filter", Error, "authoring";
    /// Clients can get round a rule that RBAC enforces without the filter, by spelling a request in a way
    /// that RBAC does not see through.
    EvadableRule = "evadable-rule", Warning, "authoring";
    /// Clients can get round a `Deny` rule by spelling the path in a way that the mesh does not normalize.
    EvadablePath = "evadable-path", Warning, "authoring";
    /// The mesh's Istio version cannot express a part of a rule.
    UnsupportedByIstio = "unsupported-by-istio", Error, "authoring";
}
