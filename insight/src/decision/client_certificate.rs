//! Checks whether a caller's client certificate can reach the workload, and notes assumptions about it.

use policy_schema::identity::PeerIdentity;
use policy_schema::plugin_config::{CertificateValidation, ProxyDescription, ProxyKind};
use policy_schema::policy::Gateway;

use super::caller::RequestCaller;
use super::decider::Decider;
use super::question::Question;
use super::unanswerable::NoSuchCaller;

const ASK_WITH_NAMES: &str = "use the certificate's names instead, such as `dns:NAME`";

impl Decider<'_> {
    /// Notes about the answer to an HTTP request of this caller.
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
                    "RBAC trusts the names of an unvalidated certificate; only the filter treats the caller as anonymous",
                ])
            }
            RequestCaller::Certificate { is_hidden, .. } => {
                self.check_asked_for(question)?;
                if self.is_of_mesh(caller) {
                    return Ok(Vec::new());
                }
                Ok(vec![match (self.is_at_gateway(), *is_hidden) {
                    (false, _) => {
                        "sidecars reject certificates from outside the mesh in the TLS handshake; this is the filter's \
                         decision if a proxy accepts one"
                    }
                    (true, true) => {
                        "before Istio 1.30, gateways do not expose the whole client certificate to filters, so filters \
                         deny certificates from outside the mesh"
                    }
                    (true, false) if !self.accepts_client_certificates() => {
                        "a policy with `otherwise: Pass` that is not only for gateways denies every certificate from \
                         outside the mesh here"
                    }
                    (true, false) => {
                        "the certificate is assumed to be validated by the gateway; use `unvalidated` for one that is not"
                    }
                }])
            }
        }
    }

    /// Checks the caller of a connection without HTTP, where only RBAC decides.
    pub(super) fn check_without_http(&self, question: &Question<'_>) -> Result<(), NoSuchCaller> {
        match &question.caller {
            RequestCaller::Anonymous => Ok(()),
            RequestCaller::Unvalidated => Err(NoSuchCaller::new(
                "without HTTP, RBAC trusts the names of an unvalidated certificate",
                ASK_WITH_NAMES,
            )),
            RequestCaller::Certificate { .. } => self.check_asked_for(question),
        }
    }

    /// Rejects a caller with a certificate if no proxy requests one.
    fn check_asked_for(&self, question: &Question<'_>) -> Result<(), NoSuchCaller> {
        let gateways = self.gateways();
        let name = question.name_in_tls();
        let asks = gateways
            .iter()
            .any(|gateway| gateway.asks_for_certificates(name.as_deref()));
        match &*gateways {
            [first, ..] if !asks => Err(NoSuchCaller::new(
                format!(
                    "gateway `{}` does not request client certificates (`tls.mode: Simple`), so every client is anonymous there",
                    first.name()
                ),
                "use `anonymous`, or set `tls.mode: Mutual` in the `Mesh`",
            )),
            _ => Ok(()),
        }
    }

    /// Rejects an unvalidated certificate if none reaches the rules, or if it counts as validated.
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
                "before Istio 1.31, gateways do not report whether they have validated a certificate, so every certificate \
                 counts as validated",
                ASK_WITH_NAMES,
            )),
            CertificateValidation::ByListener if self.is_at_gateway() => Err(NoSuchCaller::new(
                "the gateway rejects certificates that it cannot validate in the TLS handshake",
                "if the gateway is configured elsewhere to accept them, set its `unvalidatedCertificates: true`",
            )),
            CertificateValidation::ByListener => Err(NoSuchCaller::new(
                "sidecars reject certificates that they cannot validate in the TLS handshake",
                "use a policy for gateways",
            )),
        }
    }

    fn is_of_mesh(&self, caller: &RequestCaller) -> bool {
        match caller.peer() {
            PeerIdentity::Verified(id) => self.mesh().trust_domains().contains(id.trust_domain()),
            PeerIdentity::Absent | PeerIdentity::Unvalidated | PeerIdentity::Malformed => false,
        }
    }

    /// The gateways of the `Mesh` that receive the request.
    fn gateways(&self) -> Vec<&Gateway> {
        self.set().gateways_named_by(self.target())
    }
}
