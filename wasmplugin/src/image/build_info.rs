//! What a module was made of, as the build leaves it beside the module.

use serde::Deserialize;
use thiserror::Error;

use super::hash::sha256;

/// What a module was made of.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BuildInfo {
    /// The SHA-256 of the module, in hexadecimal.
    pub(crate) module: String,
    /// The repository of the source.
    pub(crate) source: String,
    /// The commit; empty if it is not known.
    pub(crate) revision: String,
    /// Whether files differed from the commit.
    pub(crate) changed: bool,
    /// What made the module smaller after the compiler.
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

/// Why a build info says nothing about a module.
#[derive(Debug, Error)]
pub(crate) enum InvalidBuildInfo {
    #[error("it is no build info: {0}")]
    Json(#[from] serde_json::Error),
    #[error("it is about another module: one with the SHA-256 {0}")]
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
