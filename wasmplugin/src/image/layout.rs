//! Image ↔ OCI image layout (OCI image spec, "Image Layout"), as a tar archive.

use std::collections::BTreeMap;
use std::io::{self, Read};

use oci_client::manifest::{OCI_IMAGE_INDEX_MEDIA_TYPE, OciDescriptor};
use serde::{Deserialize, Serialize};
use tar::Archive;
use thiserror::Error;

use super::{Image, canonical, digest, layer};

/// The file with the version of the layout.
const LAYOUT_FILE: (&str, &[u8]) = ("oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#);

/// The file that lists the manifests.
const INDEX_FILE: &str = "index.json";

/// The folder of blobs, which are named by their digest without the algorithm.
const BLOBS: &str = "blobs/sha256/";

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Index {
    schema_version: u8,
    #[serde(default)]
    media_type: Option<String>,
    manifests: Vec<OciDescriptor>,
}

/// Why an archive is not an image.
#[derive(Debug, Error)]
pub(crate) enum InvalidLayout {
    #[error("it is not a tar archive")]
    Tar(#[from] io::Error),
    #[error("`{0}` is missing")]
    Missing(String),
    #[error("invalid `{INDEX_FILE}`: {0}")]
    Index(#[from] serde_json::Error),
    #[error("`{INDEX_FILE}` lists no image")]
    NoImage,
    #[error("the content of `{0}` does not match its digest")]
    Digest(String),
}

/// The archive of an image.
pub(crate) fn to_tar(image: &Image) -> Result<Vec<u8>, serde_json::Error> {
    let index = canonical(&Index {
        schema_version: 2,
        media_type: Some(OCI_IMAGE_INDEX_MEDIA_TYPE.to_owned()),
        manifests: image.manifests.clone(),
    })?;
    let blobs: Vec<_> = image
        .blobs
        .iter()
        .map(|(digest, content)| (digest.replacen("sha256:", BLOBS, 1), content))
        .collect();
    let files = [LAYOUT_FILE, (INDEX_FILE, &index)];
    let blobs = blobs.iter().map(|(name, content)| (&**name, &***content));
    Ok(layer::archive(files.into_iter().chain(blobs)))
}

/// The image of an archive.
pub(crate) fn from_tar(archive: &[u8]) -> Result<Image, InvalidLayout> {
    let mut files = BTreeMap::new();
    for entry in Archive::new(archive).entries()? {
        let mut entry = entry?;
        let name = entry.path()?.to_string_lossy().into_owned();
        let mut content = Vec::new();
        entry.read_to_end(&mut content)?;
        files.insert(name, content);
    }
    let missing = |name: &str| InvalidLayout::Missing(name.to_owned());
    if !files.contains_key(LAYOUT_FILE.0) {
        return Err(missing(LAYOUT_FILE.0));
    }
    let index = files.get(INDEX_FILE).ok_or_else(|| missing(INDEX_FILE))?;
    let index: Index = serde_json::from_slice(index)?;
    if index.manifests.is_empty() {
        return Err(InvalidLayout::NoImage);
    }
    let mut blobs = BTreeMap::new();
    for (name, content) in files {
        let Some(hex) = name.strip_prefix(BLOBS) else {
            continue;
        };
        let named = format!("sha256:{hex}");
        if digest(&content) != named {
            return Err(InvalidLayout::Digest(name));
        }
        blobs.insert(named, content);
    }
    for manifest in &index.manifests {
        if !blobs.contains_key(&manifest.digest) {
            return Err(InvalidLayout::Missing(manifest.digest.clone()));
        }
    }
    Ok(Image {
        manifests: index.manifests,
        blobs,
    })
}
