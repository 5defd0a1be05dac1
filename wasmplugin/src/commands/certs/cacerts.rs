//! What Istio's CA takes when it starts, as files and as a Secret (Istio, "Plug in CA Certificates").

use std::collections::BTreeMap;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use peergate_fault::Failure;
use serde::Serialize;

use crate::certificates::read::{self, CA_CERT, CA_KEY, CERT_CHAIN, Chain, ROOT_CERT, ReadError};
use crate::input::bytes;
use crate::output;

/// The CA's own certificate and key, and what goes to workloads with theirs.
#[derive(Clone, Debug)]
pub(super) struct PluggedIn {
    pub(super) ca_cert: String,
    pub(super) ca_key: String,
    /// From the CA's own to the root.
    pub(super) cert_chain: String,
    /// All that workloads trust.
    pub(super) root_cert: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Secret<'s> {
    api_version: &'static str,
    kind: &'static str,
    metadata: Metadata<'s>,
    #[serde(rename = "type")]
    kind_of_data: &'static str,
    data: BTreeMap<&'s str, String>,
}

#[derive(Serialize)]
struct Metadata<'s> {
    name: &'static str,
    namespace: &'s str,
}

impl PluggedIn {
    /// Reads what [`PluggedIn::write`] has written.
    pub(super) fn read(folder: &Path) -> Result<Self, Failure> {
        Ok(Self {
            ca_cert: text(folder, CA_CERT)?,
            ca_key: text(folder, CA_KEY)?,
            cert_chain: text(folder, CERT_CHAIN)?,
            root_cert: text(folder, ROOT_CERT)?,
        })
    }

    /// What is wrong with certificates is found in these.
    pub(super) fn chains(&self) -> Result<Vec<Chain>, ReadError> {
        read::of_files(
            &self
                .files()
                .map(|(name, text)| (name, text.clone().into_bytes())),
        )
    }

    fn files(&self) -> [(&'static str, &String); 4] {
        [
            (CA_CERT, &self.ca_cert),
            (CA_KEY, &self.ca_key),
            (CERT_CHAIN, &self.cert_chain),
            (ROOT_CERT, &self.root_cert),
        ]
    }

    /// Writes the files into a folder that is there, and the Secret with all of them.
    pub(super) fn write(&self, folder: &Path, namespace: &str) -> Result<(), Failure> {
        let files = self.files();
        let data = files.map(|(name, content)| (name, STANDARD.encode(content)));
        let secret = output::yaml(&Secret {
            api_version: "v1",
            kind: "Secret",
            metadata: Metadata {
                name: "cacerts",
                namespace,
            },
            kind_of_data: "Opaque",
            data: data.into(),
        })?;
        let files: Vec<_> = files
            .iter()
            .chain([&("cacerts.yaml", &secret)])
            .map(|(name, content)| (*name, content.as_bytes()))
            .collect();
        Ok(output::create_private(folder, &files)?)
    }
}

/// A text file.
pub(super) fn text(folder: &Path, name: &str) -> Result<String, Failure> {
    let content = bytes(&folder.join(name))?;
    Ok(String::from_utf8_lossy(&content).into_owned())
}
