//! `peergate import`.

use clap::Subcommand;
use clap::builder::NonEmptyStringValueParser;
use peergate_fault::{ExitStatus, Failure, Fault};
use peergate_report::generated::with_modeline_and_header;
use peergate_report::import::{notes, text};
use peergate_report::place::Texts;
use policy_schema::import::{ExceptionPlan, Options as ImportOptions, Outcome, import};
use policy_schema::policy::IstioVersion;
use policy_schema::timestamp::Timestamp;
use policy_schema::wording::counted;
use thiserror::Error;

use crate::input::InputArgs;
use crate::out_args::OutFileArgs;
use crate::policies;
use crate::progress::Progress;
use crate::report::{self, LimitArgs};
use crate::time_args::parse_time;
use crate::verbosity::{Verbosity, verbosity};

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
/// Reads AuthorizationPolicy (v1, v1beta1) and PeerAuthentication objects, and the mesh config from the
/// `ConfigMap` `istio`, an `IstioOperator`, an `Istio` of the Sail operator, or Helm values of istiod. Writes a Mesh and a ServicePolicy
/// for each workload. Comments name the origin of each rule, and what the input leaves open.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  kubectl get authorizationpolicies,peerauthentications -A -o yaml > istio.yaml
  kubectl get configmap istio -n istio-system -o yaml > mesh.yaml
  peergate import istio istio.yaml mesh.yaml --out policy.yaml
  peergate render policy.yaml --only authorization-policy
  peergate import istio istio.yaml --trust-domain prod.example --istio-version 1.29
  peergate import istio istio.yaml mesh.yaml --owner platform --exceptions-until 2027-06-30

Without a mesh-wide PeerAuthentication, `mtls.mode` is left out: `render` then writes no
PeerAuthentication, and existing ones stay in force. Exceptions from strict mutual TLS become
`mtls.exceptions`. Set their owner and end with `--owner` and `--exceptions-until`, or in the
documents.

Values that never match are left out with a note. If part of a policy cannot be converted, no policy
is written for the workloads that it may select: a partial conversion could allow or deny more than
the original. Their existing objects stay in force. Files that cannot be read are skipped
with a warning.

Exit status: 2 if something was not converted or not read, and the rest was written; 3 if nothing
was written, because the mesh cannot be converted, or a file cannot be read and `--strict` is set.")]
struct IstioArgs {
    #[command(flatten)]
    input: InputArgs,
    /// Istio version of the mesh [default: the newest known]
    #[arg(long, value_name = "1.NN", value_parser = policies::parse_istio_version)]
    istio_version: Option<IstioVersion>,
    /// Trust domain, if the input has no mesh config [default: cluster.local]
    #[arg(long, value_name = "NAME")]
    trust_domain: Option<String>,
    /// Root namespace, if the input has no mesh config [default: istio-system]
    #[arg(long, value_name = "NAMESPACE")]
    root_namespace: Option<String>,
    /// Namespace of objects that do not name one [default: default]
    #[arg(short, long, value_name = "NAMESPACE")]
    namespace: Option<String>,
    /// Owner of exceptions from strict mutual TLS
    #[arg(long, value_name = "NAME", requires = "exceptions_until", value_parser = NonEmptyStringValueParser::new())]
    owner: Option<String>,
    /// End of exceptions from strict mutual TLS: RFC 3339, or a date meaning its end in UTC
    #[arg(long, value_name = "TIME", requires = "owner", value_parser = parse_time)]
    exceptions_until: Option<Timestamp>,
    /// Write nothing if a file or document cannot be read
    #[arg(long)]
    strict: bool,
    #[command(flatten)]
    out: OutFileArgs,
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

/// Nothing is written, because this many parts of the input are lost. The findings have been shown.
#[derive(Debug, Error)]
#[error("nothing was written: {} cannot be read or converted", counted(*.0, "part of the input", "parts of the input"))]
struct NotImported(usize);

impl Fault for NotImported {
    fn status(&self) -> ExitStatus {
        ExitStatus::Invalid
    }

    fn help(&self) -> Option<&str> {
        Some("fix or remove the parts named above, then import again")
    }
}

pub(crate) fn run(args: &Args) -> Result<ExitStatus, Failure> {
    let From::Istio(args) = &args.from;
    let _progress = Progress::spinner("importing");
    let mut input = args.input.paths().read()?;
    let not_text = std::mem::take(&mut input.diagnostics);
    for diagnostic in &not_text {
        // The text with replacement characters is not what the file says.
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
        verbosity() == Verbosity::Verbose,
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
    let text = with_modeline_and_header(
        "imported from Istio objects. Review it, then edit it freely",
        &text,
    );
    args.out.write(text.into_bytes())?;
    notes::replaced(&documents)
        .into_iter()
        .for_each(report::note);
    Ok(if lost == 0 {
        ExitStatus::Success
    } else {
        ExitStatus::Negative
    })
}
