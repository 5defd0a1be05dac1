//! A caller × the place that its request goes to → whether its client certificate can come there at all, and what to know
//! about the answer.

use policy_schema::identity::PeerIdentity;
use policy_schema::plugin_config::{CertificateValidation, ProxyDescription, ProxyKind};
use policy_schema::policy::Gateway;

use super::caller::RequestCaller;
use super::decider::Decider;
use super::question::Question;
use super::unanswerable::NoSuchCaller;

const ASK_WITH_NAMES: &str = "ask with the names in the certificate, such as `dns:NAME`";

impl Decider<'_> {
    /// What to know about an answer to this caller's HTTP requests.
    pub(super) fn notes_about(
        &self,
        question: &Question<'_>,
    ) -> Result<Vec<&'static str>, NoSuchCaller> {
        let caller = &question.caller;
        match caller {
            RequestCaller::Anonymous => Ok(Vec::new()),
            RequestCaller::Unvalidated => {
                self.check_unvalidated(question)?;
                Ok(vec![
                    "RBAC takes an unvalidated certificate for what it says; the filter alone takes the caller for anonymous",
                ])
            }
            RequestCaller::Certificate { is_hidden, .. } => {
                self.check_asked_for(question)?;
                if self.is_of_mesh(caller) {
                    return Ok(Vec::new());
                }
                Ok(vec![match (self.is_at_gateway(), *is_hidden) {
                    (false, _) => {
                        "sidecars refuse certificates from outside the mesh in the TLS handshake; this is what the filter \
                         decides where a proxy accepts one"
                    }
                    (true, true) => {
                        "before Istio 1.30, gateways do not show filters the whole certificate of a client, so filters \
                         deny certificates from outside the mesh"
                    }
                    (true, false) if !self.takes_client_certificates() => {
                        "a policy with `otherwise: Pass` that is not for gateways only denies every certificate from \
                         outside the mesh here"
                    }
                    (true, false) => {
                        "the certificate counts as validated by the gateway; ask with `unvalidated` about one that is not"
                    }
                }])
            }
        }
    }

    /// The same without HTTP, where RBAC alone decides.
    pub(super) fn check_without_http(&self, question: &Question<'_>) -> Result<(), NoSuchCaller> {
        match &question.caller {
            RequestCaller::Anonymous => Ok(()),
            RequestCaller::Unvalidated => Err(NoSuchCaller::new(
                "without HTTP, RBAC takes an unvalidated certificate for what it says",
                ASK_WITH_NAMES,
            )),
            RequestCaller::Certificate { .. } => self.check_asked_for(question),
        }
    }

    /// Refuses a caller with a certificate where no proxy asks for one.
    fn check_asked_for(&self, question: &Question<'_>) -> Result<(), NoSuchCaller> {
        let gateways = self.gateways();
        let name = question.name_in_tls();
        let asks = gateways
            .iter()
            .any(|gateway| gateway.asks_for_certificates(name.as_deref()));
        match &*gateways {
            [first, ..] if !asks => Err(NoSuchCaller::new(
                format!(
                    "gateway `{}` asks clients for no certificate (`tls.mode: Simple`), so every client is anonymous there",
                    first.name()
                ),
                "ask with `anonymous`, or set `tls.mode: Mutual` in the `Mesh`",
            )),
            _ => Ok(()),
        }
    }

    /// Refuses an unvalidated certificate where none reaches the rules, or where it counts as validated.
    fn check_unvalidated(&self, question: &Question<'_>) -> Result<(), NoSuchCaller> {
        self.check_asked_for(question)?;
        let proxy = ProxyDescription {
            kind: ProxyKind::Unknown,
            namespace: None,
            label: |key: &str| self.label(key),
        };
        match self.policy().certificate_validation(&proxy) {
            CertificateValidation::Required => Ok(()),
            CertificateValidation::WhereReported if self.mesh().reports_validation() => Ok(()),
            CertificateValidation::WhereReported => Err(NoSuchCaller::new(
                "before Istio 1.31, gateways do not report whether they have validated a certificate, so each counts as \
                 validated",
                ASK_WITH_NAMES,
            )),
            CertificateValidation::ByListener if self.is_at_gateway() => Err(NoSuchCaller::new(
                "the gateway refuses certificates that it cannot validate in the TLS handshake",
                "if something other than the `Mesh` makes it accept them, set `unvalidatedCertificates: true` for the gateway",
            )),
            CertificateValidation::ByListener => Err(NoSuchCaller::new(
                "sidecars refuse certificates that they cannot validate in the TLS handshake",
                "ask about a policy for gateways",
            )),
        }
    }

    fn is_of_mesh(&self, caller: &RequestCaller) -> bool {
        match caller.peer() {
            PeerIdentity::Verified(id) => self.mesh().trust_domains().contains(id.trust_domain()),
            PeerIdentity::Absent | PeerIdentity::Unvalidated | PeerIdentity::Malformed => false,
        }
    }

    /// The gateways of the `Mesh` that the request goes to.
    fn gateways(&self) -> Vec<&Gateway> {
        self.set().gateways_named_by(self.target())
    }
}
