//! Where client certificates come from outside the mesh, and whether they are validated.
//!
//! A sidecar rejects invalid certificates in the handshake, so a filter in it only sees valid ones.
//! A gateway may accept certificates that it could not validate (Envoy's `trust_chain_verification:
//! ACCEPT_UNTRUSTED`, the Gateway API's `AllowInsecureFallback`). Such a certificate can contain
//! any name, so it must not count as an identity.

/// A gateway in the documents: its pods, as `NAMESPACE/KEY=VALUE,KEY=VALUE`. The prefix
/// `unvalidated:` marks gateways whose listeners may accept client certificates without validation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownGateway {
    text: Box<str>,
}

const UNVALIDATED: &str = "unvalidated:";

impl KnownGateway {
    /// Parses a gateway; `None` if the text has another form.
    pub fn parse(text: &str) -> Option<Self> {
        let pods = text.strip_prefix(UNVALIDATED).unwrap_or(text);
        let (namespace, labels) = pods.split_once('/')?;
        let is_label = |label: &str| {
            label
                .split_once('=')
                .is_some_and(|(key, _)| !key.is_empty())
        };
        (!namespace.is_empty() && labels.split(',').all(is_label))
            .then(|| Self { text: text.into() })
    }

    /// The text for the pods of `namespace` with all these labels.
    pub fn text<'l>(
        namespace: &str,
        labels: impl IntoIterator<Item = (&'l String, &'l String)>,
        accepts_unvalidated: bool,
    ) -> String {
        let labels: Vec<_> = labels
            .into_iter()
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        let start = if accepts_unvalidated { UNVALIDATED } else { "" };
        format!("{start}{namespace}/{}", labels.join(","))
    }

    /// Whether the gateway forwards client certificates that it has not validated.
    pub fn accepts_unvalidated(&self) -> bool {
        self.text.starts_with(UNVALIDATED)
    }

    /// The namespace and the labels.
    fn pods(&self) -> (&str, &str) {
        let pods = self.text.strip_prefix(UNVALIDATED).unwrap_or(&self.text);
        pods.split_once('/').unwrap_or_default()
    }
}

/// How a filter learns whether a client certificate was validated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum CertificateValidation {
    /// The listener rejects invalid certificates, so there is nothing to check.
    #[default]
    ByListener,
    /// The proxy reports it. If it cannot, the certificate counts as validated.
    WhereReported,
    /// The proxy reports it. If it cannot, the certificate counts as not validated.
    Required,
}

/// The kind of proxy that a filter runs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProxyKind {
    /// A sidecar, or a waypoint, whose TLS ends in another listener.
    Inside,
    /// An Istio gateway.
    Gateway,
    /// Not an Istio proxy.
    Unknown,
}

/// A proxy's description of itself.
#[derive(Clone, Debug)]
pub struct ProxyDescription<L> {
    /// The kind of proxy.
    pub kind: ProxyKind,
    /// The namespace of its pod, if known.
    pub namespace: Option<String>,
    /// Looks up a label of its pod.
    pub label: L,
}

impl ProxyKind {
    /// Reads the kind from the ID of the proxy's node; in Istio it is `TYPE~ADDRESS~POD~DOMAIN`.
    pub fn from_node_id(id: &[u8]) -> Self {
        if id.starts_with(b"router~") {
            Self::Gateway
        } else if id.starts_with(b"sidecar~") || id.starts_with(b"waypoint~") {
            Self::Inside
        } else {
            Self::Unknown
        }
    }
}

impl<L: Fn(&str) -> Option<String>> ProxyDescription<L> {
    /// How the filter in this proxy learns whether a client certificate was validated.
    /// `is_for_gateways` tells whether its policy is only for gateways.
    pub(crate) fn certificate_validation(
        &self,
        known: &[KnownGateway],
        is_for_gateways: bool,
    ) -> CertificateValidation {
        let is_gateway = match self.kind {
            ProxyKind::Inside => return CertificateValidation::ByListener,
            ProxyKind::Gateway => true,
            ProxyKind::Unknown => is_for_gateways,
        };
        let (mut is_known, mut accepts_unvalidated) = (false, false);
        for gateway in known.iter().filter(|gateway| self.may_be(gateway)) {
            is_known = true;
            accepts_unvalidated |= gateway.accepts_unvalidated();
        }
        if accepts_unvalidated {
            CertificateValidation::Required
        } else if is_gateway && !is_known {
            CertificateValidation::WhereReported
        } else {
            CertificateValidation::ByListener
        }
    }

    /// Whether the proxy may be the gateway. An Istio proxy knows its labels. Others may not, and
    /// then count as the gateway.
    fn may_be(&self, gateway: &KnownGateway) -> bool {
        let (namespace, labels) = gateway.pods();
        let has = |label: &str| {
            let (key, value) = label.split_once('=').unwrap_or_default();
            match (self.label)(key) {
                Some(known) => known == value,
                None => self.kind == ProxyKind::Unknown,
            }
        };
        let own = self.namespace.as_ref();
        own.is_none_or(|own| own == namespace) && labels.split(',').all(has)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_its_own_output() {
        let labels = [
            ("a".to_owned(), "b".to_owned()),
            (
                "gateway.networking.k8s.io/gateway-name".to_owned(),
                "public".to_owned(),
            ),
        ];
        let labels = || labels.iter().map(|(key, value)| (key, value));
        for accepts_unvalidated in [false, true] {
            let text = KnownGateway::text("edge", labels(), accepts_unvalidated);
            let gateway = KnownGateway::parse(&text).unwrap();
            assert_eq!(gateway.accepts_unvalidated(), accepts_unvalidated);
            let pods = ("edge", "a=b,gateway.networking.k8s.io/gateway-name=public");
            assert_eq!(gateway.pods(), pods);
        }
    }

    #[test]
    fn rejects_other_texts() {
        for text in [
            "",
            "edge",
            "edge/",
            "/a=b",
            "edge/a",
            "edge/=b",
            "edge/a=b,",
            "edge/a=b,c",
            "unvalidated:",
            "unvalidated:/a=b",
        ] {
            assert_eq!(KnownGateway::parse(text), None, "{text}");
        }
    }

    #[test]
    fn reads_the_proxy_kind_from_the_node_id() {
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
    fn only_gateways_check_validation() {
        use CertificateValidation::{ByListener, Required, WhereReported};
        use ProxyKind::{Gateway, Inside, Unknown};
        let known = ["edge/istio=public", "unvalidated:edge/istio=open"]
            .map(|text| KnownGateway::parse(text).unwrap());
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
