//! The callers' certificates, created on first use.

use std::collections::HashMap;

use peergate_sandbox::{Authority, Identity, Leaf};
use peergate_tests::random::Names;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// A CA, and the certificates it has issued.
pub(crate) struct Callers {
    pub(crate) authority: Authority,
    issued: HashMap<Names, Identity>,
}

impl Callers {
    pub(crate) fn new() -> Self {
        Self {
            authority: Authority::new().unwrap(),
            issued: HashMap::new(),
        }
    }

    /// The certificate with these names; `None` for a caller without one.
    pub(crate) fn certificate(
        &mut self,
        names: Option<&Names>,
    ) -> Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)> {
        let names = names?;
        let authority = &self.authority;
        let identity = self.issued.entry(names.clone()).or_insert_with(|| {
            let names = names.clone();
            let leaf = Leaf {
                uri_sans: names.uris,
                dns_sans: names.dns,
                email_sans: names.emails,
                ip_sans: names.ips,
                subject: names
                    .common_name
                    .map(|name| ("CN".to_owned(), name))
                    .into_iter()
                    .collect(),
                ..Leaf::default()
            };
            authority.issue(&leaf).unwrap()
        });
        Some((identity.chain.clone(), identity.key.clone_key()))
    }
}
