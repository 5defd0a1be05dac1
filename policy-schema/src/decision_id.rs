//! A decision in one short text, which says by itself what was decided and of which request.
//!
//! A denied caller gets it, and hands it to whoever can help: `peergate explain` reads it and decides
//! again. It has what the caller sent and what it presented, without query, headers and tokens; the
//! policy's name and revision; and the reason with the number of the rule, which says nothing to who
//! has not the policy.
//!
//! The bytes, in base64 for URLs without padding:
//!
//! ```text
//! version ‖ flags ‖ reason ‖ time (seconds) ‖ rule + 1 ‖ port ‖ texts ‖ seal
//! ```
//!
//! Numbers are LEB128. The texts are policy, revision, caller, method, path and host, each with its
//! length before it; one that the request did not have is left out, as the flags tell. The seal is an
//! HMAC-SHA256 under a key that the policy's filters and the operator share, cut to 128 bits; where no
//! key is configured it is a checksum, which tells typing errors but no forgeries.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};
use thiserror::Error;

/// A decision, as far as its id tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecisionRecord {
    /// The reason: its position among [`Reason::CODES`](crate::engine::Reason::CODES).
    pub reason: u8,
    /// When, in seconds since 1970; 0 where the proxy did not tell.
    pub time: u64,
    /// The position of the rule that decided, among those of the compiled policy.
    pub rule: Option<u32>,
    /// The policy that led, as `NAMESPACE/NAME`.
    pub policy: String,
    /// The policy's revision.
    pub revision: Option<String>,
    /// Who called.
    pub caller: RecordedCaller,
    /// `:method`.
    pub method: Option<Vec<u8>>,
    /// `:path` without query.
    pub path: Option<Vec<u8>>,
    /// Whether the path is longer than what is here of it.
    pub path_is_cut: bool,
    /// `:authority`.
    pub host: Option<Vec<u8>>,
    /// The workload's port.
    pub port: Option<u16>,
}

/// Who called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecordedCaller {
    /// Somebody without identity.
    Anonymous,
    /// Somebody whose certificate has something other than one SPIFFE ID.
    Malformed,
    /// Somebody with this SPIFFE ID.
    Workload(String),
}

/// The key of a policy's decision ids.
#[derive(Clone, PartialEq, Eq)]
pub struct DecisionKey([u8; 32]);

/// Why a text is not the id of a decision that can be trusted.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum InvalidDecisionId {
    /// It is no base64 of this form at all.
    #[error("this is not the id of a decision, or a part of it is missing")]
    Malformed,
    /// It was made by another version.
    #[error("this id is of a form that this version does not know")]
    UnknownVersion,
    /// It was sealed with a key, and none was given.
    #[error(
        "this id is sealed with a key, and without the key nobody can tell whether it was changed"
    )]
    NeedsKey,
    /// A key was given, and it was not sealed with any.
    #[error("this id is not sealed with a key, so anybody may have made it up")]
    NotSealed,
    /// The seal does not match.
    #[error("this id was changed, or it was made elsewhere")]
    BadSeal,
}

const VERSION: u8 = 1;

/// The bits of the flags. The two lowest say who called.
mod flag {
    pub(super) const MALFORMED: u8 = 1;
    pub(super) const WORKLOAD: u8 = 2;
    pub(super) const METHOD: u8 = 4;
    pub(super) const PATH: u8 = 8;
    pub(super) const PATH_IS_CUT: u8 = 16;
    pub(super) const HOST: u8 = 32;
    pub(super) const REVISION: u8 = 64;
    pub(super) const SEALED: u8 = 128;
}

/// The most bytes of a path that an id has, and that is told anywhere.
pub const LONGEST_PATH: usize = 512;
/// The most bytes of a method or a host, likewise.
pub const LONGEST_TEXT: usize = 255;

const SEAL: usize = 16;
const CHECKSUM: usize = 4;

impl DecisionKey {
    /// The key with these bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The key of one policy, made of the mesh's: who can read the configuration of one policy's
    /// filters can make no ids of another.
    #[must_use]
    pub fn of_policy(&self, policy: &str) -> Self {
        let mut key = [0; 32];
        key.copy_from_slice(&self.mac(policy.as_bytes()));
        Self(key)
    }

    /// Reads base64, as the plugin config has it.
    pub fn from_base64(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        bytes.try_into().ok().map(Self)
    }

    /// The key in base64.
    pub fn to_base64(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    fn mac(&self, bytes: &[u8]) -> [u8; 32] {
        self.fed_with(bytes).finalize().into_bytes().into()
    }

    fn confirms(&self, bytes: &[u8], seal: &[u8]) -> bool {
        self.fed_with(bytes).verify_truncated_left(seal).is_ok()
    }

    fn fed_with(&self, bytes: &[u8]) -> Hmac<Sha256> {
        // HMAC takes a whole block of SHA-256; a shorter key is followed by zeros (RFC 2104, 2).
        let mut block = [0; 64];
        block
            .iter_mut()
            .zip(self.0)
            .for_each(|(place, byte)| *place = byte);
        let mut mac = Hmac::new(&block.into());
        mac.update(bytes);
        mac
    }
}

/// Without the key: it has no place in a log.
impl std::fmt::Debug for DecisionKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DecisionKey").finish_non_exhaustive()
    }
}

impl DecisionRecord {
    /// The id, sealed with `key` where there is one.
    pub fn encode(&self, key: Option<&DecisionKey>) -> String {
        let (caller, kind) = match &self.caller {
            RecordedCaller::Anonymous => (None, 0),
            RecordedCaller::Malformed => (None, flag::MALFORMED),
            RecordedCaller::Workload(id) => (Some(id.as_bytes()), flag::WORKLOAD),
        };
        let (method, _) = cut(self.method.as_deref(), LONGEST_TEXT);
        let (path, path_is_cut) = cut(self.path.as_deref(), LONGEST_PATH);
        let (host, _) = cut(self.host.as_deref(), LONGEST_TEXT);
        let revision = self.revision.as_deref().map(str::as_bytes);
        let (revision, _) = cut(revision, LONGEST_TEXT);
        let flags = [
            (true, kind),
            (method.is_some(), flag::METHOD),
            (path.is_some(), flag::PATH),
            (path_is_cut || self.path_is_cut, flag::PATH_IS_CUT),
            (host.is_some(), flag::HOST),
            (revision.is_some(), flag::REVISION),
            (key.is_some(), flag::SEALED),
        ];
        let flags = flags
            .iter()
            .filter_map(|(is_set, bit)| is_set.then_some(bit))
            .fold(0, |flags, bit| flags | bit);
        let mut bytes = vec![VERSION, flags, self.reason];
        push_number(&mut bytes, self.time);
        push_number(&mut bytes, self.rule.map_or(0, |rule| u64::from(rule) + 1));
        push_number(&mut bytes, self.port.map_or(0, |port| u64::from(port) + 1));
        let policy = Some(self.policy.as_bytes());
        for text in [policy, revision, caller, method, path, host]
            .into_iter()
            .flatten()
        {
            push_number(&mut bytes, u64::try_from(text.len()).unwrap_or_default());
            bytes.extend_from_slice(text);
        }
        let seal = seal(&bytes, key);
        bytes.extend_from_slice(&seal);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads an id that was sealed with `key`, or without any. `key` tells the key of the policy that
    /// the id names.
    pub fn decode(
        id: &str,
        key: impl FnOnce(&str) -> Option<DecisionKey>,
    ) -> Result<Self, InvalidDecisionId> {
        let bytes = URL_SAFE_NO_PAD
            .decode(id)
            .map_err(|_| InvalidDecisionId::Malformed)?;
        let mut rest = Bytes(&bytes);
        if rest.byte()? != VERSION {
            return Err(InvalidDecisionId::UnknownVersion);
        }
        let flags = rest.byte()?;
        let has = |bit: u8| flags & bit != 0;
        let reason = rest.byte()?;
        let time = rest.number()?;
        let rule = rest.one_more()?;
        let port = rest.one_more()?;
        let policy = rest.utf8()?;
        let mut text = |bit| has(bit).then(|| rest.text()).transpose();
        let utf8 = |text: Option<&[u8]>| {
            let text = text.map(|text| String::from_utf8(text.to_vec()));
            text.transpose().map_err(|_| InvalidDecisionId::Malformed)
        };
        let revision = utf8(text(flag::REVISION)?)?;
        let caller = utf8(text(flag::WORKLOAD)?)?;
        let caller = match (caller, has(flag::MALFORMED)) {
            (Some(id), false) => RecordedCaller::Workload(id),
            (None, true) => RecordedCaller::Malformed,
            (None, false) => RecordedCaller::Anonymous,
            (Some(_), true) => return Err(InvalidDecisionId::Malformed),
        };
        let method = text(flag::METHOD)?.map(<[u8]>::to_vec);
        let path = text(flag::PATH)?.map(<[u8]>::to_vec);
        let host = text(flag::HOST)?.map(<[u8]>::to_vec);
        let seal = rest.0;
        let content = bytes
            .get(..bytes.len().saturating_sub(seal.len()))
            .unwrap_or_default();
        check_seal(content, seal, has(flag::SEALED), key(&policy).as_ref())?;
        Ok(Self {
            reason,
            time,
            rule: narrowed(rule)?,
            policy,
            revision,
            caller,
            method,
            path,
            path_is_cut: has(flag::PATH_IS_CUT),
            host,
            port: narrowed(port)?,
        })
    }
}

fn narrowed<N: TryFrom<u64>>(number: Option<u64>) -> Result<Option<N>, InvalidDecisionId> {
    let narrowed = number.map(N::try_from).transpose();
    narrowed.map_err(|_| InvalidDecisionId::Malformed)
}

fn seal(bytes: &[u8], key: Option<&DecisionKey>) -> Vec<u8> {
    let (digest, length): ([u8; 32], usize) = match key {
        Some(key) => (key.mac(bytes), SEAL),
        None => (Sha256::digest(bytes).into(), CHECKSUM),
    };
    digest.into_iter().take(length).collect()
}

fn check_seal(
    bytes: &[u8],
    found: &[u8],
    is_sealed: bool,
    key: Option<&DecisionKey>,
) -> Result<(), InvalidDecisionId> {
    let is_good = match (is_sealed, key) {
        (true, None) => return Err(InvalidDecisionId::NeedsKey),
        (false, Some(_)) => return Err(InvalidDecisionId::NotSealed),
        (true, Some(key)) => found.len() == SEAL && key.confirms(bytes, found),
        (false, None) => found == seal(bytes, None),
    };
    is_good.then_some(()).ok_or(InvalidDecisionId::BadSeal)
}

/// The beginning of a text, and whether that is not all of it.
fn cut(text: Option<&[u8]>, longest: usize) -> (Option<&[u8]>, bool) {
    match text {
        Some(text) => match text.get(..longest) {
            Some(start) if text.len() > longest => (Some(start), true),
            _ => (Some(text), false),
        },
        None => (None, false),
    }
}

fn push_number(bytes: &mut Vec<u8>, mut number: u64) {
    loop {
        let low = u8::try_from(number & 0x7f).unwrap_or_default();
        number >>= 7;
        if number == 0 {
            bytes.push(low);
            return;
        }
        bytes.push(low | 0x80);
    }
}

/// What is still to be read.
struct Bytes<'b>(&'b [u8]);

impl<'b> Bytes<'b> {
    fn byte(&mut self) -> Result<u8, InvalidDecisionId> {
        let (first, rest) = self.0.split_first().ok_or(InvalidDecisionId::Malformed)?;
        self.0 = rest;
        Ok(*first)
    }

    fn number(&mut self) -> Result<u64, InvalidDecisionId> {
        let mut number = 0;
        for shift in (0..63).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(InvalidDecisionId::Malformed)
    }

    /// A number that is written as the next one, with 0 for none.
    fn one_more(&mut self) -> Result<Option<u64>, InvalidDecisionId> {
        Ok(self.number()?.checked_sub(1))
    }

    fn text(&mut self) -> Result<&'b [u8], InvalidDecisionId> {
        let length = usize::try_from(self.number()?).map_err(|_| InvalidDecisionId::Malformed)?;
        let (text, rest) = self
            .0
            .split_at_checked(length)
            .ok_or(InvalidDecisionId::Malformed)?;
        self.0 = rest;
        Ok(text)
    }

    fn utf8(&mut self) -> Result<String, InvalidDecisionId> {
        String::from_utf8(self.text()?.to_vec()).map_err(|_| InvalidDecisionId::Malformed)
    }
}

#[cfg(test)]
mod tests;
