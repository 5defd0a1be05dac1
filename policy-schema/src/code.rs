//! The stable names of everything that can be wrong with a policy, or with a mesh.

/// How much a problem matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// What was read is accepted; a person should look.
    Warning,
    /// What was read is refused.
    Error,
}

/// An enumeration of such names, each with what it means and how much it matters.
macro_rules! codes {
    (
        $(#[doc = $about:literal])+
        $code:ident;
        $(
            $(#[doc = $doc:literal])+
            $(#[cfg($condition:meta)])?
            $variant:ident = $name:literal, $severity:ident;
        )+
    ) => {
        $(#[doc = $about])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $code { $( $(#[doc = $doc])+ $(#[cfg($condition)])? $variant, )+ }

        impl $code {
            /// Every code, in the order of the documentation.
            pub const ALL: &'static [Self] = &[ $( $(#[cfg($condition)])? Self::$variant, )+ ];

            /// The name as it is printed, in kebab case.
            pub const fn as_str(self) -> &'static str {
                match self { $( $(#[cfg($condition)])? Self::$variant => $name, )+ }
            }

            /// How much it matters.
            pub const fn severity(self) -> $crate::code::Severity {
                match self { $( $(#[cfg($condition)])? Self::$variant => $crate::code::Severity::$severity, )+ }
            }

            /// What the code means, for the documentation.
            #[cfg(feature = "authoring")]
            pub const fn explanation(self) -> &'static str {
                match self { $( $(#[cfg($condition)])? Self::$variant => concat!($($doc, "\n",)+), )+ }
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
    #[cfg(feature = "authoring")]
    YamlSyntax = "yaml-syntax", Error;
    /// The file uses a YAML feature that hides what a policy says: anchors, aliases, merge keys or
    /// tags. Write the value out where it is used.
    #[cfg(feature = "authoring")]
    YamlFeature = "yaml-feature", Error;
    /// A field is not part of the schema. Nothing is ignored: a misspelt `notPaths` would widen a
    /// rule in silence.
    #[cfg(feature = "authoring")]
    UnknownField = "unknown-field", Error;
    /// A mapping has the same key twice, so one of the two values would be lost.
    #[cfg(feature = "authoring")]
    DuplicateKey = "duplicate-key", Error;
    /// A required field is absent.
    MissingField = "missing-field", Error;
    /// A value has another type than the schema's, such as a number where text is expected.
    #[cfg(feature = "authoring")]
    WrongType = "wrong-type", Error;
    /// A value is not one of the words that its field takes.
    #[cfg(feature = "authoring")]
    UnknownValue = "unknown-value", Error;
    /// The document's `apiVersion` or `kind` is not one that Peergate reads.
    #[cfg(feature = "authoring")]
    UnknownKind = "unknown-kind", Error;
    /// The input holds no policy document at all.
    #[cfg(feature = "authoring")]
    NoDocuments = "no-documents", Error;

    /// No `Mesh` document says which trust domain the identities belong to.
    #[cfg(feature = "authoring")]
    MissingMesh = "missing-mesh", Error;
    /// There is more than one `Mesh` document in the input.
    #[cfg(feature = "authoring")]
    DuplicateMesh = "duplicate-mesh", Error;
    /// Two policies have the same namespace and name.
    #[cfg(feature = "authoring")]
    DuplicatePolicy = "duplicate-policy", Error;
    /// A name, namespace or label is not one that Kubernetes accepts.
    InvalidName = "invalid-name", Error;
    /// Two policies select the same workload. Their rules add up, so what one allows the other does
    /// not deny; whoever reads one of them sees half of what holds.
    #[cfg(feature = "authoring")]
    OverlappingSelectors = "overlapping-selectors", Warning;
    /// Clients of a gateway need certificates (`tls.mode: Mutual`), and the policies there allow no
    /// certificate from outside the mesh, so that all such clients are denied.
    #[cfg(feature = "authoring")]
    UnnamedClientCertificates = "unnamed-client-certificates", Warning;
    /// Two policies share some of their targets and not all, so that no one policy says what holds at
    /// a target.
    #[cfg(feature = "authoring")]
    OverlappingTargets = "overlapping-targets", Error;
    /// What a policy is for does not go with its namespace: a policy in the root namespace is for the
    /// mesh, and every other is not.
    #[cfg(feature = "authoring")]
    InvalidScope = "invalid-scope", Error;
    /// A target is not a resource that a policy can be for.
    #[cfg(feature = "authoring")]
    InvalidTarget = "invalid-target", Error;
    /// A trust domain is not valid by the SPIFFE ID specification, section 2.1.
    InvalidTrustDomain = "invalid-trust-domain", Error;
    /// The Istio version is not `MAJOR.MINOR`, or not one that Peergate supports.
    #[cfg(feature = "authoring")]
    UnsupportedIstioVersion = "unsupported-istio-version", Error;
    /// The filter's image is not a reference that Istio can fetch.
    #[cfg(feature = "authoring")]
    InvalidImage = "invalid-image", Error;

    /// The filter's image is named by something other than its content, so that it may be another
    /// tomorrow.
    #[cfg(feature = "authoring")]
    UnpinnedImage = "unpinned-image", Warning;
    /// An exception from mutual TLS is past its date.
    #[cfg(feature = "authoring")]
    ExpiredException = "expired-exception", Error;
    /// Two exceptions from mutual TLS have the same name, or are for the same workloads.
    #[cfg(feature = "authoring")]
    DuplicateException = "duplicate-exception", Error;
    /// Two gateways have the same name, the same pods or the same service account.
    #[cfg(feature = "authoring")]
    DuplicateGateway = "duplicate-gateway", Error;
    /// Two gateways, two servers of one, or two services answer for the same host and path.
    #[cfg(feature = "authoring")]
    DuplicateHost = "duplicate-host", Error;
    /// A service is exposed at a gateway that the mesh does not have, or for a host that the gateway
    /// does not answer for.
    #[cfg(feature = "authoring")]
    UnknownGateway = "unknown-gateway", Error;
    /// A service is exposed at a gateway whose identity no rule allows to call it.
    #[cfg(feature = "authoring")]
    ExposureWithoutRule = "exposure-without-rule", Error;
    /// Something needs to know by which service a workload is reached, and the policy does not say.
    #[cfg(feature = "authoring")]
    MissingService = "missing-service", Error;
    /// Where the mesh denies what no policy allows, a policy in shadow, which lets every request pass,
    /// is for workloads at some of which another policy decides: Istio cannot tell them apart.
    #[cfg(feature = "authoring")]
    UnenforceableDefault = "unenforceable-default", Error;
    /// Two policies of a namespace describe the same service, or the same external host differently, or
    /// external hosts that a proxy cannot tell apart.
    #[cfg(feature = "authoring")]
    ConflictingHost = "conflicting-host", Error;
    /// A rule names a service account that no document declares, and that is probably misspelt.
    #[cfg(feature = "authoring")]
    UnknownServiceAccount = "unknown-service-account", Warning;
    /// A namespace is not in the documents, but differs by a typing mistake from one that is.
    #[cfg(feature = "authoring")]
    UnknownNamespace = "unknown-namespace", Warning;
    /// A rule names a port that the workload does not have, such as the port of its `Service`.
    #[cfg(feature = "authoring")]
    UnknownPort = "unknown-port", Warning;
    /// A label selects no workload of the documents, but differs by a typing mistake from one that does.
    #[cfg(feature = "authoring")]
    UnknownLabel = "unknown-label", Warning;
    /// A policy is for a gateway or service that is not in the documents, but one like it is.
    #[cfg(feature = "authoring")]
    UnknownTarget = "unknown-target", Warning;
    /// A policy has `otherwise: Pass`, and the mesh denies what no policy allows.
    #[cfg(feature = "authoring")]
    IneffectivePass = "ineffective-pass", Warning;
    /// A rule allows callers to send any request to several workloads.
    #[cfg(feature = "authoring")]
    WideAllow = "wide-allow", Warning;

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
    /// A rule's `notAfter` has passed.
    #[cfg(feature = "authoring")]
    ExpiredRule = "expired-rule", Error;
    /// A rule, or a part of it, can never match any request.
    NeverMatches = "never-matches", Error;
    /// A condition is on a request header that proxies remove before any rule sees it.
    #[cfg(feature = "authoring")]
    HeaderNeverArrives = "header-never-arrives", Warning;
    /// A `Deny` rule asks for HTTP and is not limited to ports. On a port that speaks something else, Istio drops
    /// the question and keeps the denial, so that every connection is denied.
    #[cfg(feature = "authoring")]
    DeniesTcp = "denies-tcp", Warning;
    /// Another rule of the policy already does what the rule does.
    #[cfg(feature = "authoring")]
    RedundantRule = "redundant-rule", Warning;
    /// A `Deny` rule of the policy denies everything that the rule allows.
    #[cfg(feature = "authoring")]
    ShadowedRule = "shadowed-rule", Warning;
    /// A path or a request principal is written in the syntax of another tool, and Istio takes it literally.
    #[cfg(feature = "authoring")]
    ForeignSyntax = "foreign-syntax", Warning;
    /// Several external authorizers decide about a workload, which Istio refuses unless a setting of istiod allows it.
    #[cfg(feature = "authoring")]
    SeveralProviders = "several-providers", Warning;
    /// The same value stands twice in a list.
    #[cfg(feature = "authoring")]
    DuplicateValue = "duplicate-value", Warning;
    /// The filter's configuration for a policy is larger than 1 MiB.
    #[cfg(feature = "authoring")]
    LargePolicy = "large-policy", Warning;
    /// More than 256 other policies may select the same workloads as this one.
    #[cfg(feature = "authoring")]
    TooManyPolicies = "too-many-policies", Error;
    /// No enforcement point can carry out the rule: what it asks, one of them does not see, and what
    /// else it asks, the other does not know.
    #[cfg(feature = "authoring")]
    UnenforceableRule = "unenforceable-rule", Error;
    /// Clients can get round a rule that RBAC enforces without the filter, by spelling a request in a way
    /// that RBAC does not see through.
    #[cfg(feature = "authoring")]
    EvadableRule = "evadable-rule", Warning;
    /// The mesh's Istio version cannot express a part of a rule.
    #[cfg(feature = "authoring")]
    UnsupportedByIstio = "unsupported-by-istio", Error;
}
