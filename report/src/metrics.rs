//! The filter's metrics, and how to scrape them with Prometheus.

use std::fmt::Write as _;

use policy_schema::telemetry::Label;
use policy_schema::telemetry::metric::{self, Metric, MetricKind};
use serde::Serialize;
use serde_json::json;

use crate::columns::{Layout, left};
use crate::serialized::{self, SerializeError};

/// Labels and their descriptions.
const LABELS: Layout<'_> = Layout {
    indent: 2,
    gap: 0,
    columns: &[left(18), left(0)],
};

/// Formats the metrics as text.
pub fn human() -> String {
    let mut text = String::new();
    for metric in metric::ALL {
        let labels: Vec<_> = metric.labels.iter().map(|label| label.tag()).collect();
        let labels = if labels.is_empty() {
            String::new()
        } else {
            format!("{{{}}}", labels.join(", "))
        };
        let _ = writeln!(text, "{}{labels}", metric.name);
        let _ = writeln!(text, "  {}. {}\n", word(metric.kind), metric.help);
    }
    text.push_str("Labels\n");
    for label in Label::ALL {
        text += &LABELS.line([label.tag(), label.help()]);
        text.push('\n');
    }
    text
}

/// Formats the metrics as JSON.
pub fn json() -> Result<Vec<u8>, SerializeError> {
    let metrics = metric::ALL.iter().map(|metric| {
        let labels: Vec<_> = metric.labels.iter().map(|label| label.tag()).collect();
        json!({
            "name": metric.name,
            "kind": word(metric.kind).to_lowercase(),
            "labels": labels,
            "help": metric.help,
        })
    });
    let labels = Label::ALL
        .iter()
        .map(|label| json!({"name": label.tag(), "help": label.help()}));
    serialized::json(&json!({
        "metrics": metrics.collect::<Vec<_>>(),
        "labels": labels.collect::<Vec<_>>(),
    }))
}

/// Formats the metrics as Markdown tables.
pub fn markdown() -> String {
    let mut text = "| metric | kind | labels | meaning |\n| --- | --- | --- | --- |\n".to_owned();
    for metric in metric::ALL {
        let labels: Vec<_> = metric
            .labels
            .iter()
            .map(|label| format!("`{}`", label.tag()))
            .collect();
        let labels = if labels.is_empty() {
            "none".to_owned()
        } else {
            labels.join(", ")
        };
        let kind = word(metric.kind).to_lowercase();
        let _ = writeln!(
            text,
            "| `{}` | {kind} | {labels} | {} |",
            metric.name, metric.help
        );
    }
    text.push_str("\n| label | value |\n| --- | --- |\n");
    for label in Label::ALL {
        let _ = writeln!(text, "| `{}` | {} |", label.tag(), label.help());
    }
    text
}

fn word(kind: MetricKind) -> &'static str {
    match kind {
        MetricKind::Counter => "Counter",
        MetricKind::Gauge => "Gauge",
    }
}

/// The tags that proxies need, as `extraStatTags` of Istio's mesh config.
pub fn stat_tags() -> Result<String, SerializeError> {
    serialized::yaml(&json!({"meshConfig": {"defaultConfig": {"extraStatTags": Label::TAGS}}}))
}

/// A relabeling step (Prometheus, configuration, `relabel_config`).
#[derive(Debug, Serialize)]
struct Step {
    source_labels: [&'static str; 1],
    regex: String,
    target_label: &'static str,
    replacement: String,
}

/// Prometheus' `metric_relabel_configs` to extract labels from flat names. The steps of a metric set its labels before its
/// name.
pub fn relabelling() -> Result<String, SerializeError> {
    let steps: Vec<_> = metric::ALL.iter().flat_map(steps).collect();
    serialized::yaml(&json!({"metric_relabel_configs": steps}))
}

fn steps(metric: &Metric) -> Vec<Step> {
    let Some(flat) = metric.flat_pattern() else {
        return Vec::new();
    };
    let name = ("__name__", metric.name.to_owned());
    let labels = flat.values.into_iter();
    let labels = labels.map(|(label, value)| (label.tag(), value));
    labels
        .chain([name])
        .map(|(target_label, replacement)| Step {
            source_labels: ["__name__"],
            regex: flat.pattern.clone(),
            target_label,
            replacement,
        })
        .collect()
}
