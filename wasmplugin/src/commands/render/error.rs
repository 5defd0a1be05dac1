//! Why nothing is rendered.

use peergate_fault::{ExitStatus, Fault};
use policy_schema::wording::counted;
use thiserror::Error;

/// Why nothing is rendered.
#[derive(Debug, Error)]
pub(super) enum RenderError {
    /// The objects have been shown.
    #[error("nothing was rendered: {} too large", counted(*.0, "object is", "objects are"))]
    TooLarge(usize),
    /// The objects have been shown.
    #[error("nothing was rendered: {} the name of another", counted(*.0, "object has", "objects have"))]
    SameName(usize),
    #[error("`plugin-config` and `envoy` cannot be combined with other kinds")]
    NotTogether,
    #[error("a Helm chart needs a folder")]
    ChartNeedsFolder,
    #[error("`--prune` needs a folder")]
    PruneNeedsFolder,
}

impl Fault for RenderError {
    fn status(&self) -> ExitStatus {
        ExitStatus::Invalid
    }

    fn help(&self) -> Option<&str> {
        Some(match self {
            Self::TooLarge(_) => {
                "split their policies, so that each has fewer workloads or fewer rules"
            }
            Self::SameName(_) => {
                "rename the policy, gateway, service or exception of one of the two"
            }
            Self::NotTogether => "pass it to `--only` alone",
            Self::ChartNeedsFolder => "use a folder: `--out chart/`",
            Self::PruneNeedsFolder => "use a folder: `--out manifests/`",
        })
    }
}
