//! `peergate certs cluster`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use super::days;
use super::root::parse_trust_domain;
use crate::certificates::authority::{self, Authority};
use crate::commands::package::read;
use crate::exit_status::ExitStatus;
use crate::failure::Failure;
use crate::output;

/// Make an intermediate of a root for a cluster, and the Secret `cacerts` with it
///
/// Istio's CA takes it when it starts, and issues by it from then on.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  peergate certs cluster --root root/ --trust-domain cluster.local --cluster east -o east/
  kubectl apply -f east/cacerts.yaml && kubectl rollout restart -n istio-system deployment/istiod

Writes ca-cert.pem, ca-key.pem, cert-chain.pem and root-cert.pem, and cacerts.yaml
with all of them. Files that exist are not overwritten; all of it is readable by its
owner alone.

Exit codes: 0 made; 1 files could not be read or written; 3 the root or the arguments are invalid.")]
pub(super) struct Args {
    /// The folder with root-cert.pem and root-key.pem
    #[arg(long, value_name = "DIR")]
    root: PathBuf,
    /// The trust domain
    #[arg(long, value_name = "NAME", value_parser = parse_trust_domain)]
    trust_domain: String,
    /// The cluster, by a name for people
    #[arg(long, value_name = "NAME")]
    cluster: String,
    /// For how many days it is good
    #[arg(long, default_value_t = 365, value_parser = clap::value_parser!(u16).range(1..))]
    days: u16,
    /// The namespace of istiod
    #[arg(long, default_value = "istio-system")]
    namespace: String,
    /// The folder to write to
    #[arg(short = 'o', long = "out", value_name = "DIR")]
    out: PathBuf,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Secret<'s> {
    api_version: &'static str,
    kind: &'static str,
    metadata: Metadata<'s>,
    #[serde(rename = "type")]
    kind_of_data: &'static str,
    data: BTreeMap<&'s str, String>,
}

#[derive(Serialize)]
struct Metadata<'s> {
    name: &'static str,
    namespace: &'s str,
}

pub(super) fn run(args: &Args) -> Result<ExitStatus, Failure> {
    let text = |name: &str| -> Result<String, Failure> {
        let content = read(&args.root.join(name))?;
        Ok(String::from_utf8_lossy(&content).into_owned())
    };
    let root = Authority {
        certificate_pem: text("root-cert.pem")?,
        key_pem: text("root-key.pem")?,
    };
    let lifetime = days(args.days);
    let now = SystemTime::now();
    let intermediate =
        authority::intermediate(&root, &args.trust_domain, &args.cluster, lifetime, now)?;
    let chain = authority::chain(&intermediate, &root);
    let files = [
        ("ca-cert.pem", intermediate.certificate_pem.as_str()),
        ("ca-key.pem", &intermediate.key_pem),
        ("cert-chain.pem", &chain),
        ("root-cert.pem", &root.certificate_pem),
    ];
    let data = files.map(|(name, content)| (name, STANDARD.encode(content)));
    let secret = output::yaml(&Secret {
        api_version: "v1",
        kind: "Secret",
        metadata: Metadata {
            name: "cacerts",
            namespace: &args.namespace,
        },
        kind_of_data: "Opaque",
        data: data.into(),
    })?;
    let files: Vec<_> = files
        .iter()
        .chain([&("cacerts.yaml", secret.as_str())])
        .map(|(name, content)| (*name, content.as_bytes()))
        .collect();
    output::create_folder(&args.out)?;
    output::create_private(&args.out, &files)?;
    Ok(ExitStatus::Success)
}
