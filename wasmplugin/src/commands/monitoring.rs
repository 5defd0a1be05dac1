//! `peergate monitoring`.

use std::path::Path;

use peergate_fault::{ExitStatus, Failure, Fault};
use peergate_report::rendered::prometheus_rule::prometheus_rule;
use policy_schema::wording::counted;
use thiserror::Error;

use crate::output::{self, NewFile, OutputError, Target};
use crate::report;

/// Write alerts, recording rules and dashboards for what the filter counts
///
/// The rules are for Prometheus, the dashboards for Grafana. docs/monitoring.md says of each alert what it means and
/// what to do.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  peergate monitoring -o monitoring/
  peergate monitoring --only alerts
  peergate monitoring --layout prometheus-rule --only rules,alerts |
    kubectl apply -n monitoring -f -

All files are written or none is.

Exit codes: 0 written; 1 files could not be written, or are there already; 3 the arguments are invalid.")]
pub(crate) struct Args {
    /// What to write; several with commas between them [default: everything]
    #[arg(long, value_name = "PART", value_enum, value_delimiter = ',')]
    only: Vec<Part>,
    /// The form of the rules
    #[arg(long, value_name = "LAYOUT", value_enum, default_value_t)]
    layout: Layout,
    /// Where to write: a folder (with `/` at its end if it does not exist), or for what is one file, as `--only` makes it,
    /// its name, or `-` for stdout
    #[arg(short = 'o', long = "out", value_name = "FILE|DIR/", default_value = "-", value_parser = Target::parse)]
    out: Target,
    /// Overwrite files that exist
    #[arg(long)]
    force: bool,
}

/// Something that can be asked for alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    /// The recording rules, on which the alerts rest
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

/// The form of the rules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum Layout {
    /// Files that the configuration of Prometheus names
    #[default]
    Files,
    /// One object `PrometheusRule`, for clusters with the Prometheus operator
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
    #[error("there are {0} files, and this is a place for one")]
    SeveralFiles(usize),
    #[error("dashboards do not stand in a `PrometheusRule`, and no rules are asked for")]
    NoRulesForObject,
}

impl Fault for MonitoringError {
    fn status(&self) -> ExitStatus {
        ExitStatus::Invalid
    }

    fn help(&self) -> Option<&str> {
        Some(match self {
            Self::SeveralFiles(_) => {
                "name a folder, as `-o monitoring/`, or one of them with `--only`"
            }
            Self::NoRulesForObject => {
                "leave `--layout` out, or name `rules` or `alerts` with `--only` too"
            }
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
    match &args.out {
        Target::Folder(folder) => write_into(folder, files, args.force)?,
        Target::Stdout => output::write_stdout(only_one(files)?.1.as_bytes())?,
        Target::File(path) => {
            let content = only_one(files)?.1.into_bytes();
            let path = path.clone();
            write(vec![NewFile { path, content }], args.force)?;
        }
    }
    Ok(ExitStatus::Success)
}

/// The names and contents of what is asked for.
fn files(args: &Args) -> Vec<(&'static str, String)> {
    let wanted = |part: &Part| args.only.is_empty() || args.only.contains(part);
    let rules: Vec<Part> = Part::RULES.into_iter().filter(wanted).collect();
    let as_is = |part: Part| (part.file_name(), part.content().to_owned());
    let mut files = Vec::new();
    match args.layout {
        Layout::Files => files.extend(rules.into_iter().map(as_is)),
        Layout::PrometheusRule => {
            let object = prometheus_rule(rules.into_iter().map(Part::content));
            files.push(("prometheus-rule.yaml", object));
        }
    }
    files.extend(Part::DASHBOARDS.into_iter().filter(wanted).map(as_is));
    files
}

/// What goes to one place.
fn only_one(
    mut files: Vec<(&'static str, String)>,
) -> Result<(&'static str, String), MonitoringError> {
    match (files.pop(), files.len()) {
        (Some(file), 0) => Ok(file),
        (_, others) => Err(MonitoringError::SeveralFiles(others + 1)),
    }
}

fn write_into(
    folder: &Path,
    files: Vec<(&'static str, String)>,
    force: bool,
) -> Result<(), OutputError> {
    let files: Vec<NewFile> = files
        .into_iter()
        .map(|(name, content)| NewFile {
            path: folder.join(name),
            content: content.into_bytes(),
        })
        .collect();
    for parent in files.iter().filter_map(|file| file.path.parent()) {
        output::create_folder(parent)?;
    }
    let count = files.len();
    write(files, force)?;
    report::summary(format!(
        "wrote {} to {}; next: docs/monitoring.md",
        counted(count, "file", "files"),
        folder.display()
    ));
    Ok(())
}

fn write(files: Vec<NewFile>, force: bool) -> Result<(), OutputError> {
    if force {
        output::write_files(files)
    } else {
        output::create_files(files)
    }
}
