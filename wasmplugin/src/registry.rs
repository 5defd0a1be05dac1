//! Image → registry (OCI distribution spec), without a container engine.

use std::env;
use std::path::PathBuf;
use std::str::FromStr;

use docker_credential::{CredentialRetrievalError, DockerCredential};
use oci_client::client::{Certificate, CertificateEncoding, ClientConfig, ClientProtocol};
use oci_client::errors::OciDistributionError;
use oci_client::manifest::{
    ImageIndexEntry, OCI_IMAGE_INDEX_MEDIA_TYPE, OCI_IMAGE_MEDIA_TYPE, OciDescriptor, OciImageIndex,
};
use oci_client::secrets::RegistryAuth;
use oci_client::{Client, Reference};
use peergate_mesh::network::{self, CannotStart};
use policy_schema::module_url::ImageReference;
use thiserror::Error;

use crate::image::Image;

/// Docker Hub, and its name in Docker's configuration.
const DOCKER_HUB: (&str, &str) = ("docker.io", "https://index.docker.io/v1/");

/// Why an image is not pushed.
#[derive(Debug, Error)]
pub(crate) enum PushError {
    #[error("cannot read the registry's credentials: {0}")]
    Credentials(CredentialRetrievalError),
    #[error("the credentials are an identity token, which only Docker can use")]
    IdentityToken,
    #[error("{}", cause(.0))]
    Registry(#[from] OciDistributionError),
    #[error("the image is incomplete: `{0}` is missing")]
    Missing(String),
    #[error(transparent)]
    Runtime(#[from] CannotStart),
}

impl PushError {
    /// How to fix it.
    pub(crate) fn help(&self) -> &'static str {
        match self {
            Self::IdentityToken => "log in with a name and a password, or use a credential helper",
            Self::Registry(reason) if network::is_authority_unknown(reason) => {
                "pass the CA's certificate with `--ca-file`"
            }
            Self::Registry(reason) if network::is_plaintext(reason) => {
                "if the registry has no TLS, push with `--plain-http`"
            }
            Self::Credentials(_) | Self::Registry(_) | Self::Missing(_) | Self::Runtime(_) => {
                "try again: no document refers to the image yet"
            }
        }
    }
}

/// The destination of an image: registry, name, and optionally a tag.
#[derive(Clone, Debug)]
pub(crate) struct Destination {
    pub(crate) reference: Reference,
    /// `Reference` fills in `latest`, which must not move unless it is named.
    is_tagged: bool,
}

impl FromStr for Destination {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.strip_prefix("oci://").unwrap_or(text);
        let ImageReference {
            registry,
            repository,
            tag,
            digest,
            ..
        } = ImageReference::parse(text)
            .map_err(|reason| format!("{reason}; use `REGISTRY/NAME:TAG`"))?;
        if digest.is_some() {
            return Err("the image determines the digest; use `REGISTRY/NAME:TAG`".to_owned());
        }
        let is_tagged = tag.is_some();
        let tag = tag.unwrap_or_else(|| "latest".to_owned());
        Ok(Self {
            is_tagged,
            reference: Reference::with_tag(registry, repository, tag),
        })
    }
}

/// The response of a registry, or why there is none.
fn cause(reason: &OciDistributionError) -> String {
    match reason {
        OciDistributionError::RequestError(reason) => network::cause(reason),
        _ => reason.to_string(),
    }
}

/// How to connect to a registry.
#[derive(Clone, Debug)]
pub(crate) struct Access {
    pub(crate) is_plain_http: bool,
    /// CA certificates in PEM to trust in addition to the system's.
    pub(crate) authorities: Option<Vec<u8>>,
}

/// Pushes an image and the manifests that refer to it, and tags it if the destination has a tag.
pub(crate) fn push(
    image: &Image,
    destination: &Destination,
    access: Access,
) -> Result<(), PushError> {
    network::block_on(upload(image, destination, access))?
}

async fn upload(image: &Image, destination: &Destination, access: Access) -> Result<(), PushError> {
    let reference = &destination.reference;
    let authorities = access.authorities.into_iter().map(|data| Certificate {
        encoding: CertificateEncoding::Pem,
        data,
    });
    let client = Client::new(ClientConfig {
        protocol: if access.is_plain_http {
            ClientProtocol::Http
        } else {
            ClientProtocol::Https
        },
        extra_root_certificates: authorities.collect(),
        ..ClientConfig::default()
    });
    let auth = credentials(reference.registry())?;
    client
        .store_auth_if_needed(reference.resolve_registry(), &auth)
        .await;
    for (digest, content) in image.contents() {
        if !client.blob_exists(reference, digest).await? {
            client.push_blob(reference, content.clone(), digest).await?;
        }
    }
    for (position, manifest) in image.manifests.iter().enumerate() {
        let missing = || PushError::Missing(manifest.digest.clone());
        let content = image.blobs.get(&manifest.digest).ok_or_else(missing)?;
        let by_digest = reference.clone_with_digest(manifest.digest.clone());
        // Only the image is tagged; the others refer to it.
        let is_tagged = position == 0 && destination.is_tagged;
        for target in [Some(&by_digest), is_tagged.then_some(reference)] {
            let Some(target) = target else { continue };
            let media_type = oci_image_media_type();
            client
                .push_manifest_raw(target, content.clone(), media_type)
                .await?;
        }
    }
    if let Some((first, referring)) = image.manifests.split_first() {
        list_referring(&client, reference, &auth, first, referring).await?;
    }
    Ok(())
}

fn oci_image_media_type() -> http::HeaderValue {
    http::HeaderValue::from_static(OCI_IMAGE_MEDIA_TYPE)
}

/// Updates the list of referring manifests for registries without a referrers API (OCI distribution spec, "Referrers Tag
/// Schema").
async fn list_referring(
    client: &Client,
    reference: &Reference,
    auth: &RegistryAuth,
    image: &OciDescriptor,
    referring: &[OciDescriptor],
) -> Result<(), PushError> {
    let of_image = reference.clone_with_digest(image.digest.clone());
    let mut index = client.pull_referrers(&of_image, None).await?;
    let is_known = |index: &OciImageIndex, digest: &str| {
        index.manifests.iter().any(|entry| entry.digest == digest)
    };
    let before = index.manifests.len();
    for descriptor in referring {
        if !is_known(&index, &descriptor.digest) {
            index.manifests.push(ImageIndexEntry {
                media_type: descriptor.media_type.clone(),
                digest: descriptor.digest.clone(),
                size: descriptor.size,
                platform: None,
                annotations: None,
                artifact_type: descriptor.artifact_type.clone(),
            });
        }
    }
    if index.manifests.len() > before {
        index.schema_version = 2;
        index.media_type = Some(OCI_IMAGE_INDEX_MEDIA_TYPE.to_owned());
        let tag = image.digest.replacen(':', "-", 1);
        let (registry, repository) = (reference.registry(), reference.repository());
        let target = Reference::with_tag(registry.to_owned(), repository.to_owned(), tag);
        client.push_manifest_list(&target, auth, index).await?;
    }
    Ok(())
}

/// The credentials of `docker login`, or none.
fn credentials(registry: &str) -> Result<RegistryAuth, PushError> {
    let server = if registry == DOCKER_HUB.0 {
        DOCKER_HUB.1
    } else {
        registry
    };
    match docker_credential::get_credential(server) {
        Ok(DockerCredential::UsernamePassword(name, password)) => {
            Ok(RegistryAuth::Basic(name, password))
        }
        Ok(DockerCredential::IdentityToken(_)) => Err(PushError::IdentityToken),
        Err(
            CredentialRetrievalError::ConfigNotFound
            | CredentialRetrievalError::NoCredentialConfigured,
        ) => Ok(RegistryAuth::Anonymous),
        // The file does not exist before the first login.
        Err(CredentialRetrievalError::ConfigReadError)
            if docker_config().is_none_or(|path| !path.exists()) =>
        {
            Ok(RegistryAuth::Anonymous)
        }
        Err(reason) => Err(PushError::Credentials(reason)),
    }
}

/// Docker's configuration file.
fn docker_config() -> Option<PathBuf> {
    let folder = env::var_os("DOCKER_CONFIG").map(PathBuf::from);
    let folder = folder.or_else(|| Some(env::home_dir()?.join(".docker")))?;
    Some(folder.join("config.json"))
}
