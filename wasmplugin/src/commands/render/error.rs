//! Why nothing is rendered.

use peergate_fault::{ExitStatus, Fault};
use policy_schema::wording::counted;
use thiserror::Error;

/// Why nothing is rendered.
#[derive(Debug, Error)]
pub(super) enum RenderError {
    /// Which they are has been shown.
    #[error("nothing is rendered: {} too large", counted(*.0, "object is", "objects are"))]
    TooLarge(usize),
    /// Which they are has been shown.
    #[error("nothing is rendered: {} the name of another", counted(*.0, "object has", "objects have"))]
    SameName(usize),
    #[error("`plugin-config` and `envoy` are rendered alone")]
    NotTogether,
    #[error("a chart is a folder")]
    ChartNeedsFolder,
}

impl Fault for RenderError {
    fn status(&self) -> ExitStatus {
        ExitStatus::Invalid
    }

    fn help(&self) -> Option<&str> {
        Some(match self {
            Self::TooLarge(_) => {
                "divide the policies that they are of: each for fewer workloads, or with fewer rules"
            }
            Self::SameName(_) => {
                "rename one of the two that each is made of: the policy, the gateway, the service or the exception"
            }
            Self::NotTogether => "name it alone under `--only`",
            Self::ChartNeedsFolder => "name a folder: `-o chart/`",
        })
    }
}
