//! What Istio's CA takes when it starts, as files and as a Secret (Istio, "Plug in CA Certificates").

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use super::authority::{Authority, AuthorityError, chain, intermediate};
use super::read::{self, CA_CERT, CA_KEY, CERT_CHAIN, Chain, ROOT_CERT, ReadError};

/// The CA's own certificate and key, and what goes to workloads with theirs. All of it is PEM.
#[derive(Clone, Debug)]
pub struct PluggedIn {
    ca_cert: String,
    ca_key: String,
    /// From the CA's own to the root.
    cert_chain: String,
    /// All that workloads trust.
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
    /// A new intermediate of `root` for a cluster of the trust domain, good for this time.
    pub fn of_cluster(
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

    /// Reads what [`PluggedIn::files`] gives: `text` has the text of each file, by its name.
    pub fn read<E>(text: impl Fn(&str) -> Result<String, E>) -> Result<Self, E> {
        Ok(Self {
            ca_cert: text(CA_CERT)?,
            ca_key: text(CA_KEY)?,
            cert_chain: text(CERT_CHAIN)?,
            root_cert: text(ROOT_CERT)?,
        })
    }

    /// The same where workloads trust these roots.
    pub(super) fn trusting(self, roots: &str) -> Self {
        Self {
            root_cert: roots.to_owned(),
            ..self
        }
    }

    /// What is wrong with certificates is found in these.
    pub(super) fn chains(&self) -> Result<Vec<Chain>, ReadError> {
        let files = self.files();
        read::of_files(&files.map(|(name, text)| (name, text.as_bytes().to_vec())))
    }

    /// The files, each by its name.
    pub fn files(&self) -> [(&'static str, &str); 4] {
        [
            (CA_CERT, &self.ca_cert),
            (CA_KEY, &self.ca_key),
            (CERT_CHAIN, &self.cert_chain),
            (ROOT_CERT, &self.root_cert),
        ]
    }

    /// The Secret with all files, for istiod in this namespace.
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
