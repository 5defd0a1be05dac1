//! The input of Istio's CA, as files and as a Secret (Istio, "Plug in CA Certificates").

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use super::authority::{Authority, AuthorityError, chain, intermediate};
use super::read::{self, CA_CERT, CA_KEY, CERT_CHAIN, Chain, ROOT_CERT, ReadError};

/// The CA certificate and key, its chain and the trust bundle, all in PEM.
#[derive(Clone, Debug)]
pub struct PluggedIn {
    ca_cert: String,
    ca_key: String,
    /// The chain from the CA certificate to the root.
    cert_chain: String,
    /// The roots that workloads trust.
    pub(super) root_cert: String,
}

/// The Secret that istiod reads.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Secret {
    api_version: &'static str,
    kind: &'static str,
    metadata: Metadata,
    #[serde(rename = "type")]
    kind_of_data: &'static str,
    data: BTreeMap<&'static str, String>,
}

#[derive(Debug, Serialize)]
struct Metadata {
    name: &'static str,
    namespace: String,
}

impl PluggedIn {
    /// Creates an intermediate of `root` for a cluster.
    pub fn new_intermediate(
        root: Authority,
        trust_domain: &str,
        cluster: &str,
        lifetime: Duration,
        now: SystemTime,
    ) -> Result<Self, AuthorityError> {
        let own = intermediate(&root, trust_domain, cluster, lifetime, now)?;
        Ok(Self {
            cert_chain: chain(&own, &root),
            ca_cert: own.certificate_pem,
            ca_key: own.key_pem,
            root_cert: root.certificate_pem,
        })
    }

    /// Reads the files of [`PluggedIn::files`]. `text` reads a file by name.
    pub fn read<E>(text: impl Fn(&str) -> Result<String, E>) -> Result<Self, E> {
        Ok(Self {
            ca_cert: text(CA_CERT)?,
            ca_key: text(CA_KEY)?,
            cert_chain: text(CERT_CHAIN)?,
            root_cert: text(ROOT_CERT)?,
        })
    }

    /// Replaces the trusted roots.
    pub(super) fn trusting(self, roots: &str) -> Self {
        Self {
            root_cert: roots.to_owned(),
            ..self
        }
    }

    /// The certificate chains to check.
    pub(super) fn chains(&self) -> Result<Vec<Chain>, ReadError> {
        let files = self.files();
        read::from_files(&files.map(|(name, text)| (name, text.as_bytes().to_vec())))
    }

    /// The files by name.
    pub fn files(&self) -> [(&'static str, &str); 4] {
        [
            (CA_CERT, &self.ca_cert),
            (CA_KEY, &self.ca_key),
            (CERT_CHAIN, &self.cert_chain),
            (ROOT_CERT, &self.root_cert),
        ]
    }

    /// The Secret for istiod in this namespace.
    pub fn secret(&self, namespace: &str) -> Secret {
        let data = self.files();
        Secret {
            api_version: "v1",
            kind: "Secret",
            metadata: Metadata {
                name: "cacerts",
                namespace: namespace.to_owned(),
            },
            kind_of_data: "Opaque",
            data: data
                .map(|(name, text)| (name, STANDARD.encode(text)))
                .into(),
        }
    }
}
