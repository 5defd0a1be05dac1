//! Labels of the filter's metrics, and their values in both kinds of metric names.

use std::fmt;
use std::str::FromStr;

use super::word::UnknownWord;

/// A label of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Label {
    /// The policy: `NAMESPACE_NAME`, with `_` for each dot of the name.
    Policy,
    /// The rule's id, or `-` where no rule decided.
    Rule,
    /// What was decided.
    Effect,
    /// Why.
    Reason,
    /// What the filter and Envoy's RBAC said of the same request.
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

    /// The tags that proxies must be told to take out of a metric's name (Istio,
    /// `ProxyConfig.extraStatTags`): the names of all labels. None is the end of another, since the
    /// pattern by which Envoy looks for them would find both.
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

    /// What its values are, for people.
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

    /// Its place in a flat name.
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

/// Stands in a flat name for a value that is `-`.
const NONE: &str = "NONE";

/// Stands in a flat name for a `-`, which Prometheus takes in no name. Values have a `_` between letters and digits
/// alone, and never two of them.
const DASH: &str = "__";

/// A value of a label as flat names have it, and as Prometheus has it that got the labels out of them.
pub fn flat_value(value: &str) -> String {
    match value {
        "-" => NONE.to_owned(),
        value => value.replace('-', DASH),
    }
}

/// The value of a label, however proxies name their metrics.
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
