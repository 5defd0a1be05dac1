//! Which parts of a mesh to inspect.

use std::path::{Path, PathBuf};

use clap::ArgGroup;

use crate::{input, probe};

/// What is looked at.
#[derive(Debug, clap::Args)]
#[group(skip)]
#[command(
    group(ArgGroup::new("mesh").required(true).multiple(true)),
    group(ArgGroup::new("objects").multiple(true))
)]
pub(super) struct MeshArgs {
    /// Manifests, or what `kubectl get -o yaml` says: a file, a folder, or `-` for stdin; repeatable
    #[arg(long, value_name = "PATH", groups = ["mesh", "objects"])]
    pub(super) manifests: Vec<PathBuf>,
    /// Look at the cluster of a kubeconfig, and at the proxies in it
    #[arg(long, groups = ["mesh", "objects"])]
    pub(super) cluster: bool,
    /// With `--cluster`: the kubeconfig [default: as `kubectl` finds it]
    #[arg(long, value_name = "FILE", requires = "cluster")]
    pub(super) kubeconfig: Option<PathBuf>,
    /// With `--cluster`: the context [default: the current one]
    #[arg(long, value_name = "NAME", requires = "cluster")]
    pub(super) context: Option<String>,
    /// With `--cluster`: leave the proxies alone
    #[arg(long, requires = "cluster")]
    pub(super) skip_proxies: bool,
    /// A proxy's admin endpoint, `http://HOST:PORT`, or a file with what it said at `/config_dump`; repeatable
    #[arg(long, value_name = "URL|FILE", group = "mesh", value_parser = parse_proxy)]
    pub(super) proxy: Vec<String>,
    /// A workload's port to try, in plaintext and as a foreigner; repeatable
    #[arg(long, value_name = "HOST:PORT", group = "mesh", value_parser = probe::parse_address)]
    pub(super) probe: Vec<String>,
    /// Try the ports of the pods that were seen; for where they can be reached
    #[arg(long, requires = "objects")]
    pub(super) probe_pods: bool,
}

impl MeshArgs {
    pub(super) fn uses_stdin(&self) -> bool {
        let proxies = self.proxy.iter().map(Path::new);
        let mut paths = self.manifests.iter().map(PathBuf::as_path).chain(proxies);
        paths.any(input::is_stdin)
    }

    pub(super) fn asks_for_objects(&self) -> bool {
        self.cluster || !self.manifests.is_empty()
    }
}

/// The host and port of an admin endpoint's URL; none for the name of a file.
pub(super) fn address(proxy: &str) -> Option<&str> {
    proxy.strip_prefix(HTTP)
}

const HTTP: &str = "http://";

/// Reads the URL of an admin endpoint, which becomes `http://HOST:PORT`, or the name of a file.
fn parse_proxy(text: &str) -> Result<String, String> {
    let Some((scheme, rest)) = text.split_once("://") else {
        return Ok(text.to_owned());
    };
    if !scheme.eq_ignore_ascii_case("http") {
        return Err(format!(
            "`{scheme}` is not supported, since admin endpoints speak plain HTTP: write `http://HOST:PORT`, or the name of a file"
        ));
    }
    let address = rest.strip_suffix('/').unwrap_or(rest);
    probe::parse_address(address)
        .map(|address| format!("{HTTP}{address}"))
        .map_err(|_| {
            "write `http://` with a host and a port alone, such as `http://localhost:15000`"
                .to_owned()
        })
}
