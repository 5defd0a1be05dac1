//! Labels of the filter's metrics, and how both kinds of metric names encode their values.

use std::fmt;
use std::str::FromStr;

use super::word::UnknownWord;

/// A label of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Label {
    /// The policy: `NAMESPACE_NAME`, with each dot of the name replaced by `_`.
    Policy,
    /// The rule's ID, or `-` if no rule decided.
    Rule,
    /// The effect.
    Effect,
    /// The reason.
    Reason,
    /// The decisions of the filter and Envoy's RBAC on the same request.
    Verdicts,
    /// The caller's SPIFFE ID, encoded.
    Caller,
    /// The method, encoded.
    Method,
    /// The path without query, encoded.
    Path,
}

impl Label {
    /// Every label.
    pub const ALL: [Self; 8] = [
        Self::Policy,
        Self::Rule,
        Self::Effect,
        Self::Reason,
        Self::Verdicts,
        Self::Caller,
        Self::Method,
        Self::Path,
    ];

    /// The tags that proxies must extract from metric names (Istio, `ProxyConfig.extraStatTags`):
    /// the names of all labels. None is a suffix of another, because Envoy's pattern for the
    /// shorter one would also match the longer one.
    pub const TAGS: [&str; 8] = [
        Self::Policy.tag(),
        Self::Rule.tag(),
        Self::Effect.tag(),
        Self::Reason.tag(),
        Self::Verdicts.tag(),
        Self::Caller.tag(),
        Self::Method.tag(),
        Self::Path.tag(),
    ];

    /// The label's name in Prometheus.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::Policy => "peergate_policy",
            Self::Rule => "peergate_rule",
            Self::Effect => "peergate_effect",
            Self::Reason => "peergate_reason",
            Self::Verdicts => "peergate_verdicts",
            Self::Caller => "peergate_caller",
            Self::Method => "peergate_method",
            Self::Path => "peergate_path",
        }
    }

    /// A description of its values.
    pub const fn help(self) -> &'static str {
        match self {
            Self::Policy => "the policy, as `NAMESPACE_NAME`; each dot in the name becomes `_`",
            Self::Rule => "the ID of the rule, or `-` if no rule decided",
            Self::Effect => {
                "`allow` or `deny` for decisions; `audit` or `custom` for matches of `Audit` and `Custom` rules; \
                 prefixed with `shadow_` for policies and rules in shadow"
            }
            Self::Reason => {
                "the reason code; `matched-by-rule` for matches of `Audit` and `Custom` rules"
            }
            Self::Verdicts => {
                "`both-allow`, `both-deny`, `only-rbac-denies`, `only-filter-denies` (in shadow: the filter would \
                 have denied) or `no-rbac`"
            }
            Self::Caller => {
                "the caller's SPIFFE ID, with every byte except letters, digits and `-` encoded as `_` and two \
                 hexadecimal digits; `-` if there is none, `-other-` beyond the limit"
            }
            Self::Method => "the method, in the same encoding",
            Self::Path => "the path without its query, in the same encoding",
        }
    }

    /// Marks the label in a flat name.
    pub(super) const fn marker(self) -> &'static str {
        match self {
            Self::Policy => "POLICY",
            Self::Rule => "RULE",
            Self::Effect => "EFFECT",
            Self::Reason => "REASON",
            Self::Verdicts => "VERDICTS",
            Self::Caller => "CALLER",
            Self::Method => "METHOD",
            Self::Path => "PATH",
        }
    }
}

/// Replaces the value `-` in a flat name.
const NONE: &str = "NONE";

/// Replaces `-` in a flat name, because Prometheus does not accept it in names. In values, `_`
/// occurs only singly and between letters and digits.
const DASH: &str = "__";

/// A label value as encoded in flat names, and as Prometheus extracts it from them.
pub fn flat_value(value: &str) -> String {
    match value {
        "-" => NONE.to_owned(),
        value => value.replace('-', DASH),
    }
}

/// The decoded value of a label, for both kinds of metric names.
pub fn plain_value(value: &str) -> String {
    match value {
        NONE => "-".to_owned(),
        value => value.replace(DASH, "-"),
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.tag())
    }
}

impl FromStr for Label {
    type Err = UnknownWord;

    fn from_str(name: &str) -> Result<Self, UnknownWord> {
        let known = Self::ALL.into_iter().find(|label| label.tag() == name);
        known.ok_or_else(|| UnknownWord::new("label", name))
    }
}
