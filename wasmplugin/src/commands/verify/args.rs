//! Which parts of a mesh to inspect.

use std::path::{Path, PathBuf};

use clap::ArgGroup;
use peergate_fault::Failure;
use peergate_mesh::probe;
use peergate_mesh::verification::scope::{ClusterScope, Scope};
use policy_schema::verify::Proxy;

use super::error::VerifyError;
use crate::{input, manifests};

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
    manifests: Vec<PathBuf>,
    /// Look at the cluster of a kubeconfig, and at the proxies in it
    #[arg(long, groups = ["mesh", "objects"])]
    cluster: bool,
    /// With `--cluster`: the kubeconfig [default: as `kubectl` finds it]
    #[arg(long, value_name = "FILE", requires = "cluster")]
    kubeconfig: Option<PathBuf>,
    /// With `--cluster`: the context [default: the current one]
    #[arg(long, value_name = "NAME", requires = "cluster")]
    context: Option<String>,
    /// With `--cluster`: leave the proxies alone
    #[arg(long, requires = "cluster")]
    skip_proxies: bool,
    /// A proxy's admin endpoint, `http://HOST:PORT`, or a file with what it said at `/config_dump`; repeatable
    #[arg(long, value_name = "URL|FILE", group = "mesh", value_parser = parse_proxy)]
    proxy: Vec<String>,
    /// A workload's port to try, in plaintext and as a foreigner; repeatable
    #[arg(long, value_name = "HOST:PORT", group = "mesh", value_parser = probe::parse_address)]
    probe: Vec<String>,
    /// Try the ports of the pods that were seen; for where they can be reached
    #[arg(long, requires = "objects")]
    probe_pods: bool,
}

impl MeshArgs {
    pub(super) fn uses_stdin(&self) -> bool {
        let proxies = self.proxy.iter().map(Path::new);
        let mut paths = self.manifests.iter().map(PathBuf::as_path).chain(proxies);
        paths.any(input::is_stdin)
    }

    /// Reads the files that are named.
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

/// A proxy, as a file says that it said.
fn read_proxy(path: &Path) -> Result<Proxy, VerifyError> {
    let name = input::name_of(path);
    let dump = input::bytes(path).map_err(VerifyError::Unread)?;
    Proxy::from_config_dump(&name, &dump)
        .map_err(|reason| VerifyError::NoConfigDump { name, reason })
}

/// The host and port of an admin endpoint's URL; none for the name of a file.
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
