//! Why nothing is learnt.

use std::sync::LazyLock;

use peergate_fault::{ExitStatus, Fault};
use policy_schema::telemetry::metric::OBSERVED;
use thiserror::Error;

use crate::learning::access_log::InvalidLine;
use crate::learning::counters::InvalidSeries;

/// Why nothing is learnt.
#[derive(Debug, Error)]
pub(super) enum LearnError {
    #[error("`{name}` is no access log that can be learnt from: line {line}: {reason}")]
    NoAccessLog {
        name: String,
        line: usize,
        reason: InvalidLine,
    },
    #[error("what Prometheus has is not of the filter's learning mode: {0}")]
    NotOfLearningMode(#[from] InvalidSeries),
    /// What is wrong with what would be written has been shown.
    #[error("nothing is written: what was learnt is not accepted: {0}")]
    NotLearnt(String),
    /// The same.
    #[error("nothing is written: what was learnt is not accepted: {0}")]
    LearntWithoutService(String),
}

/// The help where the counter of the learning mode has series of another origin.
static OTHER_SERIES: LazyLock<String> = LazyLock::new(|| {
    format!(
        "see what else is scraped under the name `{}`",
        OBSERVED.name
    )
});

impl Fault for LearnError {
    fn status(&self) -> ExitStatus {
        ExitStatus::Invalid
    }

    fn help(&self) -> Option<&str> {
        Some(match self {
            Self::NoAccessLog { reason, .. } => match reason {
                InvalidLine::NoPolicy => "name the policy with `--workload NAMESPACE/NAME`",
                InvalidLine::Prefixed => {
                    "print the lines alone, as by `kubectl logs` or `stern --output raw`"
                }
                InvalidLine::Utf16 => "convert it to UTF-8, as by `iconv -f UTF-16 -t UTF-8`",
                InvalidLine::Compressed => {
                    "decompress it first, as by `gzip -dc FILE | peergate learn --access-log -`"
                }
                _ => {
                    "write it as JSON, one object a line, with the fields that docs/learn.md names"
                }
            },
            Self::NotOfLearningMode(_) => &OTHER_SERIES,
            Self::NotLearnt(_) => {
                "see whether the log is of this mesh, then leave out what is named above, or write the rules by hand"
            }
            Self::LearntWithoutService(_) => {
                "name the service's port with `--service-port`, or write the policy by hand"
            }
        })
    }
}
