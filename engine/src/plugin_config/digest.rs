//! What a policy enforces, in a few bytes: filters in one proxy compare their copies of a policy by it.

use std::fmt;
use std::hash::{Hash, Hasher};

use sha2::{Digest as _, Sha256};

use super::{MeshIdentity, PolicyAlong};

/// Half of SHA-256: no two policies of a mesh have it in common by chance.
const BYTES: usize = 16;

/// A digest of everything about a policy that can change a decision: its rules, and the trust domains
/// that give them their meaning. Equal for configs that differ in layout only.
///
/// Modules built by different compilers may come to different digests of the same policy. A filter then
/// takes the leader's copy for another version, and adds its own denials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyDigest(String);

/// Feeds what is hashed to SHA-256.
struct Feed(Sha256);

impl Hasher for Feed {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Not asked for: the digest is longer.
    fn finish(&self) -> u64 {
        0
    }
}

impl PolicyDigest {
    pub(super) fn new(mesh: &MeshIdentity, policy: &PolicyAlong) -> Self {
        let mut feed = Feed(Sha256::new());
        let MeshIdentity {
            trust_domain,
            trust_domain_aliases,
            gateways: _,
        } = mesh;
        let PolicyAlong {
            policy,
            match_labels: _,
            at_gateway,
            enforcement,
            otherwise,
            rules,
        } = policy;
        trust_domain.hash(&mut feed);
        trust_domain_aliases.hash(&mut feed);
        policy.hash(&mut feed);
        at_gateway.hash(&mut feed);
        enforcement.hash(&mut feed);
        otherwise.hash(&mut feed);
        rules.hash(&mut feed);
        Self(hex(feed.0.finalize().iter().take(BYTES)))
    }
}

impl fmt::Display for PolicyDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Bytes of a digest in hexadecimal.
pub fn hex<'b>(bytes: impl IntoIterator<Item = &'b u8>) -> String {
    let digits = |byte: &u8| format!("{byte:02x}");
    bytes.into_iter().map(digits).collect()
}
