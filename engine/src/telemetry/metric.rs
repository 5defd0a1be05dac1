//! The filter's metrics: their names, labels and series.
//!
//! In proxy-wasm, a metric has a name but no labels. [`MetricNames`] lists the two ways to encode
//! labels in a name. The values of labels are bounded by the configuration: a proxy never drops a
//! series, so requests must not be able to add any.

use super::label::{Label, flat_value, plain_value};
use crate::reporting::MetricNames;

/// The prefix of all metric names.
pub const PREFIX: &str = "peergate_";

/// A metric of the filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metric {
    /// The name in Prometheus.
    pub name: &'static str,
    /// The kind of its values.
    pub kind: MetricKind,
    /// Its labels.
    pub labels: &'static [Label],
    /// A description in one or two sentences.
    pub help: &'static str,
}

/// The kind of a metric's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricKind {
    /// It only grows until the proxy restarts.
    Counter,
    /// It can go up and down.
    Gauge,
}

/// A Prometheus relabelling rule that extracts labels from flat names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlatPattern {
    /// A regular expression (RE2) for the whole name.
    pub pattern: String,
    /// Each label with its value, composed of the expression's groups.
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

/// The active revision.
pub const REVISION: Metric = Metric {
    name: "peergate_policy_revision",
    kind: MetricKind::Gauge,
    labels: &[Label::Policy],
    help: "Revision of the policy that the proxy runs: its 12 hexadecimal digits as a number, or 0 if the revision \
           has another form.",
};

/// When the active configuration was loaded.
pub const LOADED: Metric = Metric {
    name: "peergate_policy_loaded_timestamp_seconds",
    kind: MetricKind::Gauge,
    labels: &[Label::Policy],
    help: "Time at which the proxy loaded the current configuration, in seconds since 1970.",
};

/// Active rules.
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

/// Rejected configurations.
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

/// Omitted log lines.
pub const OMITTED: Metric = Metric {
    name: "peergate_log_lines_omitted_total",
    kind: MetricKind::Counter,
    labels: &[],
    help: "Denials and shadow hits that were counted but not logged because of the log's rate limit.",
};

/// RBAC comparisons.
pub const COMPARISONS: Metric = Metric {
    name: "peergate_plane_comparisons_total",
    kind: MetricKind::Counter,
    labels: &[Label::Policy, Label::Verdicts],
    help: "Requests by the verdicts of the filter and of Envoy's RBAC. Only `peergate_filter_comparing.wasm` has this \
           metric.",
};

/// Requests in learning mode.
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
    /// The name of the series with these label values, in the labels' order.
    ///
    /// No two series share a name: values do not contain the characters that end them. In a flat
    /// name they also do not contain upper-case letters (except `NONE`), which the words between
    /// them consist of.
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

    /// A regular expression (RE2) for names that contain label values: flat names, and labelled
    /// names from a proxy that does not extract labels.
    pub fn unlabelled_pattern(&self) -> String {
        let (stem, _) = self.stem_and_ending();
        let marker = self.labels.first().map_or("", |label| label.marker());
        format!("({stem}_{marker}|{})_.+", self.name)
    }

    /// The Prometheus name of the series with these label values if a proxy names it
    /// [`Labelled`](MetricNames::Labelled) but does not extract labels. Values that differ only in
    /// `-` and `_` share a name.
    pub fn unlabelled_name(&self, values: &[&str]) -> String {
        let name = self.series(MetricNames::Labelled, values);
        let plain = |character: char| match character {
            letter if letter.is_ascii_alphanumeric() => letter,
            _ => '_',
        };
        name.chars().map(plain).collect()
    }

    /// How to extract labels from the metric's flat names; `None` for a metric without labels,
    /// which has a fixed name.
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

    /// The label values in a flat name of the metric, in the labels' order; `None` for any other
    /// name.
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

    /// Splits the name into its stem and the suffix of counters.
    fn stem_and_ending(&self) -> (&'static str, &'static str) {
        match self.name.strip_suffix("_total") {
            Some(stem) => (stem, "_total"),
            None => (self.name, ""),
        }
    }
}
