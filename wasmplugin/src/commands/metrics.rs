//! `peergate metrics`.

use std::fmt::Write as _;

use peergate_fault::{ExitStatus, Failure};
use policy_schema::telemetry::Label;
use policy_schema::telemetry::metric::{self, Metric, MetricKind};
use serde::Serialize;
use serde_json::{Value, json};

use crate::output;

/// Say what the filter counts and measures, and how Prometheus gets it
///
/// The filter defines its metrics by the same list.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  peergate metrics
  peergate metrics --output stat-tags           # for Istio's mesh config
  peergate metrics --output relabelling         # for Prometheus, where metricNames is Flat

Exit codes: 0 printed; 1 it could not be written; 3 the arguments are invalid.")]
pub(crate) struct Args {
    /// The form
    #[arg(long, value_name = "FORM", value_enum, default_value_t)]
    output: Form,
}

/// The form.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum Form {
    /// For people
    #[default]
    Human,
    /// For programs
    Json,
    /// As tables of Markdown
    Markdown,
    /// The tags that proxies must be told, as `extraStatTags` of Istio's mesh config
    StatTags,
    /// What gets labels out of flat names, as `metric_relabel_configs` of Prometheus
    Relabelling,
}

pub(crate) fn run(args: &Args) -> Result<ExitStatus, Failure> {
    let content = match args.output {
        Form::Human => human().into_bytes(),
        Form::Json => output::json(&list())?,
        Form::Markdown => markdown().into_bytes(),
        Form::StatTags => output::yaml(&stat_tags())?.into_bytes(),
        Form::Relabelling => {
            output::yaml(&json!({"metric_relabel_configs": relabelling()}))?.into_bytes()
        }
    };
    output::write_stdout(&content)?;
    Ok(ExitStatus::Success)
}

fn human() -> String {
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
        let _ = writeln!(text, "  {:18}{}", label.tag(), label.help());
    }
    text
}

fn list() -> Value {
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
    json!({"metrics": metrics.collect::<Vec<_>>(), "labels": labels.collect::<Vec<_>>()})
}

fn markdown() -> String {
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

fn stat_tags() -> Value {
    json!({"meshConfig": {"defaultConfig": {"extraStatTags": Label::TAGS}}})
}

/// One step of Prometheus' relabelling (Prometheus, configuration, `relabel_config`).
#[derive(Debug, Serialize)]
struct Step {
    source_labels: [&'static str; 1],
    regex: String,
    target_label: &'static str,
    replacement: String,
}

/// For each metric its labels, and then its name.
fn relabelling() -> Vec<Step> {
    metric::ALL.iter().flat_map(steps).collect()
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
