//! The Envoy executable.

use std::env;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::Error;

/// The name in errors.
pub(super) const PROGRAM: &str = "Envoy";

/// The minor versions of Envoy 1 that the bootstraps support.
const SUPPORTED: RangeInclusive<u32> = 30..=49;

/// An Envoy executable that runs on this machine.
#[derive(Clone, Debug)]
pub struct EnvoyBinary {
    path: PathBuf,
    version: String,
}

impl EnvoyBinary {
    /// Finds an Envoy from 1.30 to 1.49. If the environment variable `PEERGATE_ENVOY` is set, only tries that executable. Otherwise
    /// tries `envoy` on the `PATH`, then `fallback`.
    ///
    /// # Errors
    ///
    /// [`Error::EnvoyNotFound`] lists the tried executables and the reasons.
    pub fn find(fallback: Option<&Path>) -> Result<Self, Error> {
        let candidates = match env::var_os("PEERGATE_ENVOY") {
            Some(chosen) => vec![PathBuf::from(chosen)],
            None => [Some(Path::new("envoy")), fallback]
                .into_iter()
                .flatten()
                .map(Into::into)
                .collect(),
        };
        let mut tried = Vec::new();
        for path in candidates {
            match Self::at(&path) {
                Ok(binary) => return Ok(binary),
                Err(reason) => tried.push(format!("{}: {reason}", path.display())),
            }
        }
        Err(Error::EnvoyNotFound {
            tried: tried.join("; "),
        })
    }

    /// The path of the executable, or a bare name on the `PATH`.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The version, such as `1.40.0`.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Validates a bootstrap with Envoy, including its files and Wasm modules, without serving it.
    ///
    /// # Errors
    ///
    /// [`Error::Exited`] with Envoy's errors.
    pub fn validate(&self, bootstrap: &Value) -> Result<(), Error> {
        let dir = TempDir::with_prefix("peergate-envoy-")
            .map_err(Error::io("make a temporary directory"))?;
        let config = write_bootstrap(dir.path(), bootstrap)?;
        let output = self
            .command()
            .args(["--mode", "validate", "--log-level", "error"])
            .arg("--config-path")
            .arg(&config)
            .output()
            .map_err(Error::at("run", &self.path))?;
        if output.status.success() {
            return Ok(());
        }
        Err(Error::Exited {
            program: PROGRAM,
            status: output.status,
            log: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
    }

    /// A command without hot restart, whose shared memory would prevent parallel instances and outlive them.
    pub(super) fn command(&self) -> Command {
        let mut command = Command::new(&self.path);
        command.arg("--disable-hot-restart").stdin(Stdio::null());
        command
    }

    fn at(path: &Path) -> Result<Self, String> {
        let output = Command::new(path)
            .arg("--version")
            .stdin(Stdio::null())
            .output()
            .map_err(|error| error.to_string())?;
        let text = String::from_utf8_lossy(&output.stdout);
        let version = version(&text).ok_or("prints no Envoy version")?;
        if is_supported(version) {
            Ok(Self {
                path: path.into(),
                version: version.into(),
            })
        } else {
            Err(format!("version {version} is not supported"))
        }
    }
}

/// The version in `envoy  version: <commit>/1.40.0/Clean/RELEASE/BoringSSL`.
fn version(text: &str) -> Option<&str> {
    let (_, build) = text.split_once("version: ")?;
    build.split('/').nth(1)
}

fn is_supported(version: &str) -> bool {
    let minor = || version.strip_prefix("1.")?.split('.').next()?.parse().ok();
    minor().is_some_and(|minor| SUPPORTED.contains(&minor))
}

/// Writes a bootstrap to a file in `dir` and returns its path.
pub(super) fn write_bootstrap(dir: &Path, bootstrap: &Value) -> Result<PathBuf, Error> {
    let path = dir.join("bootstrap.json");
    std::fs::write(&path, format!("{bootstrap:#}")).map_err(Error::at("write", &path))?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_version() {
        let line = "\nenvoy  version: 9e5580/1.40.0/Clean/RELEASE/BoringSSL\n";
        assert_eq!(version(line), Some("1.40.0"));
        assert_eq!(version("envoy, a different one"), None);
    }

    #[test]
    fn accepts_supported_versions() {
        assert!(is_supported("1.30.0") && is_supported("1.40.1-dev"));
        assert!(!is_supported("1.3.0") && !is_supported("1.29.9") && !is_supported("2.40.0"));
    }

    #[test]
    fn rejects_programs_other_than_envoy() {
        let reason = EnvoyBinary::at(Path::new("true")).unwrap_err();
        assert!(reason.contains("no Envoy"), "{reason}");
        EnvoyBinary::at(Path::new("/nonexistent/envoy")).unwrap_err();
    }
}
