//! Why nothing is rendered.

use peergate_fault::{ExitStatus, Fault};
use policy_schema::envoy::NotForPlainEnvoy;
use policy_schema::istio::NoExtension;
use policy_schema::plugin_config::PolicyName;
use policy_schema::wording::counted;
use thiserror::Error;

/// Why nothing is rendered.
#[derive(Debug, Error)]
pub(super) enum RenderError {
    #[error("the mesh does not set `filter.image`")]
    MissingImage,
    #[error(transparent)]
    NoTrafficExtension(NoExtension),
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
    #[error("policy `{name}`: {reason}")]
    NotForPlainEnvoy {
        name: PolicyName,
        reason: NotForPlainEnvoy,
    },
}

impl Fault for RenderError {
    fn status(&self) -> ExitStatus {
        ExitStatus::Invalid
    }

    fn help(&self) -> Option<&str> {
        Some(match self {
            Self::MissingImage => "set `spec.filter.image` of the `Mesh`",
            Self::NoTrafficExtension(_) => "leave `--extension-api` out",
            Self::TooLarge(_) => {
                "divide the policies that they are of: each for fewer workloads, or with fewer rules"
            }
            Self::SameName(_) => {
                "rename one of the two that each is made of: the policy, the gateway, the service or the exception"
            }
            Self::NotTogether => "name it alone under `--only`",
            Self::ChartNeedsFolder => "name a folder: `-o chart/`",
            Self::NotForPlainEnvoy { .. } => return None,
        })
    }
}
