//! Decision IDs: a decision and its request, encoded in one short text.
//!
//! A denied caller receives the ID and passes it on; `peergate explain` decodes it and repeats the
//! decision. It contains what the caller sent and presented, without query, headers and tokens. It
//! also contains the policy's name and revision, the reason, and the number of the rule, which is
//! meaningless without the policy.
//!
//! The ID is one of these, in base64url without padding:
//!
//! ```text
//! 1 ‖ content ‖ checksum          where no key is configured
//! 2 ‖ tag ‖ encrypted content     where one is, see `key`
//! ```
//!
//! The checksum detects typing errors, not forgeries. The content is
//!
//! ```text
//! flags ‖ reason ‖ time (seconds) ‖ rule + 1 ‖ port + 1 ‖ texts
//! ```
//!
//! Numbers are LEB128. The texts are policy, revision, caller, method, path and host, each preceded
//! by its length. The flags tell which of them are present.

mod key;

use base64ct::{Base64UrlUnpadded, Encoding as _};
use sha2::{Digest as _, Sha256};
use thiserror::Error;

pub use key::DecisionKey;

/// The content of a decision ID.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecisionRecord {
    /// The number of the [`ReasonCode`](crate::telemetry::ReasonCode).
    pub reason: u8,
    /// The time in seconds since 1970; 0 if the proxy did not report it.
    pub time: u64,
    /// The position of the deciding rule in the compiled policy.
    pub rule: Option<u32>,
    /// The leader, as `NAMESPACE/NAME`.
    pub policy: String,
    /// The policy's revision.
    pub revision: Option<String>,
    /// The caller.
    pub caller: RecordedCaller,
    /// `:method`.
    pub method: Option<Vec<u8>>,
    /// `:path` without query.
    pub path: Option<Vec<u8>>,
    /// Whether `path` is truncated.
    pub path_is_truncated: bool,
    /// `:authority`, without user information.
    pub host: Option<Vec<u8>>,
    /// The workload's port.
    pub port: Option<u16>,
}

/// The caller in a decision ID.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecordedCaller {
    /// A caller without identity.
    Anonymous,
    /// A caller whose certificate does not contain exactly one SPIFFE ID.
    Malformed,
    /// A workload with this SPIFFE ID.
    Workload(String),
    /// A client from outside the mesh, whose certificate a gateway validated. Contains its names as
    /// `KIND:NAME`, one per line, possibly not all of them.
    Certificate(String),
}

/// Why a decision ID is rejected.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum InvalidDecisionId {
    /// It is not base64 of the expected form.
    #[error("this is not a decision ID, or only part of one")]
    Malformed,
    /// Its format version is unknown.
    #[error("this version does not support the format of this decision ID")]
    UnknownVersion,
    /// It is sealed, and no key was given.
    #[error("this decision ID is sealed: the decision key is required to read it")]
    NeedsKey,
    /// A key was given, but it is not sealed.
    #[error("this decision ID is not sealed, so it may be forged")]
    NotSealed,
    /// It was altered, or sealed with a different key.
    #[error("this decision ID was altered or issued elsewhere")]
    BadSeal,
}

/// The first byte, which determines the format of the rest.
const OPEN: u8 = 1;
const SEALED: u8 = 2;

/// The bits of the flags. The two lowest encode the kind of caller.
mod flag {
    pub(super) const MALFORMED: u8 = 1;
    pub(super) const WORKLOAD: u8 = 2;
    pub(super) const CERTIFICATE: u8 = 3;
    pub(super) const METHOD: u8 = 4;
    pub(super) const PATH: u8 = 8;
    pub(super) const PATH_IS_TRUNCATED: u8 = 16;
    pub(super) const HOST: u8 = 32;
    pub(super) const REVISION: u8 = 64;
    /// Unused by all formats.
    pub(super) const UNKNOWN: u8 = 128;
}

/// The maximum length of a path in an ID, replies and logs, in bytes.
#[doc(hidden)]
pub const MAX_PATH_LEN: usize = 512;
/// The maximum length of a method or a host there, in bytes.
#[doc(hidden)]
pub const MAX_TEXT_LEN: usize = 255;

const CHECKSUM: usize = 4;

impl DecisionRecord {
    /// An ID that anyone can read and forge.
    pub fn encode(&self) -> String {
        let mut bytes = vec![OPEN];
        bytes.extend(self.content());
        let checksum = checksum(&bytes);
        bytes.extend_from_slice(&checksum);
        Base64UrlUnpadded::encode_string(&bytes)
    }

    /// An ID that requires the key to be read or forged.
    pub fn seal(&self, key: &DecisionKey) -> String {
        let (tag, content) = key.encrypt(self.content());
        Base64UrlUnpadded::encode_string(&[&[SEALED][..], &tag, &content].concat())
    }

    /// Decodes an ID that is not sealed.
    pub fn decode(id: &str) -> Result<Self, InvalidDecisionId> {
        let bytes = bytes_of(id)?;
        let mut rest = Reader(&bytes);
        match rest.byte()? {
            OPEN => {}
            SEALED => return Err(InvalidDecisionId::NeedsKey),
            _ => return Err(InvalidDecisionId::UnknownVersion),
        }
        let record = Self::read(&mut rest)?;
        let end = bytes.len().saturating_sub(rest.0.len());
        let is_good = bytes.get(..end).map(checksum).as_deref() == Some(rest.0);
        is_good.then_some(record).ok_or(InvalidDecisionId::BadSeal)
    }

    /// Decodes a sealed ID. `keys` contains policies with their keys, because even the policy
    /// cannot be read without the key.
    pub fn unseal(
        id: &str,
        keys: impl IntoIterator<Item = (String, DecisionKey)>,
    ) -> Result<Self, InvalidDecisionId> {
        let bytes = bytes_of(id)?;
        let mut rest = Reader(&bytes);
        match rest.byte()? {
            OPEN => return Err(InvalidDecisionId::NotSealed),
            SEALED => {}
            _ => return Err(InvalidDecisionId::UnknownVersion),
        }
        let (tag, encrypted) = rest
            .0
            .split_first_chunk()
            .ok_or(InvalidDecisionId::Malformed)?;
        for (policy, key) in keys {
            let Some(content) = key.decrypt(tag, encrypted) else {
                continue;
            };
            let mut rest = Reader(&content);
            let record = Self::read(&mut rest)?;
            // The holder of one policy's key could name another policy.
            let is_good = rest.0.is_empty() && record.policy == policy;
            return is_good.then_some(record).ok_or(InvalidDecisionId::BadSeal);
        }
        Err(InvalidDecisionId::BadSeal)
    }

    fn content(&self) -> Vec<u8> {
        let (caller, kind) = match &self.caller {
            RecordedCaller::Anonymous => (None, 0),
            RecordedCaller::Malformed => (None, flag::MALFORMED),
            RecordedCaller::Workload(id) => (Some(id.as_bytes()), flag::WORKLOAD),
            RecordedCaller::Certificate(names) => {
                let (names, _) = truncate(Some(names.as_bytes()), MAX_PATH_LEN);
                (names, flag::CERTIFICATE)
            }
        };
        let (method, _) = truncate(self.method.as_deref(), MAX_TEXT_LEN);
        let (path, path_is_truncated) = truncate(self.path.as_deref(), MAX_PATH_LEN);
        let (host, _) = truncate(self.host.as_deref(), MAX_TEXT_LEN);
        let revision = self.revision.as_deref().map(str::as_bytes);
        let (revision, _) = truncate(revision, MAX_TEXT_LEN);
        let flags = [
            (true, kind),
            (method.is_some(), flag::METHOD),
            (path.is_some(), flag::PATH),
            (
                path_is_truncated || self.path_is_truncated,
                flag::PATH_IS_TRUNCATED,
            ),
            (host.is_some(), flag::HOST),
            (revision.is_some(), flag::REVISION),
        ];
        let flags = flags
            .iter()
            .filter_map(|(is_set, bit)| is_set.then_some(bit))
            .fold(0, |flags, bit| flags | bit);
        let mut bytes = vec![flags, self.reason];
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
        bytes
    }

    fn read(rest: &mut Reader<'_>) -> Result<Self, InvalidDecisionId> {
        let flags = rest.byte()?;
        let has = |bit: u8| flags & bit != 0;
        if has(flag::UNKNOWN) {
            return Err(InvalidDecisionId::UnknownVersion);
        }
        let reason = rest.byte()?;
        let time = rest.number()?;
        let rule = rest.optional_number()?;
        let port = rest.optional_number()?;
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
            (Some(names), true) => RecordedCaller::Certificate(names),
        };
        let method = text(flag::METHOD)?.map(<[u8]>::to_vec);
        let path = text(flag::PATH)?.map(<[u8]>::to_vec);
        let host = text(flag::HOST)?.map(<[u8]>::to_vec);
        Ok(Self {
            reason,
            time,
            rule: narrowed(rule)?,
            policy,
            revision,
            caller,
            method,
            path,
            path_is_truncated: has(flag::PATH_IS_TRUNCATED),
            host,
            port: narrowed(port)?,
        })
    }
}

/// A host without the user information that a client may have put before it. The `@` stays, because
/// the rules have seen that there was some.
#[doc(hidden)]
pub fn without_userinfo(host: &[u8]) -> &[u8] {
    let end = host.iter().rposition(|byte| *byte == b'@');
    end.and_then(|end| host.get(end..)).unwrap_or(host)
}

fn narrowed<N: TryFrom<u64>>(number: Option<u64>) -> Result<Option<N>, InvalidDecisionId> {
    let narrowed = number.map(N::try_from).transpose();
    narrowed.map_err(|_| InvalidDecisionId::Malformed)
}

fn bytes_of(id: &str) -> Result<Vec<u8>, InvalidDecisionId> {
    let bytes = Base64UrlUnpadded::decode_vec(id);
    bytes.map_err(|_| InvalidDecisionId::Malformed)
}

fn checksum(bytes: &[u8]) -> Vec<u8> {
    let digest: [u8; 32] = Sha256::digest(bytes).into();
    digest.into_iter().take(CHECKSUM).collect()
}

/// The text truncated to `max_len`, and whether it was longer.
fn truncate(text: Option<&[u8]>, max_len: usize) -> (Option<&[u8]>, bool) {
    match text {
        Some(text) => match text.get(..max_len) {
            Some(start) if text.len() > max_len => (Some(start), true),
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

/// The bytes that are still to be read.
struct Reader<'b>(&'b [u8]);

impl<'b> Reader<'b> {
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

    /// A number that is encoded as its successor, with 0 for none.
    fn optional_number(&mut self) -> Result<Option<u64>, InvalidDecisionId> {
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
