//! `peergate import`.

use std::path::PathBuf;

use clap::builder::NonEmptyStringValueParser;
use clap::{Subcommand, ValueHint};
use peergate_fault::{ExitStatus, Failure, Fault};
use peergate_report::import::{notes, text};
use peergate_report::place::Texts;
use policy_schema::import::{ExceptionPlan, Options as ImportOptions, Outcome, import};
use policy_schema::policy::IstioVersion;
use policy_schema::timestamp::Timestamp;
use policy_schema::wording::counted;
use thiserror::Error;

use crate::input::Input;
use crate::report::{self, LimitArgs};
use crate::{output, policies};

/// Convert existing policies to Peergate documents
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    from: From,
}

#[derive(Debug, Subcommand)]
enum From {
    Istio(IstioArgs),
}

/// Convert Istio resources to Peergate documents that make the same decisions
///
/// Reads AuthorizationPolicy (v1, v1beta1), PeerAuthentication, and the mesh config in the config map `istio`, an
/// `IstioOperator`, an Istio of the Sail operator, or Helm values of istiod, alone or in a `List`. Prints a Mesh and one
/// ServicePolicy for each workload. Comments name the origin of each rule, and what the input leaves open.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  kubectl get authorizationpolicies,peerauthentications -A -o yaml > istio.yaml
  kubectl get configmap istio -n istio-system -o yaml > mesh.yaml
  peergate import istio istio.yaml mesh.yaml > policy.yaml
  peergate render -f policy.yaml --only authorization-policy
  peergate import istio istio.yaml --trust-domain prod.example --istio-version 1.29
  peergate import istio istio.yaml mesh.yaml --owner platform --exceptions-until 2027-06-30

Without a PeerAuthentication for the whole mesh, `mtls.mode` is left out: render
then writes no PeerAuthentication, and existing ones stay in force. Exceptions
from strict mutual TLS become `mtls.exceptions`. Without --owner and
--exceptions-until you have to fill in their owner and end.

Values that never match are left out, and a note on stderr reports each. If part
of a policy cannot be carried over, no policy of the workloads that it may be for
is printed, since half of their policies could allow or deny more than all of
them. The same objects go on deciding there. Files that cannot be read are
skipped with a warning.

Exit codes: 0 everything is imported; 1 a file could not be opened; 2 something
is not carried over or cannot be read, and the rest is printed; 3 nothing is
printed, since the mesh cannot be carried over, or with --strict a file cannot
be read.")]
struct IstioArgs {
    /// A file with resources, a folder with such files, or `-` for stdin
    #[arg(value_name = "FILE", required = true, value_hint = ValueHint::AnyPath)]
    files: Vec<PathBuf>,
    /// The Istio version that the mesh runs [default: the newest one known]
    #[arg(long, value_name = "1.NN", value_parser = policies::parse_istio_version)]
    istio_version: Option<IstioVersion>,
    /// The mesh's trust domain, if the input has no mesh config [default: cluster.local]
    #[arg(long, value_name = "NAME")]
    trust_domain: Option<String>,
    /// The mesh's root namespace, if the input has no mesh config [default: istio-system]
    #[arg(long, value_name = "NAMESPACE")]
    root_namespace: Option<String>,
    /// The namespace of objects that do not name one [default: default]
    #[arg(short, long, value_name = "NAMESPACE")]
    namespace: Option<String>,
    /// The owner of exceptions from strict mutual TLS
    #[arg(long, value_name = "NAME", requires = "exceptions_until", value_parser = NonEmptyStringValueParser::new())]
    owner: Option<String>,
    /// When exceptions from strict mutual TLS end: RFC 3339 in UTC, or a date meaning its end
    #[arg(long, value_name = "TIME", requires = "owner", value_parser = parse_end)]
    exceptions_until: Option<Timestamp>,
    /// Print nothing if a file or a document cannot be read
    #[arg(long)]
    strict: bool,
    /// List each object that has no part in an import
    #[arg(short, long)]
    verbose: bool,
    #[command(flatten)]
    limit: LimitArgs,
}

impl IstioArgs {
    fn options(&self) -> ImportOptions {
        let plan = self.owner.clone().zip(self.exceptions_until);
        ImportOptions {
            istio_version: self.istio_version,
            trust_domain: self.trust_domain.clone(),
            root_namespace: self.root_namespace.clone(),
            namespace: self.namespace.clone(),
            exceptions: plan.map(|(owner, not_after)| ExceptionPlan { owner, not_after }),
        }
    }
}

/// A time, or the last second of a date.
fn parse_end(text: &str) -> Result<Timestamp, String> {
    let end = format!("{text}T23:59:59Z");
    Timestamp::parse(text)
        .or_else(|reason| Timestamp::parse(&end).map_err(|_| reason))
        .map_err(|reason| reason.to_string())
}

/// Nothing is printed, because this many parts of the input are lost. The findings have been shown.
#[derive(Debug, Error)]
#[error("nothing is printed: {} cannot be read or carried over", counted(*.0, "part of the input", "parts of the input"))]
struct NotImported(usize);

impl Fault for NotImported {
    fn status(&self) -> ExitStatus {
        ExitStatus::Invalid
    }

    fn help(&self) -> Option<&str> {
        Some("change or remove what is named above, then import again")
    }
}

pub(crate) fn run(args: &Args) -> Result<ExitStatus, Failure> {
    let From::Istio(args) = &args.from;
    let mut input = Input::read(&args.files)?;
    let not_text = std::mem::take(&mut input.diagnostics);
    for diagnostic in &not_text {
        // What would be read in its place is not what was written.
        if let Some(source) = input.sources.get_mut(diagnostic.source) {
            source.text.clear();
            report::remarks([notes::unreadable(&source.name, diagnostic)]);
        }
    }
    let imported = import(&input.sources, &args.options());
    let texts = Texts::new(&input.sources);
    let most = args.limit.max_problems;
    report::remarks(notes::findings(
        &imported.findings,
        &texts,
        most,
        args.verbose,
    ));
    let notes = imported.open.iter().chain(&imported.differences);
    notes.for_each(report::note);
    let outcomes = || imported.findings.iter().map(|finding| finding.outcome);
    let lost = outcomes().filter(|outcome| outcome.is_loss()).count() + not_text.len();
    let unreadable = outcomes()
        .filter(|outcome| *outcome == Outcome::Unreadable)
        .count()
        + not_text.len();
    let documents = imported
        .documents
        .filter(|_| !args.strict || unreadable == 0);
    let Some(documents) = documents else {
        return Err(NotImported(lost).into());
    };
    let text = text::text(&documents, &imported.open, &texts)?;
    output::write_stdout(text.as_bytes())?;
    notes::replaced(&documents)
        .into_iter()
        .for_each(report::note);
    Ok(if lost == 0 {
        ExitStatus::Success
    } else {
        ExitStatus::Negative
    })
}
