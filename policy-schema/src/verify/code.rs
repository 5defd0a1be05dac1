//! The stable names of all findings about a mesh.

use std::fmt;

use crate::code::Severity;

/// Defines the codes, each with its explanation and severity.
macro_rules! finding_codes {
    ( $( $(#[doc = $doc:literal])+ $variant:ident = $name:literal, $severity:ident; )+ ) => {
        /// The stable name of a kind of finding. Scripts may rely on it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum FindingCode { $( $(#[doc = $doc])+ $variant, )+ }

        impl FindingCode {
            /// Every code, in the order of the documentation.
            pub const ALL: &'static [Self] = &[ $( Self::$variant, )+ ];

            /// The name as it is printed, in kebab case.
            pub const fn as_str(self) -> &'static str {
                match self { $( Self::$variant => $name, )+ }
            }

            /// The severity.
            pub const fn severity(self) -> Severity {
                match self { $( Self::$variant => Severity::$severity, )+ }
            }

            /// The explanation, for the documentation.
            pub const fn explanation(self) -> &'static str {
                match self { $( Self::$variant => concat!($($doc, "\n",)+), )+ }
            }
        }
    };
}

finding_codes! {
    /// The documents render an object that does not exist.
    MissingObject = "missing-object", Error;
    /// The documents render objects of a kind that the cluster did not list.
    UnlistedKind = "unlisted-kind", Error;
    /// An object differs from what the documents render.
    ChangedObject = "changed-object", Error;
    /// Peergate once rendered an object that the documents no longer render.
    LeftoverObject = "leftover-object", Error;
    /// An object is as the documents rendered it before something in them expired.
    EndedObject = "ended-object", Warning;
    /// An object that is in no document widens what is allowed or reached, can change decisions, or suppresses
    /// telemetry that the documents request.
    ForeignObject = "foreign-object", Warning;
    /// An `EnvoyFilter` or a proxy's own configuration changes how the proxy enforces policies.
    EnforcementUndone = "enforcement-undone", Error;
    /// Istio's mesh config differs from what the documents rely on.
    ChangedMeshConfig = "changed-mesh-config", Error;
    /// A rule requires tokens that nothing validates.
    UnvalidatedTokens = "unvalidated-tokens", Error;
    /// The mesh is not strict: workloads accept plaintext unless another object forbids it.
    MeshNotStrict = "mesh-not-strict", Error;
    /// A namespace accepts plaintext without an exception in the `Mesh`.
    NamespaceNotStrict = "namespace-not-strict", Error;
    /// A workload accepts plaintext, on some or all ports, without an exception in the `Mesh`.
    PlaintextPort = "plaintext-port", Error;
    /// Calls to a port bypass the workload's sidecar, so no caller's identity is checked.
    BypassedPort = "bypassed-port", Error;
    /// Calls from a workload bypass its sidecar, in a mesh whose proxies know only declared hosts.
    BypassedOutbound = "bypassed-outbound", Error;
    /// A `DestinationRule` or a `ServiceEntry` makes callers use something other than mutual TLS with a host of
    /// the mesh.
    MutualTlsUndone = "mutual-tls-undone", Error;
    /// A gateway accepts client certificates without validating them.
    UnvalidatedCertificates = "unvalidated-certificates", Warning;
    /// A policy relies on the identity of callers at a gateway that accepts client certificates without
    /// validating them.
    ForgeableIdentity = "forgeable-identity", Error;
    /// A policy selects a workload without a sidecar, so nothing enforces it.
    UnenforcedWorkload = "unenforced-workload", Error;
    /// A rule applies to a workload in ambient mode, where it is not enforced as written.
    UnenforcedRule = "unenforced-rule", Error;
    /// A policy targets a gateway, or a service behind a waypoint, and the proxy that should enforce it does
    /// not.
    UnenforcedTarget = "unenforced-target", Error;
    /// A policy's filter keeps a waypoint of another namespace from starting.
    StalledWaypoint = "stalled-waypoint", Error;
    /// A `Deny` rule tests HTTP fields on a port that is declared to speak another protocol, so it denies
    /// connections there.
    DeniesTcp = "denies-tcp", Warning;
    /// A workload has no policy, and the documents leave such workloads open.
    OpenWorkload = "open-workload", Error;
    /// A workload has no policy. The mesh denies every request to it.
    WorkloadWithoutPolicy = "workload-without-policy", Warning;
    /// A policy selects no existing workload.
    PolicyWithoutWorkload = "policy-without-workload", Warning;
    /// A workload runs as a different service account than its policy declares, so rules about its calls apply
    /// to another caller.
    WrongServiceAccount = "wrong-service-account", Error;
    /// A proxy does not run a policy for its workload.
    PolicyNotRunning = "policy-not-running", Error;
    /// A proxy runs a different revision of a policy than the documents have.
    StaleRevision = "stale-revision", Error;
    /// A proxy's filter lets requests pass when it cannot run, although it enforces a policy.
    FilterFailsOpen = "filter-fails-open", Error;
    /// A proxy runs a policy that is not in the documents or not for its workload.
    UnknownPolicy = "unknown-policy", Error;
    /// A proxy's listener does not verify the certificates of callers, and no exception in the `Mesh` permits
    /// this.
    PlaintextListener = "plaintext-listener", Error;
    /// A proxy refused configuration that it received, and keeps the previous one.
    RefusedConfiguration = "refused-configuration", Error;
    /// `verify` could not reach a proxy.
    UnreachableProxy = "unreachable-proxy", Error;
    /// A certificate has expired, expires soon, or was not renewed in time.
    CertificateEndsSoon = "certificate-ends-soon", Error;
    /// A certificate does not meet the requirements for a workload or an authority.
    UnsoundCertificate = "unsound-certificate", Error;
    /// A port answers a caller that speaks plaintext.
    AcceptsPlaintext = "accepts-plaintext", Error;
    /// A port answers a caller without a certificate.
    AcceptsNoCertificate = "accepts-no-certificate", Error;
    /// A port answers a caller with a self-signed identity of another trust domain.
    AcceptsForeignIdentity = "accepts-foreign-identity", Error;
    /// `verify` could not check something.
    NotChecked = "not-checked", Warning;
}

impl fmt::Display for FindingCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
