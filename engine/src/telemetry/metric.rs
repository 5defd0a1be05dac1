//! The filter's metrics: their names, labels and series.
//!
//! A metric of proxy-wasm has a name and no labels. [`MetricNames`] lists the two ways to encode labels in a name.
//! The configuration bounds the values of a label: a proxy never drops a series, and no request must be able to add
//! one.

use super::label::{Label, flat_value, plain_value};
use crate::reporting::MetricNames;

/// What the name of every metric begins with.
pub const PREFIX: &str = "peergate_";

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
    help: "Requests by decision. Each request counts once for its decision, and once more for each `Audit` rule, \
           `Custom` rule and rule in shadow that it matched.",
};

/// The revision in force.
pub const REVISION: Metric = Metric {
    name: "peergate_policy_revision",
    kind: MetricKind::Gauge,
    labels: &[Label::Policy],
    help: "Revision of the policy that the proxy runs: its 12 hexadecimal digits as a number, or 0 if the revision \
           has another form.",
};

/// When the config in force was taken.
pub const LOADED: Metric = Metric {
    name: "peergate_policy_loaded_timestamp_seconds",
    kind: MetricKind::Gauge,
    labels: &[Label::Policy],
    help: "Time at which the proxy loaded the current configuration, in seconds since 1970.",
};

/// Rules in force.
pub const RULES: Metric = Metric {
    name: "peergate_policy_rules",
    kind: MetricKind::Gauge,
    labels: &[Label::Policy],
    help: "Number of rules in force, including the rules of followers.",
};

/// When rules expire.
pub const EXPIRY: Metric = Metric {
    name: "peergate_rule_expiry_timestamp_seconds",
    kind: MetricKind::Gauge,
    labels: &[Label::Policy, Label::Rule],
    help: "The rule's `notAfter`, in seconds since 1970. Rules without one have no series; the value becomes 0 when a \
           rule is removed or loses its `notAfter`.",
};

/// Configs that were refused.
pub const REJECTIONS: Metric = Metric {
    name: "peergate_config_rejections_total",
    kind: MetricKind::Counter,
    labels: &[],
    help: "Configurations that the filter rejected. The proxy's log contains the reason.",
};

/// Memory of the VM.
pub const MEMORY: Metric = Metric {
    name: "peergate_memory_bytes",
    kind: MetricKind::Gauge,
    labels: &[],
    help: "Linear memory of the filter's VM, in bytes. Each worker thread of a proxy has its own VM; the value is \
           from the VM whose memory grew last.",
};

/// Log lines that were left out.
pub const OMITTED: Metric = Metric {
    name: "peergate_log_lines_omitted_total",
    kind: MetricKind::Counter,
    labels: &[],
    help: "Denials and shadow hits that were counted but not logged because of the log's rate limit.",
};

/// The filter beside RBAC.
pub const COMPARISONS: Metric = Metric {
    name: "peergate_plane_comparisons_total",
    kind: MetricKind::Counter,
    labels: &[Label::Policy, Label::Verdicts],
    help: "Requests by the verdicts of the filter and of Envoy's RBAC. Only `peergate_filter_comparing.wasm` has this \
           metric.",
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
    help: "Requests by caller, method and path, in learning mode only. Each worker thread of a proxy has at most \
           `maxSeries` series. Beyond that limit, requests count in one series per rule and effect, with `-other-`.",
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

    /// A regular expression (RE2) for names that have the values of labels in them: flat names, and labelled ones of a
    /// proxy that does not take labels out of names.
    pub fn unlabelled_pattern(&self) -> String {
        let (stem, _) = self.stem_and_ending();
        let marker = self.labels.first().map_or("", |label| label.marker());
        format!("({stem}_{marker}|{})_.+", self.name)
    }

    /// The name in Prometheus of the series with these values of the labels, of a proxy that names it
    /// [`Labelled`](MetricNames::Labelled) and does not take labels out of names. Values that differ in `-` and `_`
    /// alone share it.
    pub fn unlabelled_name(&self, values: &[&str]) -> String {
        let name = self.series(MetricNames::Labelled, values);
        let plain = |character: char| match character {
            letter if letter.is_ascii_alphanumeric() => letter,
            _ => '_',
        };
        name.chars().map(plain).collect()
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
