//! Which parts of a mesh to inspect.

use std::path::{Path, PathBuf};

use clap::ArgGroup;
use peergate_fault::Failure;
use peergate_mesh::probe;
use peergate_mesh::verification::scope::{ClusterScope, Scope};
use policy_schema::verify::Proxy;

use super::error::VerifyError;
use crate::{input, manifests};

/// Which parts of a mesh to inspect.
#[derive(Debug, clap::Args)]
#[group(skip)]
#[command(
    group(ArgGroup::new("mesh").required(true).multiple(true)),
    group(ArgGroup::new("objects").multiple(true))
)]
pub(super) struct MeshArgs {
    /// Inspect manifests or the output of `kubectl get -o yaml`: a file, a folder, or `-` for stdin; repeatable
    #[arg(long, value_name = "PATH", groups = ["mesh", "objects"])]
    manifests: Vec<PathBuf>,
    /// Inspect a cluster and the proxies in it
    #[arg(long, groups = ["mesh", "objects"])]
    cluster: bool,
    /// With `--cluster`: kubeconfig file [default: the same as for `kubectl`]
    #[arg(long, value_name = "FILE", requires = "cluster")]
    kubeconfig: Option<PathBuf>,
    /// With `--cluster`: kubeconfig context [default: the current one]
    #[arg(long, value_name = "NAME", requires = "cluster")]
    context: Option<String>,
    /// With `--cluster`: do not contact the proxies
    #[arg(long, requires = "cluster")]
    skip_proxies: bool,
    /// Inspect a proxy: its admin endpoint `http://HOST:PORT`, or a file with its `/config_dump`; repeatable
    #[arg(long, value_name = "URL|FILE", group = "mesh", value_parser = parse_proxy)]
    proxy: Vec<String>,
    /// Probe a workload's port, in plaintext and with a foreign certificate; repeatable
    #[arg(long, value_name = "HOST:PORT", group = "mesh", value_parser = probe::parse_address)]
    probe: Vec<String>,
    /// Probe the ports of all inspected pods, which must be reachable from here
    #[arg(long, requires = "objects")]
    probe_pods: bool,
}

impl MeshArgs {
    pub(super) fn uses_stdin(&self) -> bool {
        let proxies = self.proxy.iter().map(Path::new);
        let mut paths = self.manifests.iter().map(PathBuf::as_path).chain(proxies);
        paths.any(input::is_stdin)
    }

    /// Reads the named files.
    pub(super) fn scope(&self) -> Result<Scope, Failure> {
        let named = self.manifests.as_slice();
        let manifests = (!named.is_empty()).then(|| manifests::read(named));
        let cluster = self.cluster.then(|| ClusterScope {
            kubeconfig: self.kubeconfig.clone(),
            context: self.context.clone(),
            skip_proxies: self.skip_proxies,
        });
        let mut scope = Scope {
            manifests: manifests.transpose()?,
            cluster,
            ports: self.probe.clone(),
            pod_ports: self.probe_pods,
            ..Scope::default()
        };
        for proxy in &self.proxy {
            match address(proxy) {
                Some(address) => scope.admin_endpoints.push(address.to_owned()),
                None => scope.proxies.push(read_proxy(Path::new(proxy))?),
            }
        }
        Ok(scope)
    }
}

/// A proxy, from a file with its configuration.
fn read_proxy(path: &Path) -> Result<Proxy, VerifyError> {
    let name = input::name_of(path);
    let dump = input::bytes(path).map_err(VerifyError::Unread)?;
    Proxy::from_config_dump(&name, &dump)
        .map_err(|reason| VerifyError::NoConfigDump { name, reason })
}

/// The host and port of an admin endpoint's URL; `None` for a file name.
fn address(proxy: &str) -> Option<&str> {
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
            "`{scheme}` is not supported, since admin endpoints use plain HTTP; use `http://HOST:PORT` or a file name"
        ));
    }
    let address = rest.strip_suffix('/').unwrap_or(rest);
    probe::parse_address(address)
        .map(|address| format!("{HTTP}{address}"))
        .map_err(|_| "use `http://HOST:PORT`, such as `http://localhost:15000`".to_owned())
}
