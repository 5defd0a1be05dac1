//! Where client certificates come from outside the mesh, and who has validated them.
//!
//! A sidecar refuses a bad certificate in the handshake, so every certificate that a filter sees
//! there is good. A gateway may accept certificates that it could not validate (Envoy's
//! `trust_chain_verification: ACCEPT_UNTRUSTED`, the Gateway API's `AllowInsecureFallback`). Such a
//! certificate names anybody its holder likes, so it must not count as an identity.

use std::collections::BTreeMap;

#[cfg(feature = "authoring")]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The pods of a gateway that the documents declare.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "authoring", derive(JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KnownGateway {
    /// The namespace of its pods.
    pub namespace: String,
    /// The labels that all its pods have. Never empty.
    pub match_labels: BTreeMap<String, String>,
    /// Whether its listeners may accept client certificates that they have not validated.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unvalidated_certificates: bool,
}

/// How a filter learns whether the client's certificate was validated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum CertificateValidation {
    /// The listener refuses what it cannot validate, so there is nothing to ask.
    #[default]
    ByListener,
    /// The proxy is asked. Where it cannot answer, the certificate counts as validated.
    WhereReported,
    /// The proxy is asked. Where it cannot answer, the certificate counts as not validated.
    Required,
}

/// What kind of proxy a filter runs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProxyKind {
    /// A workload's own proxy, or a waypoint, whose TLS ends in another listener.
    Inside,
    /// A gateway of Istio's.
    Gateway,
    /// Not one of Istio's.
    Unknown,
}

/// What a proxy says about itself.
#[derive(Clone, Debug)]
pub struct ProxyDescription<L> {
    /// Its kind.
    pub kind: ProxyKind,
    /// The namespace of its pod, if known.
    pub namespace: Option<String>,
    /// The value of one of its pod's labels, if known.
    pub label: L,
}

impl ProxyKind {
    /// Reads the kind from the ID of the proxy's node, which begins with it in Istio
    /// (`TYPE~ADDRESS~POD~DOMAIN`).
    pub fn from_node_id(id: &[u8]) -> Self {
        match id.split(|&byte| byte == b'~').next() {
            Some(b"sidecar" | b"waypoint" | b"ztunnel") if id.contains(&b'~') => Self::Inside,
            Some(b"router") if id.contains(&b'~') => Self::Gateway,
            _ => Self::Unknown,
        }
    }
}

impl<L: Fn(&str) -> Option<String>> ProxyDescription<L> {
    /// How the filter in this proxy learns whether a client's certificate was validated.
    /// `is_for_gateways` says whether its policy is for gateways only.
    pub fn certificate_validation(
        &self,
        known: &[KnownGateway],
        is_for_gateways: bool,
    ) -> CertificateValidation {
        let is_gateway = match self.kind {
            ProxyKind::Inside => return CertificateValidation::ByListener,
            ProxyKind::Gateway => true,
            ProxyKind::Unknown => is_for_gateways,
        };
        let mut here = known
            .iter()
            .filter(|gateway| self.may_be(gateway))
            .peekable();
        let is_known = here.peek().is_some();
        if here.any(|gateway| gateway.unvalidated_certificates) {
            CertificateValidation::Required
        } else if is_gateway && !is_known {
            CertificateValidation::WhereReported
        } else {
            CertificateValidation::ByListener
        }
    }

    /// Whether the proxy is one of the gateway's. A proxy of Istio's knows its labels; of any other
    /// nothing may be known, and then it counts as one.
    fn may_be(&self, gateway: &KnownGateway) -> bool {
        let has = |key: &str, value: &str| match (self.label)(key) {
            Some(known) => known == value,
            None => self.kind == ProxyKind::Unknown,
        };
        let mut labels = gateway.match_labels.iter();
        let is_in_namespace = self.namespace.as_ref();
        is_in_namespace.is_none_or(|namespace| *namespace == gateway.namespace)
            && labels.all(|(key, value)| has(key, value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gateway(value: &str, unvalidated_certificates: bool) -> KnownGateway {
        KnownGateway {
            namespace: "edge".to_owned(),
            match_labels: [("istio".to_owned(), value.to_owned())].into(),
            unvalidated_certificates,
        }
    }

    #[test]
    fn the_node_id_says_what_kind_of_proxy_it_is() {
        for (id, kind) in [
            (
                "sidecar~10.0.0.1~web-0.shop~shop.svc.cluster.local",
                ProxyKind::Inside,
            ),
            (
                "waypoint~10.0.0.1~waypoint-0.shop~shop.svc.cluster.local",
                ProxyKind::Inside,
            ),
            (
                "router~10.0.0.1~gateway-0.edge~edge.svc.cluster.local",
                ProxyKind::Gateway,
            ),
            ("router", ProxyKind::Unknown),
            ("sidecar", ProxyKind::Unknown),
            ("routers~10.0.0.1", ProxyKind::Unknown),
            ("inbound", ProxyKind::Unknown),
            ("", ProxyKind::Unknown),
        ] {
            assert_eq!(ProxyKind::from_node_id(id.as_bytes()), kind, "{id}");
        }
    }

    #[test]
    fn only_gateways_ask_whether_a_certificate_was_validated() {
        use CertificateValidation::{ByListener, Required, WhereReported};
        use ProxyKind::{Gateway, Inside, Unknown};
        let known = [gateway("public", false), gateway("open", true)];
        for (kind, namespace, label, is_for_gateways, expected) in [
            (Inside, Some("edge"), Some("open"), true, ByListener),
            (Gateway, Some("edge"), Some("public"), false, ByListener),
            (Gateway, Some("edge"), Some("open"), false, Required),
            (Gateway, None, Some("open"), false, Required),
            (Gateway, Some("other"), Some("open"), false, WhereReported),
            (Gateway, Some("edge"), Some("third"), true, WhereReported),
            (Gateway, Some("edge"), None, true, WhereReported),
            (Unknown, None, None, false, Required),
            (Unknown, None, None, true, Required),
            (Unknown, None, Some("third"), false, ByListener),
            (Unknown, None, Some("third"), true, WhereReported),
            (Unknown, None, Some("public"), true, ByListener),
        ] {
            let proxy = ProxyDescription {
                kind,
                namespace: namespace.map(str::to_owned),
                label: |_: &str| label.map(str::to_owned),
            };
            assert_eq!(
                proxy.certificate_validation(&known, is_for_gateways),
                expected,
                "{kind:?} {namespace:?} {label:?} {is_for_gateways}"
            );
        }
    }
}
