//! The extent of a verification.

use policy_schema::verify::FindingCode;

use crate::probe::ProbeAnswers;

/// The extent of a verification.
#[derive(Debug, Default)]
pub struct Seen {
    /// The number of objects. None if objects were not in scope.
    pub objects: Option<usize>,
    /// The number of proxies that reported their config.
    pub proxies: usize,
    /// The number of proxies that did not.
    pub mute_proxies: usize,
    /// The number of probed ports.
    pub probes: Vec<Probed>,
    /// The number of ports in scope, including those that could not be probed.
    pub ports: usize,
}

impl Seen {
    /// Whether the inputs could contain this finding.
    pub fn can_tell(&self, code: FindingCode) -> bool {
        let (objects, proxies) = (self.objects.is_some(), self.proxies > 0);
        match code {
            FindingCode::MissingObject
            | FindingCode::UnlistedKind
            | FindingCode::ChangedObject
            | FindingCode::LeftoverObject
            | FindingCode::EndedObject
            | FindingCode::ForeignObject
            | FindingCode::ChangedMeshConfig
            | FindingCode::UnvalidatedTokens
            | FindingCode::MeshNotStrict
            | FindingCode::NamespaceNotStrict
            | FindingCode::PlaintextPort
            | FindingCode::BypassedPort
            | FindingCode::BypassedOutbound
            | FindingCode::MutualTlsUndone
            | FindingCode::UnenforcedWorkload
            | FindingCode::UnenforcedRule
            | FindingCode::UnenforcedTarget
            | FindingCode::StalledWaypoint
            | FindingCode::DeniesTcp
            | FindingCode::OpenWorkload
            | FindingCode::WorkloadWithoutPolicy
            | FindingCode::PolicyWithoutWorkload
            | FindingCode::WrongServiceAccount => objects,
            FindingCode::PolicyNotRunning
            | FindingCode::StaleRevision
            | FindingCode::FilterFailsOpen
            | FindingCode::UnknownPolicy
            | FindingCode::PlaintextListener
            | FindingCode::RefusedConfiguration
            | FindingCode::UnreachableProxy => proxies,
            FindingCode::EnforcementUndone
            | FindingCode::CertificateEndsSoon
            | FindingCode::UnsoundCertificate
            | FindingCode::UnvalidatedCertificates
            | FindingCode::ForgeableIdentity => objects || proxies,
            FindingCode::AcceptsPlaintext
            | FindingCode::AcceptsNoCertificate
            | FindingCode::AcceptsForeignIdentity => !self.probes.is_empty(),
            FindingCode::NotChecked => true,
        }
    }
}

/// A probed port.
#[derive(Debug)]
pub struct Probed {
    /// The host and port.
    pub address: String,
    /// The pod, if known.
    pub pod: Option<String>,
    /// The results.
    pub answers: ProbeAnswers,
}
