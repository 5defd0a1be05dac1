//! The callers' certificates, made when they are first needed.

use std::collections::HashMap;

use peergate_sandbox::{Authority, Identity, Leaf};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// An authority, and what it has issued.
pub(crate) struct Callers {
    pub(crate) authority: Authority,
    issued: HashMap<Vec<u8>, Identity>,
}

impl Callers {
    pub(crate) fn new() -> Self {
        Self {
            authority: Authority::new().unwrap(),
            issued: HashMap::new(),
        }
    }

    /// The certificate with these URI names, separated by commas; none for a caller without.
    pub(crate) fn certificate(
        &mut self,
        names: Option<&[u8]>,
    ) -> Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)> {
        let names = names?;
        let authority = &self.authority;
        let identity = self.issued.entry(names.to_vec()).or_insert_with(|| {
            let names = std::str::from_utf8(names).unwrap();
            authority.issue(&Leaf::uris(names.split(','))).unwrap()
        });
        Some((identity.chain.clone(), identity.key.clone_key()))
    }
}
