//! The filter as an OCI image: module and build info → image → layout, or a registry.
//!
//! Istio's agent fetches the filter for sidecars. It expects an OCI image of one platform whose last layer is a gzipped
//! tar with `plugin.wasm` (Istio, `pkg/wasm/imagefetcher.go`). The image has no times and a fixed order, so the same
//! module gives the same digest.
//!
//! Two more manifests refer to the image (OCI image spec 1.1, `subject`): a bill of materials as CycloneDX, and an
//! in-toto statement with a SLSA provenance. They are not signed.

mod build_info;
mod hash;
mod layer;
mod layout;
mod module;
mod provenance;
mod sbom;

use std::collections::BTreeMap;

use oci_client::manifest::{
    IMAGE_CONFIG_MEDIA_TYPE, IMAGE_LAYER_GZIP_MEDIA_TYPE, OCI_IMAGE_MEDIA_TYPE, OciDescriptor,
    OciImageManifest,
};
use serde::Serialize;
use serde_json::json;

pub(crate) use build_info::{BuildInfo, InvalidBuildInfo};
pub(crate) use hash::digest;
pub(crate) use layout::{InvalidLayout, from_tar, to_tar};
pub(crate) use module::{NotAModule, WASM_MAGIC};

/// The media type of a bill of materials.
const SBOM_MEDIA_TYPE: &str = "application/vnd.cyclonedx+json";

/// The media type of a provenance statement.
const PROVENANCE_MEDIA_TYPE: &str = "application/vnd.in-toto+json";

/// The media type of an empty config (OCI image spec, "Guidance for an Empty Descriptor").
const EMPTY_MEDIA_TYPE: &str = "application/vnd.oci.empty.v1+json";

/// An image, and the manifests that refer to it.
#[derive(Debug)]
pub(crate) struct Image {
    /// The manifest of the image, then those that refer to it.
    pub(crate) manifests: Vec<OciDescriptor>,
    /// All blobs by their digest, including manifests.
    pub(crate) blobs: BTreeMap<String, Vec<u8>>,
}

impl Image {
    /// The image of a module.
    pub(crate) fn from_module(module: &[u8], build: &BuildInfo) -> Result<Self, serde_json::Error> {
        let mut image = Self {
            manifests: Vec::new(),
            blobs: BTreeMap::new(),
        };
        let layer = layer::from_module(module);
        let config = json!({
            "architecture": "wasm",
            "os": "wasi",
            "config": {},
            "rootfs": {"type": "layers", "diff_ids": [layer.diff_id]},
            "history": [{"created_by": "peergate package"}],
        });
        let config = image.add(IMAGE_CONFIG_MEDIA_TYPE, serde_json::to_vec(&config)?);
        let layer = image.add(IMAGE_LAYER_GZIP_MEDIA_TYPE, layer.compressed);
        let of_image = image.add_manifest(OciImageManifest {
            annotations: Some(annotations(build)),
            ..manifest(config, layer)
        })?;
        let materials = sbom::from_module(module, build);
        let statement = provenance::for_image(module, &of_image.digest, build);
        image.manifests.push(of_image.clone());
        for (media_type, content) in [
            (SBOM_MEDIA_TYPE, materials),
            (PROVENANCE_MEDIA_TYPE, statement),
        ] {
            let config = image.add(EMPTY_MEDIA_TYPE, b"{}".to_vec());
            let content = image.add(media_type, serde_json::to_vec(&content)?);
            let referring = image.add_manifest(OciImageManifest {
                artifact_type: Some(media_type.to_owned()),
                subject: Some(of_image.clone()),
                ..manifest(config, content)
            })?;
            image.manifests.push(referring);
        }
        Ok(image)
    }

    /// The digest of the image's own manifest.
    pub(crate) fn digest(&self) -> Option<&str> {
        self.manifests.first().map(|manifest| &*manifest.digest)
    }

    /// The blobs that are not manifests.
    pub(crate) fn contents(&self) -> impl Iterator<Item = (&String, &Vec<u8>)> {
        let is_manifest = |digest: &str| {
            self.manifests
                .iter()
                .any(|manifest| manifest.digest == digest)
        };
        self.blobs
            .iter()
            .filter(move |(digest, _)| !is_manifest(digest))
    }

    fn add(&mut self, media_type: &str, content: Vec<u8>) -> OciDescriptor {
        let descriptor = OciDescriptor {
            media_type: media_type.to_owned(),
            digest: digest(&content),
            size: i64::try_from(content.len()).unwrap_or(i64::MAX),
            ..OciDescriptor::default()
        };
        self.blobs.insert(descriptor.digest.clone(), content);
        descriptor
    }

    fn add_manifest(
        &mut self,
        manifest: OciImageManifest,
    ) -> Result<OciDescriptor, serde_json::Error> {
        let descriptor = self.add(OCI_IMAGE_MEDIA_TYPE, canonical(&manifest)?);
        Ok(OciDescriptor {
            artifact_type: manifest.artifact_type,
            ..descriptor
        })
    }
}

fn manifest(config: OciDescriptor, layer: OciDescriptor) -> OciImageManifest {
    OciImageManifest {
        media_type: Some(OCI_IMAGE_MEDIA_TYPE.to_owned()),
        config,
        layers: vec![layer],
        ..OciImageManifest::default()
    }
}

/// Annotations that registries show.
fn annotations(build: &BuildInfo) -> BTreeMap<String, String> {
    let version = build.version().unwrap_or_default();
    [
        ("title", "Peergate filter"),
        ("licenses", "Apache-2.0"),
        ("source", &build.source),
        ("version", version),
    ]
    .map(|(key, value)| (format!("org.opencontainers.image.{key}"), value.to_owned()))
    .into()
}

/// JSON with sorted keys and no blanks.
fn canonical(value: &impl Serialize) -> Result<Vec<u8>, serde_json::Error> {
    serde_json::to_vec(&serde_json::to_value(value)?)
}

#[cfg(test)]
mod tests;
