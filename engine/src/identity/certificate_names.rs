//! Turns the names in a certificate into the identity that a proxy sees.

use super::{ClientCertificate, NameKind, PeerIdentity, SCHEME};

/// The names in a certificate of any issuer. May be empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CertificateNames(Vec<(NameKind, Box<str>)>);

impl CertificateNames {
    /// The certificate with these names.
    pub fn new<N: Into<Box<str>>>(names: impl IntoIterator<Item = (NameKind, N)>) -> Self {
        let names = names.into_iter();
        Self(names.map(|(kind, name)| (kind, name.into())).collect())
    }

    /// The mesh identity as seen by a filter with access to the whole certificate: the only name
    /// that Envoy's RBAC reads as a SPIFFE ID, if it is a URI.
    pub fn peer(&self) -> PeerIdentity<'_> {
        let is_id = |(kind, name): &&(NameKind, Box<str>)| match kind {
            NameKind::Uri => true,
            NameKind::Dns => name.starts_with(SCHEME),
            NameKind::Subject => false,
        };
        match (self.first_uri(), self.0.iter().filter(is_id).count()) {
            (Some(uri), 1) => PeerIdentity::from_uri_san(Some(uri.as_bytes())),
            _ => PeerIdentity::Malformed,
        }
    }

    /// The mesh identity as seen by a filter with access to only the first URI: before Envoy 1.38.
    pub fn peer_by_first_uri(&self) -> PeerIdentity<'_> {
        match self.first_uri() {
            Some(uri) => PeerIdentity::from_uri_san(Some(uri.as_bytes())),
            None => PeerIdentity::Malformed,
        }
    }

    /// The certificate as a client certificate from outside the mesh. `None` if its names are not
    /// usable.
    pub fn client_certificate(&self) -> Option<ClientCertificate> {
        let names = self.0.iter();
        ClientCertificate::new(names.map(|(kind, name)| (*kind, name.as_bytes())))
    }

    fn first_uri(&self) -> Option<&str> {
        let mut names = self.0.iter();
        names.find_map(|(kind, name)| (*kind == NameKind::Uri).then_some(&**name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::SpiffeId;

    #[test]
    fn uses_the_only_name_that_looks_like_an_id() {
        use NameKind::{Dns, Subject, Uri};
        const WEB: &str = "spiffe://td/ns/shop/sa/web";
        let web = PeerIdentity::Verified(SpiffeId::parse(WEB.as_bytes()).unwrap());
        let malformed = PeerIdentity::Malformed;
        for (names, peer, by_first_uri) in [
            (&[][..], malformed, malformed),
            (&[(Uri, WEB)], web, web),
            (&[(Dns, "web.shop"), (Uri, WEB), (Subject, WEB)], web, web),
            (&[(Uri, WEB), (Uri, "urn:a")], malformed, web),
            (&[(Uri, WEB), (Dns, WEB)], malformed, web),
            (&[(Uri, "urn:a"), (Uri, WEB)], malformed, malformed),
            (&[(Dns, WEB)], malformed, malformed),
            (&[(Dns, "web.shop")], malformed, malformed),
            (&[(Subject, "CN=web")], malformed, malformed),
        ] {
            let certificate = CertificateNames::new(names.iter().copied());
            assert_eq!(certificate.peer(), peer, "{names:?}");
            assert_eq!(certificate.peer_by_first_uri(), by_first_uri, "{names:?}");
        }
    }
}
