//! What the filter counts and measures, in one place: the filter defines its metrics by it,
//! `peergate metrics` prints it, and the documentation is compared with it.
//!
//! A metric of proxy-wasm has a name and no labels. Two ways lead to labels all the same, see
//! [`MetricNames`]. What a label can say is bounded by the configuration: a proxy keeps a series for
//! good, and no request must be able to make one.

use crate::reporting::MetricNames;

/// A metric of the filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metric {
    /// The name in Prometheus.
    pub name: &'static str,
    /// How its values are to be read.
    pub kind: MetricKind,
    /// Its labels.
    pub labels: &'static [Label],
    /// What it says, in one sentence or two.
    pub help: &'static str,
}

/// How the values of a metric are to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricKind {
    /// It only grows, until the proxy starts anew.
    Counter,
    /// It is as it is at present.
    Gauge,
}

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
            Self::Policy => "the policy, as `NAMESPACE_NAME`, with `_` for each dot of the name",
            Self::Rule => "the rule's id, or `-` where no rule decided",
            Self::Effect => {
                "`allow` or `deny`; `audit` or `custom` for matches of rules that have no say; with `shadow_` before it \
                 for what is in shadow"
            }
            Self::Reason => {
                "the code of the reason; `matched-by-rule` for matches of `Audit` and `Custom` rules"
            }
            Self::Verdicts => {
                "`both-allow`, `both-deny`, `only-rbac-denies`, `only-filter-denies` (a policy in shadow would have), or \
                 `no-rbac`"
            }
            Self::Caller => {
                "the caller's SPIFFE ID: letters, digits and `-` stand for themselves, every other byte is `_` and two \
                 hexadecimal digits; `-` for none, `-other-` past the bound"
            }
            Self::Method => "the method, in the same encoding",
            Self::Path => "the path without query, in the same encoding",
        }
    }

    /// Its place in a flat name.
    const fn marker(self) -> &'static str {
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

/// How labels are got out of flat names, in the words of Prometheus' relabelling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlatPattern {
    /// A regular expression (RE2) for the whole name.
    pub pattern: String,
    /// Each label with its value, made of the expression's groups.
    pub values: Vec<(Label, String)>,
}

/// Decisions.
pub const DECISIONS: Metric = Metric {
    name: "peergate_decisions_total",
    kind: MetricKind::Counter,
    labels: &[Label::Policy, Label::Rule, Label::Effect, Label::Reason],
    help: "Requests, each once for its decision, and once more for each rule in shadow, `Audit` or `Custom` rule that \
           it matched.",
};

/// The revision in force.
pub const REVISION: Metric = Metric {
    name: "peergate_policy_revision",
    kind: MetricKind::Gauge,
    labels: &[Label::Policy],
    help: "The revision of the policy that is in force, its 12 hexadecimal digits read as a number; 0 where it has none \
           of that form.",
};

/// When the config in force was taken.
pub const LOADED: Metric = Metric {
    name: "peergate_policy_loaded_timestamp_seconds",
    kind: MetricKind::Gauge,
    labels: &[Label::Policy],
    help: "When the configuration that is in force was taken up, in seconds since 1970. It changes with each new one.",
};

/// Rules in force.
pub const RULES: Metric = Metric {
    name: "peergate_policy_rules",
    kind: MetricKind::Gauge,
    labels: &[Label::Policy],
    help: "Rules in force, those of policies that are enforced along included.",
};

/// When rules expire.
pub const EXPIRY: Metric = Metric {
    name: "peergate_rule_expiry_timestamp_seconds",
    kind: MetricKind::Gauge,
    labels: &[Label::Policy, Label::Rule],
    help: "The rule's `notAfter`, in seconds since 1970. Rules without one have no series, and those that had one before have 0.",
};

/// Configs that were refused.
pub const REJECTIONS: Metric = Metric {
    name: "peergate_config_rejections_total",
    kind: MetricKind::Counter,
    labels: &[],
    help: "Configurations that were refused. The proxy's log says why.",
};

/// Memory of the VM.
pub const MEMORY: Metric = Metric {
    name: "peergate_memory_bytes",
    kind: MetricKind::Gauge,
    labels: &[],
    help: "Linear memory of the filter's VM. Each worker of a proxy has a VM; the one whose memory grew last is told.",
};

/// Log lines that were left out.
pub const OMITTED: Metric = Metric {
    name: "peergate_log_lines_omitted_total",
    kind: MetricKind::Counter,
    labels: &[],
    help: "Denials and shadow hits that were not logged, because there were too many at a time.",
};

/// The filter beside RBAC.
pub const COMPARISONS: Metric = Metric {
    name: "peergate_plane_comparisons_total",
    kind: MetricKind::Counter,
    labels: &[Label::Policy, Label::Verdicts],
    help: "Requests that both the filter and Envoy's RBAC have judged, by what they said. Counted by the module that \
           compares, `peergate_filter_comparing.wasm`.",
};

/// What was seen in learning mode.
pub const OBSERVED: Metric = Metric {
    name: "peergate_observed_requests_total",
    kind: MetricKind::Counter,
    labels: &[
        Label::Policy,
        Label::Rule,
        Label::Effect,
        Label::Caller,
        Label::Method,
        Label::Path,
    ],
    help: "Requests by caller, method and path, in learning mode only. A proxy's worker has no more series than \
           `maxSeries` says; all that comes after is one series of each rule and effect, as `-other-`.",
};

/// Every metric.
pub const ALL: [Metric; 10] = [
    DECISIONS,
    REVISION,
    LOADED,
    RULES,
    EXPIRY,
    REJECTIONS,
    MEMORY,
    OMITTED,
    COMPARISONS,
    OBSERVED,
];

impl Metric {
    /// The name under which a proxy keeps the series with these values of the labels, in the labels'
    /// order.
    ///
    /// No two series share a name: values have no character that could end them, and in a flat name
    /// they have no upper-case letter, of which the words between them are made, but for `NONE`.
    pub fn series(&self, names: MetricNames, values: &[&str]) -> String {
        let labels = self.labels.iter().zip(values);
        match names {
            MetricNames::Labelled => {
                let labels = labels.map(|(label, value)| format!("{}=.={value};.;", label.tag()));
                let labels: String = labels.collect();
                if labels.is_empty() {
                    self.name.to_owned()
                } else {
                    format!("{}.{labels}", self.name)
                }
            }
            MetricNames::Flat => {
                let (stem, ending) = self.stem_and_ending();
                let labels = labels
                    .map(|(label, value)| format!("_{}_{}", label.marker(), flat_value(value)));
                let labels: String = labels.collect();
                format!("{stem}{labels}{ending}")
            }
        }
    }

    /// How labels are got out of the metric's flat names; none for a metric without labels, whose
    /// name is always the same.
    pub fn flat_pattern(&self) -> Option<FlatPattern> {
        let (stem, ending) = self.stem_and_ending();
        let mut pattern = stem.to_owned();
        let mut values = Vec::with_capacity(self.labels.len());
        for (label, group) in self.labels.iter().zip(1..) {
            pattern.extend(["_", label.marker(), "_(.+)"]);
            values.push((*label, format!("${{{group}}}")));
        }
        pattern.push_str(ending);
        (!values.is_empty()).then_some(FlatPattern { pattern, values })
    }

    /// The values of the labels, in the labels' order, in one of the metric's flat names; none for any
    /// other name.
    pub fn flat_values(&self, name: &str) -> Option<Vec<String>> {
        let (stem, ending) = self.stem_and_ending();
        let mut rest = name.strip_prefix(stem)?.strip_suffix(ending)?;
        let mut markers = self
            .labels
            .iter()
            .map(|label| format!("_{}_", label.marker()));
        rest = rest.strip_prefix(&*markers.next()?)?;
        let mut values = Vec::with_capacity(self.labels.len());
        for marker in markers {
            let (value, after) = rest.split_once(&*marker)?;
            values.push(plain_value(value));
            rest = after;
        }
        values.push(plain_value(rest));
        Some(values)
    }

    /// The name before what says that it is a counter, and that.
    fn stem_and_ending(&self) -> (&'static str, &'static str) {
        match self.name.strip_suffix("_total") {
            Some(stem) => (stem, "_total"),
            None => (self.name, ""),
        }
    }
}

/// A text that a client chose, as the value of a label: letters, digits and `-` stand for themselves,
/// every other byte is `_` and two hexadecimal digits.
pub fn encoded(text: &[u8]) -> String {
    let mut encoded = String::with_capacity(text.len() + 16);
    for &byte in text {
        if byte.is_ascii_alphanumeric() || byte == b'-' {
            encoded.push(char::from(byte));
        } else {
            encoded.push('_');
            for digit in [byte >> 4, byte & 15] {
                encoded.extend(char::from_digit(u32::from(digit), 16));
            }
        }
    }
    encoded
}

/// What [`encoded`] was made of; none for what it cannot have made.
pub fn decoded(text: &str) -> Option<Vec<u8>> {
    let mut bytes = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'_' => {
                let mut digit = || match bytes.next()? {
                    digit @ b'0'..=b'9' => Some(digit - b'0'),
                    digit @ b'a'..=b'f' => Some(digit - b'a' + 10),
                    _ => None,
                };
                let (high, low) = (digit()?, digit()?);
                high << 4 | low
            }
            byte if byte.is_ascii_alphanumeric() || byte == b'-' => byte,
            _ => return None,
        });
    }
    Some(decoded)
}

#[cfg(test)]
mod tests;
