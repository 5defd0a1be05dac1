//! Where client certificates come from outside the mesh, and who has validated them.
//!
//! A sidecar refuses a bad certificate in the handshake, so every certificate that a filter sees
//! there is good. A gateway may accept certificates that it could not validate (Envoy's
//! `trust_chain_verification: ACCEPT_UNTRUSTED`, the Gateway API's `AllowInsecureFallback`). Such a
//! certificate names anybody its holder likes, so it must not count as an identity.

use std::fmt;

/// The pods of a gateway that the documents declare, as `NAMESPACE/KEY=VALUE,KEY=VALUE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GatewayPods {
    text: Box<str>,
}

impl GatewayPods {
    /// Reads them; none where the text has another form.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (namespace, labels) = text.split_once('/')?;
        let is_label = |label: &str| {
            label
                .split_once('=')
                .is_some_and(|(key, _)| !key.is_empty())
        };
        (!namespace.is_empty() && labels.split(',').all(is_label))
            .then(|| Self { text: text.into() })
    }

    /// The pods of `namespace` that have all these labels.
    #[cfg(feature = "authoring")]
    pub(crate) fn new<'l>(
        namespace: &str,
        labels: impl IntoIterator<Item = (&'l String, &'l String)>,
    ) -> Self {
        let labels: Vec<_> = labels
            .into_iter()
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        Self {
            text: format!("{namespace}/{}", labels.join(",")).into(),
        }
    }

    fn namespace(&self) -> &str {
        self.text.split('/').next().unwrap_or_default()
    }

    fn labels(&self) -> impl Iterator<Item = (&str, &str)> {
        let (_, labels) = self.text.split_once('/').unwrap_or_default();
        labels.split(',').filter_map(|label| label.split_once('='))
    }
}

impl fmt::Display for GatewayPods {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The gateways that the documents declare, by what becomes of client certificates there.
#[derive(Clone, Debug, Default)]
pub(crate) struct KnownGateways {
    /// Their listeners refuse what they cannot validate.
    pub(crate) validating: Vec<GatewayPods>,
    /// Their listeners may accept it.
    pub(crate) unvalidating: Vec<GatewayPods>,
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
    pub(crate) fn certificate_validation(
        &self,
        known: &KnownGateways,
        is_for_gateways: bool,
    ) -> CertificateValidation {
        let is_gateway = match self.kind {
            ProxyKind::Inside => return CertificateValidation::ByListener,
            ProxyKind::Gateway => true,
            ProxyKind::Unknown => is_for_gateways,
        };
        let is_among = |gateways: &[GatewayPods]| gateways.iter().any(|pods| self.may_be(pods));
        if is_among(&known.unvalidating) {
            CertificateValidation::Required
        } else if is_gateway && !is_among(&known.validating) {
            CertificateValidation::WhereReported
        } else {
            CertificateValidation::ByListener
        }
    }

    /// Whether the proxy is one of these. A proxy of Istio's knows its labels; of any other nothing may
    /// be known, and then it counts as one.
    fn may_be(&self, pods: &GatewayPods) -> bool {
        let has = |key: &str, value: &str| match (self.label)(key) {
            Some(known) => known == value,
            None => self.kind == ProxyKind::Unknown,
        };
        let namespace = self.namespace.as_ref();
        namespace.is_none_or(|namespace| namespace == pods.namespace())
            && pods.labels().all(|(key, value)| has(key, value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pods_are_read_as_they_are_written() {
        for text in [
            "edge/istio=ingressgateway",
            "edge/app=,gateway.networking.k8s.io/gateway-name=public",
        ] {
            assert_eq!(GatewayPods::parse(text).unwrap().to_string(), text);
        }
        let pods = GatewayPods::parse("edge/gateway.networking.k8s.io/gateway-name=public,a=b");
        let pods = pods.unwrap();
        assert_eq!(pods.namespace(), "edge");
        let labels = [
            ("gateway.networking.k8s.io/gateway-name", "public"),
            ("a", "b"),
        ];
        assert!(pods.labels().eq(labels));
    }

    #[test]
    fn no_other_text_is_a_gateway() {
        for text in [
            "",
            "edge",
            "edge/",
            "/a=b",
            "edge/a",
            "edge/=b",
            "edge/a=b,",
            "edge/a=b,c",
        ] {
            assert_eq!(GatewayPods::parse(text), None, "{text}");
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
        let pods = |text: &str| vec![GatewayPods::parse(text).unwrap()];
        let known = KnownGateways {
            validating: pods("edge/istio=public"),
            unvalidating: pods("edge/istio=open"),
        };
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
