//! `peergate import`.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::builder::NonEmptyStringValueParser;
use clap::{Subcommand, ValueHint};
use policy_schema::diagnostic::{Place, SourceText};
use policy_schema::document::MeshDocument;
use policy_schema::import::{
    Documents, ExceptionPlan, Finding, ImportedPolicy, Options as ImportOptions, import,
};
use policy_schema::policy::IstioVersion;
use policy_schema::timestamp::Timestamp;
use policy_schema::validate::{Options, validate};

use crate::exit_status::ExitStatus;
use crate::failure::Failure;
use crate::input::Input;
use crate::output;
use crate::policies;
use crate::position::Lines;
use crate::report::{self, LimitArgs};

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

Values that never match are left out, and a note on stderr reports each. What
the language cannot express is an error, and nothing is printed.

Exit codes: 0 imported; 1 a file could not be read; 3 something cannot be
carried over.")]
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
    /// The owner of exceptions from strict mutual TLS
    #[arg(long, value_name = "NAME", requires = "exceptions_until", value_parser = NonEmptyStringValueParser::new())]
    owner: Option<String>,
    /// When exceptions from strict mutual TLS end: RFC 3339 in UTC, or a date meaning its end
    #[arg(long, value_name = "TIME", requires = "owner", value_parser = parse_end)]
    exceptions_until: Option<Timestamp>,
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

pub(crate) fn run(args: &Args) -> Result<ExitStatus, Failure> {
    let From::Istio(args) = &args.from;
    let input = Input::read(&args.files)?;
    if !input.diagnostics.is_empty() {
        report::limited_diagnostics(&input.diagnostics, &input.sources, args.limit);
        return Err(Failure::NotImported(input.diagnostics.len()));
    }
    let imported = import(&input.sources, &args.options());
    let places = Places::new(&input.sources);
    let chosen = args
        .limit
        .choose(&imported.findings, |finding| finding.is_refused);
    for finding in chosen {
        show(finding, &places);
    }
    for note in imported.open.iter().chain(&imported.differences) {
        report::note(note);
    }
    let Some(documents) = imported.documents else {
        let refused = imported.findings.iter().filter(|found| found.is_refused);
        return Err(Failure::NotImported(refused.count()));
    };
    let mesh = filled_in(&documents.mesh);
    check(&written(&mesh, &documents, &imported.open, &places)?)?;
    let text = written(&documents.mesh, &documents, &imported.open, &places)?;
    output::write_stdout(text.as_bytes())?;
    Ok(ExitStatus::Success)
}

fn show(finding: &Finding, places: &Places<'_>) {
    let message = report::shortened(&finding.message);
    let text = format!("{}: {message}", places.shown(finding.place));
    if finding.is_refused {
        report::error(&text);
    } else {
        report::note(&text);
    }
}

/// Places in the texts of an import, as people find them.
struct Places<'t> {
    texts: Vec<(&'t str, Lines<'t>)>,
}

impl<'t> Places<'t> {
    fn new(sources: &'t [SourceText]) -> Self {
        let texts = sources
            .iter()
            .map(|source| (source.name.as_str(), Lines::new(&source.text)));
        Self {
            texts: texts.collect(),
        }
    }

    /// `FILE:LINE`.
    fn shown(&self, place: Place) -> String {
        self.texts
            .get(place.source)
            .map_or_else(String::new, |(name, lines)| {
                format!("{name}:{}", lines.position(place.span.start).line)
            })
    }
}

/// What is imported must be accepted as it is: what is never to match in this mesh, for example, is
/// an error in a policy and none in Istio.
fn check(text: &str) -> Result<(), Failure> {
    let source = SourceText {
        name: "<imported>".to_owned(),
        text: text.to_owned(),
    };
    let options = Options {
        at: Timestamp::from_unix_nanoseconds(0),
        istio_version: None,
    };
    let sources = [source];
    let validated = validate(&sources, options);
    if validated.policies.is_some() {
        return Ok(());
    }
    report::diagnostics(&validated.diagnostics, &sources);
    Err(Failure::NotImported(validated.diagnostics.len()))
}

/// The mesh with an owner and an end for exceptions that are to be given them by hand.
fn filled_in(mesh: &MeshDocument) -> MeshDocument {
    let mut mesh = mesh.clone();
    let exceptions = mesh.spec.mtls.as_mut();
    let exceptions = exceptions.and_then(|mtls| mtls.exceptions.as_mut());
    for exception in exceptions.into_iter().flatten() {
        if exception.owner.is_empty() {
            exception.owner.push_str("owner");
            exception.not_after = Timestamp::from_unix_nanoseconds(u64::MAX).to_string();
        }
    }
    mesh
}

/// The documents as one text, with comments.
fn written(
    mesh: &MeshDocument,
    documents: &Documents,
    open: &[String],
    places: &Places<'_>,
) -> Result<String, Failure> {
    let mut text = String::from("# From the mesh config and the PeerAuthentication objects.\n");
    for open in open {
        let _ = writeln!(text, "# Open: {open}.");
    }
    text.push_str(&output::yaml(mesh)?);
    for policy in &documents.policies {
        text.push_str("---\n# From ");
        let origins = policy.origins.iter();
        let origins: Vec<_> = origins
            .map(|(name, place)| format!("{name} ({})", places.shown(*place)))
            .collect();
        text.push_str(&origins.join(", "));
        text.push('\n');
        text.push_str(&with_comments(&output::yaml(&policy.document)?, policy));
    }
    Ok(text)
}

/// Says above each rule where it is from.
fn with_comments(yaml: &str, policy: &ImportedPolicy) -> String {
    let mut origins = policy.rule_origins.iter();
    let mut text = String::with_capacity(yaml.len());
    for line in yaml.lines() {
        let is_rule = line.trim_start().starts_with("- id: ");
        if let (true, Some((name, number))) = (is_rule, is_rule.then(|| origins.next()).flatten()) {
            let indent = line.len() - line.trim_start().len();
            let _ = writeln!(text, "{:indent$}# {name}, rule {number}", "");
        }
        text.push_str(line);
        text.push('\n');
    }
    text
}
