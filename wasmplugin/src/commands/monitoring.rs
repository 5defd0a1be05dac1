//! `peergate monitoring`.

use std::path::PathBuf;

use peergate_fault::{ExitStatus, Failure, Fault};
use peergate_report::generated::with_header;
use peergate_report::rendered::files::File;
use peergate_report::rendered::prometheus_rule::prometheus_rule;
use thiserror::Error;

use crate::out_args::{OutArgs, Target};
use crate::{output, report};

/// Write alerts and recording rules for Prometheus, and dashboards for Grafana
///
/// `peergate explain ALERT` explains an alert and what to do about it. Several parts need a folder: `--out DIR/`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  peergate monitoring --out monitoring/
  peergate monitoring --only alerts
  peergate monitoring --layout prometheus-rule --only rules,alerts |
    kubectl apply -n monitoring -f -")]
pub(crate) struct Args {
    /// Parts to write, comma-separated [default: all]
    #[arg(long, value_name = "PART", value_enum, value_delimiter = ',')]
    only: Vec<Part>,
    /// Layout of the rules and alerts
    #[arg(long, value_name = "LAYOUT", value_enum, default_value_t)]
    layout: Layout,
    #[command(flatten)]
    out: OutArgs,
}

/// A part of the monitoring configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    /// The recording rules, which the alerts use
    Rules,
    /// The alerts
    Alerts,
    /// The dashboard of all policies and proxies
    Fleet,
    /// The dashboard of one policy
    Service,
    /// The dashboard of one rule
    Rule,
}

/// The layout of the rules and alerts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum Layout {
    /// Rule files for the configuration of Prometheus
    #[default]
    Files,
    /// One `PrometheusRule` object, for the Prometheus operator
    PrometheusRule,
}

impl Part {
    const RULES: [Self; 2] = [Self::Rules, Self::Alerts];
    const DASHBOARDS: [Self; 3] = [Self::Fleet, Self::Service, Self::Rule];

    fn content(self) -> &'static str {
        match self {
            Self::Rules => include_str!("../../../monitoring/rules.yaml"),
            Self::Alerts => include_str!("../../../monitoring/alerts.yaml"),
            Self::Fleet => include_str!("../../../monitoring/dashboards/fleet.json"),
            Self::Service => include_str!("../../../monitoring/dashboards/service.json"),
            Self::Rule => include_str!("../../../monitoring/dashboards/rule.json"),
        }
    }

    fn file_name(self) -> &'static str {
        match self {
            Self::Rules => "rules.yaml",
            Self::Alerts => "alerts.yaml",
            Self::Fleet => "dashboards/fleet.json",
            Self::Service => "dashboards/service.json",
            Self::Rule => "dashboards/rule.json",
        }
    }
}

/// Why nothing is written.
#[derive(Debug, Error)]
enum MonitoringError {
    #[error("{0} files need a folder")]
    SeveralFiles(usize),
    #[error("a `PrometheusRule` cannot hold dashboards")]
    NoRulesForObject,
}

impl Fault for MonitoringError {
    fn status(&self) -> ExitStatus {
        ExitStatus::Invalid
    }

    fn help(&self) -> Option<&str> {
        Some(match self {
            Self::SeveralFiles(_) => {
                "write to a folder, with a `/` at its end: `--out monitoring/`; or choose one part with `--only`"
            }
            Self::NoRulesForObject => "add `rules` or `alerts` to `--only`, or remove `--layout`",
        })
    }
}

pub(crate) fn run(args: &Args) -> Result<ExitStatus, Failure> {
    let has_no_rules =
        !args.only.is_empty() && !args.only.iter().any(|part| Part::RULES.contains(part));
    if args.layout == Layout::PrometheusRule && has_no_rules {
        return Err(MonitoringError::NoRulesForObject.into());
    }
    let files = files(args);
    let force = args.out.force;
    match &args.out.target {
        Target::Folder(folder) => {
            force.write_folder(folder, files)?;
            report::summary(
                "next: load them as the page `monitoring` of the documentation describes",
            );
        }
        Target::Stdout => output::write_stdout(&only_one(files)?.content)?,
        Target::File(path) => force.write_file(path, only_one(files)?.content)?,
    }
    Ok(ExitStatus::Success)
}

/// The files of the chosen parts.
fn files(args: &Args) -> Vec<File> {
    let is_chosen = |part: &Part| args.only.is_empty() || args.only.contains(part);
    let rules: Vec<Part> = Part::RULES.into_iter().filter(is_chosen).collect();
    let mut files = Vec::new();
    match args.layout {
        Layout::Files => {
            files.extend(
                rules
                    .into_iter()
                    .map(|part| yaml(part.file_name(), part.content())),
            );
        }
        Layout::PrometheusRule => {
            let object = prometheus_rule(rules.into_iter().map(Part::content));
            files.push(yaml("prometheus-rule.yaml", &object));
        }
    }
    let dashboards = Part::DASHBOARDS.into_iter().filter(is_chosen);
    files.extend(dashboards.map(|part| File {
        path: PathBuf::from(part.file_name()),
        content: part.content().as_bytes().to_owned(),
    }));
    files
}

fn yaml(name: &str, text: &str) -> File {
    File {
        path: PathBuf::from(name),
        content: with_header("generated. Do not edit", text).into_bytes(),
    }
}

fn only_one(mut files: Vec<File>) -> Result<File, MonitoringError> {
    match (files.pop(), files.len()) {
        (Some(file), 0) => Ok(file),
        (_, others) => Err(MonitoringError::SeveralFiles(others + 1)),
    }
}
