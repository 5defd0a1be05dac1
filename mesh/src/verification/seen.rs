//! How much of a mesh was inspected.

use policy_schema::verify::FindingCode;

use crate::probe::Answers;

/// How much was looked at.
#[derive(Debug, Default)]
pub struct Seen {
    /// None if objects were not asked for.
    pub objects: Option<usize>,
    /// Proxies that say what they run.
    pub proxies: usize,
    /// Proxies that were asked and do not.
    pub mute_proxies: usize,
    /// The ports that were tried.
    pub probes: Vec<Probed>,
    /// How many ports were to be tried, with those that could not.
    pub ports: usize,
}

impl Seen {
    /// Whether anything was looked at in which this could be found.
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

/// A port that was tried, and how it answered.
#[derive(Debug)]
pub struct Probed {
    /// Its host and port.
    pub address: String,
    /// The pod whose port it is, if that is known.
    pub pod: Option<String>,
    /// How it answered.
    pub answers: Answers,
}
