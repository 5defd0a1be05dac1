//! Istio versions.

use std::fmt;

/// A minor version of Istio.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct IstioVersion {
    minor: u16,
}

impl IstioVersion {
    /// The oldest supported version.
    pub const OLDEST: Self = Self::minor(18);
    /// The newest supported version.
    pub const NEWEST: Self = Self::minor(31);

    /// All supported versions, the oldest first.
    pub(crate) fn supported() -> impl Iterator<Item = Self> {
        (Self::OLDEST.minor..=Self::NEWEST.minor).map(Self::minor)
    }

    /// Istio 1.`minor`.
    pub(crate) const fn minor(minor: u16) -> Self {
        Self { minor }
    }

    /// Whether proxies leave the answer to `expect: 100-continue` to the workload
    /// (`ENABLE_100_CONTINUE_HEADERS`, on by default).
    pub fn forwards_expectations(self) -> bool {
        self >= Self::minor(23)
    }

    /// Parses `1.29`, or a patch version such as `1.29.2`. `None` for anything else, and for
    /// unsupported versions.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.strip_prefix("1.")?.split('.');
        let minor = Self::minor(number(parts.next()?)?);
        let has_valid_patch = parts.next().is_none_or(|patch| number(patch).is_some());
        (has_valid_patch
            && parts.next().is_none()
            && (Self::OLDEST..=Self::NEWEST).contains(&minor))
        .then_some(minor)
    }
}

/// A number without sign and leading zeros.
pub(super) fn number(text: &str) -> Option<u16> {
    let is_plain =
        text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    is_plain.then(|| text.parse().ok()).flatten()
}

impl fmt::Display for IstioVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "1.{}", self.minor)
    }
}
