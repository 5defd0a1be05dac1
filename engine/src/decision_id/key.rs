//! The key of decision IDs, and their encryption.
//!
//! A denied caller passes an ID on, but must not learn from it the policy's name or the rule that
//! decided. So the content of an ID is encrypted in the construction SIV (Rogaway and Shrimpton,
//! "Deterministic Authenticated-Encryption") with HMAC-SHA256 as both of its pseudorandom
//! functions:
//!
//! ```text
//! tag       = HMAC(authentication key, content), cut to 128 bits
//! encrypted = content XOR (HMAC(encryption key, tag ‖ 0) ‖ HMAC(encryption key, tag ‖ 1) ‖ …)
//! ```
//!
//! with 32-bit big-endian numbers. The tag authenticates the content and serves as its nonce, so no
//! random number is needed; a filter has no source of them. Equal contents have equal IDs: the same
//! request in the same second. An ID reveals the length of its content. `SECURITY.md` explains why
//! this is not an AEAD from an RFC.

use base64ct::{Base64UrlUnpadded, Encoding as _};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

/// The key for a policy's decision IDs. It is zeroized on drop, and so are the values that HMAC and
/// SHA-256 derive from it. Keys are not compared.
#[derive(Clone)]
pub struct DecisionKey(Zeroizing<[u8; 32]>);

const TAG: usize = 16;
const BLOCK: usize = 32;

/// The purposes from which the two subkeys are derived. They contain no slash, so no policy has
/// this name.
const AUTHENTICATION: &[u8] = b"authentication";
const ENCRYPTION: &[u8] = b"encryption";

impl DecisionKey {
    /// The key with these bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// Derives the key of one policy from the mesh's. Access to one policy's filter configuration
    /// reveals only the key of that policy.
    #[must_use]
    pub fn for_policy(&self, policy: &str) -> Self {
        self.derived(policy.as_bytes())
    }

    /// Reads base64url, as in the plugin config.
    pub fn from_base64(text: &str) -> Option<Self> {
        let mut key = Self::new([0; 32]);
        let read = Base64UrlUnpadded::decode(text, &mut *key.0).ok()?.len();
        (read == key.0.len()).then_some(key)
    }

    /// The key in base64url.
    pub fn to_base64(&self) -> String {
        Base64UrlUnpadded::encode_string(&*self.0)
    }

    /// The tag of a content, and the encrypted content.
    pub(super) fn encrypt(&self, mut content: Vec<u8>) -> ([u8; TAG], Vec<u8>) {
        let mac = self.derived(AUTHENTICATION).mac(&content);
        let mut tag = [0; TAG];
        tag.iter_mut()
            .zip(mac)
            .for_each(|(place, byte)| *place = byte);
        self.apply_stream(tag, &mut content);
        (tag, content)
    }

    /// The content, if it was encrypted with this key and is unchanged.
    pub(super) fn decrypt(&self, tag: &[u8; TAG], encrypted: &[u8]) -> Option<Vec<u8>> {
        let mut content = encrypted.to_vec();
        self.apply_stream(*tag, &mut content);
        let mut mac = self.derived(AUTHENTICATION).keyed();
        mac.update(&content);
        mac.verify_truncated_left(tag).ok()?;
        Some(content)
    }

    /// Encrypts or decrypts in place.
    fn apply_stream(&self, tag: [u8; TAG], content: &mut [u8]) {
        let keyed = self.derived(ENCRYPTION).keyed();
        for (number, block) in (0_u32..).zip(content.chunks_mut(BLOCK)) {
            let mut mac = keyed.clone();
            mac.update(&tag);
            mac.update(&number.to_be_bytes());
            let stream = mac.finalize().into_bytes();
            let bytes = block.iter_mut().zip(stream);
            bytes.for_each(|(byte, other)| *byte ^= other);
        }
    }

    fn derived(&self, purpose: &[u8]) -> Self {
        Self::new(self.mac(purpose))
    }

    fn mac(&self, bytes: &[u8]) -> [u8; 32] {
        let mut mac = self.keyed();
        mac.update(bytes);
        mac.finalize().into_bytes().into()
    }

    fn keyed(&self) -> Hmac<Sha256> {
        // HMAC uses a whole block of SHA-256; shorter keys are padded with zeros (RFC 2104, section
        // 2).
        let mut block = Zeroizing::new([0; 64]);
        block
            .iter_mut()
            .zip(&*self.0)
            .for_each(|(place, byte)| *place = *byte);
        Hmac::new((&*block).into())
    }
}

/// Omits the key, which must not appear in logs.
impl std::fmt::Debug for DecisionKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DecisionKey").finish_non_exhaustive()
    }
}
