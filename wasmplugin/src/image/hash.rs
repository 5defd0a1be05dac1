//! The digests of blobs.

use policy_schema::plugin_config::hex;
use sha2::{Digest, Sha256};

/// The digest of a blob, as OCI writes it.
pub(crate) fn digest(content: &[u8]) -> String {
    format!("sha256:{}", sha256(content))
}

pub(super) fn sha256(content: &[u8]) -> String {
    hex(&Sha256::digest(content))
}
