//! A short digest of a policy's behavior, by which filters in one proxy compare their copies of a
//! policy.

use std::fmt;
use std::hash::{Hash, Hasher};

use sha2::{Digest as _, Sha256};

use super::{CoEnforcedPolicy, MeshIdentity};

/// Half of SHA-256, enough to exclude accidental collisions.
const BYTES: usize = 16;

/// A digest of everything that can change a policy's decisions: its rules, and the trust domains
/// that they refer to. Configs that differ only in layout have the same digest.
///
/// Modules built by different compilers may compute different digests of a policy. A filter then
/// assumes that the leader has another version, and adds its own denials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyDigest(String);

/// Feeds hashed data to SHA-256.
struct Feed(Sha256);

impl Hasher for Feed {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Unused: a `u64` is shorter than the digest.
    fn finish(&self) -> u64 {
        0
    }
}

impl PolicyDigest {
    pub(super) fn new(mesh: &MeshIdentity, policy: &CoEnforcedPolicy) -> Self {
        let mut feed = Feed(Sha256::new());
        let MeshIdentity {
            trust_domain,
            trust_domain_aliases,
            gateways: _,
        } = mesh;
        let CoEnforcedPolicy {
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

/// The bytes of a digest in hexadecimal.
pub fn hex<'b>(bytes: impl IntoIterator<Item = &'b u8>) -> String {
    let digits = |byte: &u8| format!("{byte:02x}");
    bytes.into_iter().map(digits).collect()
}
