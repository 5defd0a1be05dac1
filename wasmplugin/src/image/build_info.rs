//! The build info that the build writes next to a module.

use serde::Deserialize;
use thiserror::Error;

use super::hash::sha256;

/// The build info of a module.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BuildInfo {
    /// The SHA-256 of the module, in hexadecimal.
    pub(crate) module: String,
    /// The repository of the source.
    pub(crate) source: String,
    /// The commit; empty if unknown.
    pub(crate) revision: String,
    /// Whether files differed from the commit.
    pub(crate) changed: bool,
    /// The tools that reduced the module after compilation.
    pub(crate) optimizer: String,
    /// The crates in the module, its own included.
    pub(crate) dependencies: Vec<Dependency>,
}

/// A crate.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    pub(crate) version: String,
    /// As an SPDX expression.
    pub(crate) license: String,
    /// The SHA-256 of the registry's archive; empty for crates of this repository.
    pub(crate) checksum: String,
}

/// Why a build info does not match a module.
#[derive(Debug, Error)]
pub(crate) enum InvalidBuildInfo {
    #[error("invalid build info: {0}")]
    Json(#[from] serde_json::Error),
    #[error("it describes another module, with the SHA-256 {0}")]
    OtherModule(String),
}

impl BuildInfo {
    /// Reads the build info of `module`.
    pub(crate) fn parse(json: &[u8], module: &[u8]) -> Result<Self, InvalidBuildInfo> {
        let build: Self = serde_json::from_slice(json)?;
        if build.module == sha256(module) {
            Ok(build)
        } else {
            Err(InvalidBuildInfo::OtherModule(build.module))
        }
    }

    /// The version of the filter.
    pub(crate) fn version(&self) -> Option<&str> {
        let mut crates = self.dependencies.iter();
        let filter = crates.find(|of| of.name == "peergate-filter");
        filter.map(|filter| &*filter.version)
    }
}
