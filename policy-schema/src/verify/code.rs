//! The stable names of everything that can be wrong with a mesh.

use std::fmt;

use crate::code::Severity;

/// The names, each with what it means and how much it matters.
macro_rules! finding_codes {
    ( $( $(#[doc = $doc:literal])+ $variant:ident = $name:literal, $severity:ident; )+ ) => {
        /// The stable name of what is wrong with a mesh. Scripts may rely on it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum FindingCode { $( $(#[doc = $doc])+ $variant, )+ }

        impl FindingCode {
            /// Every code, in the order of the documentation.
            pub const ALL: &'static [Self] = &[ $( Self::$variant, )+ ];

            /// The name as it is printed, in kebab case.
            pub const fn as_str(self) -> &'static str {
                match self { $( Self::$variant => $name, )+ }
            }

            /// How much it matters.
            pub const fn severity(self) -> Severity {
                match self { $( Self::$variant => Severity::$severity, )+ }
            }

            /// What the code means, for the documentation.
            pub const fn explanation(self) -> &'static str {
                match self { $( Self::$variant => concat!($($doc, "\n",)+), )+ }
            }
        }
    };
}

finding_codes! {
    /// An object that the documents are rendered to is not there.
    MissingObject = "missing-object", Error;
    /// The documents render objects of a kind that the cluster did not list.
    UnlistedKind = "unlisted-kind", Error;
    /// An object is not what the documents are rendered to.
    ChangedObject = "changed-object", Error;
    /// An object was rendered by Peergate once, and the documents no longer ask for it.
    LeftoverObject = "leftover-object", Error;
    /// An object is what the documents were rendered to before something in them ended.
    EndedObject = "ended-object", Warning;
    /// An object that no document has adds to what is allowed or reached, can change what is decided,
    /// or keeps from being told what the documents ask for.
    ForeignObject = "foreign-object", Warning;
    /// Something changes how a proxy enforces policies: an `EnvoyFilter`, or the proxy's own configuration.
    EnforcementUndone = "enforcement-undone", Error;
    /// Istio's mesh config is not what the documents rely on.
    ChangedMeshConfig = "changed-mesh-config", Error;
    /// Nothing validates the tokens that a rule asks for.
    UnvalidatedTokens = "unvalidated-tokens", Error;
    /// Nothing makes the mesh strict: workloads accept plaintext where no other object forbids it.
    MeshNotStrict = "mesh-not-strict", Error;
    /// A namespace accepts plaintext, and no exception of the `Mesh` says so.
    NamespaceNotStrict = "namespace-not-strict", Error;
    /// A workload accepts plaintext, on all ports or on some, and no exception of the `Mesh` says so.
    PlaintextPort = "plaintext-port", Error;
    /// Calls to a port go around the workload's sidecar, so that nobody asks for an identity.
    BypassedPort = "bypassed-port", Error;
    /// Calls of a workload go around its sidecar, in a mesh whose proxies know only what is declared.
    BypassedOutbound = "bypassed-outbound", Error;
    /// A `DestinationRule` or a `ServiceEntry` has callers speak something else than mutual TLS with a
    /// host of the mesh.
    MutualTlsUndone = "mutual-tls-undone", Error;
    /// A gateway accepts client certificates without validating them.
    UnvalidatedCertificates = "unvalidated-certificates", Warning;
    /// A policy goes by the identity of callers at a gateway that accepts client certificates without validating
    /// them.
    ForgeableIdentity = "forgeable-identity", Error;
    /// A policy is for a workload that has no sidecar, so that nothing enforces it.
    UnenforcedWorkload = "unenforced-workload", Error;
    /// A rule is for a workload in ambient mode, where it is not enforced as it is written.
    UnenforcedRule = "unenforced-rule", Error;
    /// A policy is for a gateway, or for a service behind a waypoint, and the proxy that should enforce it does
    /// not.
    UnenforcedTarget = "unenforced-target", Error;
    /// A policy's filter keeps a waypoint of another namespace from starting.
    StalledWaypoint = "stalled-waypoint", Error;
    /// A `Deny` rule asks for HTTP on a port that is declared to speak something else, so that it denies
    /// connections there.
    DeniesTcp = "denies-tcp", Warning;
    /// A workload has no policy, and the documents leave such workloads open.
    OpenWorkload = "open-workload", Error;
    /// A workload has no policy. It is closed: every request is denied.
    WorkloadWithoutPolicy = "workload-without-policy", Warning;
    /// A policy is for workloads that are not there.
    PolicyWithoutWorkload = "policy-without-workload", Warning;
    /// A workload runs as another service account than its policy says, so that rules about its calls
    /// are about somebody else.
    WrongServiceAccount = "wrong-service-account", Error;
    /// A proxy does not run a policy that is for its workload.
    PolicyNotRunning = "policy-not-running", Error;
    /// A proxy runs another revision of a policy than the documents have.
    StaleRevision = "stale-revision", Error;
    /// A proxy's filter lets requests pass when it cannot run, although it enforces a policy.
    FilterFailsOpen = "filter-fails-open", Error;
    /// A proxy runs a policy that the documents do not have, or that is not for its workload.
    UnknownPolicy = "unknown-policy", Error;
    /// A proxy's listener accepts callers whose certificate it does not verify, and no exception of the
    /// `Mesh` says so.
    PlaintextListener = "plaintext-listener", Error;
    /// A proxy refused configuration that it was sent, and goes on with what it had before.
    RefusedConfiguration = "refused-configuration", Error;
    /// A proxy could not be asked.
    UnreachableProxy = "unreachable-proxy", Error;
    /// A certificate is over, ends soon, or was not renewed when it should have been.
    CertificateEndsSoon = "certificate-ends-soon", Error;
    /// A certificate is not what a workload's or an authority's must be.
    UnsoundCertificate = "unsound-certificate", Error;
    /// A port answers a caller that speaks plaintext.
    AcceptsPlaintext = "accepts-plaintext", Error;
    /// A port answers a caller that has no certificate.
    AcceptsNoCertificate = "accepts-no-certificate", Error;
    /// A port answers a caller whose identity is of another trust domain and signed by nobody.
    AcceptsForeignIdentity = "accepts-foreign-identity", Error;
    /// Something could not be looked at.
    NotChecked = "not-checked", Warning;
}

impl fmt::Display for FindingCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
