//! `peergate import`.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::{Subcommand, ValueHint};
use policy_schema::diagnostic::{Place, SourceText};
use policy_schema::import::{Documents, Finding, ImportedPolicy, import};
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

/// Make policy documents of what a mesh has already
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    from: From,
}

#[derive(Debug, Subcommand)]
enum From {
    Istio(IstioArgs),
}

/// Make policy documents of Istio resources, with the same decisions
///
/// Reads AuthorizationPolicy (v1, v1beta1), PeerAuthentication, and the mesh config in the config map `istio` or an
/// `IstioOperator`, alone or in a `List`, and prints a Mesh and one ServicePolicy for each workload. Comments say what
/// each came from.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  kubectl get authorizationpolicies,peerauthentications -A -o yaml > istio.yaml
  kubectl get configmap istio -n istio-system -o yaml > mesh.yaml
  peergate import istio istio.yaml mesh.yaml > policy.yaml
  peergate render -f policy.yaml

What never matches in an ALLOW rule is left out, and a note on stderr says so.
What the language has no way to say is an error, and nothing is printed.

Exit codes: 0 imported; 1 a file could not be read; 3 something cannot be
carried over.")]
struct IstioArgs {
    /// A file with resources, a folder with such files, or `-` for stdin
    #[arg(value_name = "FILE", required = true, value_hint = ValueHint::AnyPath)]
    files: Vec<PathBuf>,
    /// The Istio version that the mesh runs [default: the newest one known]
    #[arg(long, value_name = "1.NN", value_parser = policies::parse_istio_version)]
    istio_version: Option<IstioVersion>,
    #[command(flatten)]
    limit: LimitArgs,
}

pub(crate) fn run(args: &Args) -> Result<ExitStatus, Failure> {
    let From::Istio(args) = &args.from;
    let input = Input::read(&args.files)?;
    if !input.diagnostics.is_empty() {
        report::limited_diagnostics(&input.diagnostics, &input.sources, args.limit);
        return Err(Failure::NotImported(input.diagnostics.len()));
    }
    let version = args.istio_version.unwrap_or(IstioVersion::NEWEST);
    let imported = import(&input.sources, version);
    let places = Places::new(&input.sources);
    let chosen = args
        .limit
        .choose(&imported.findings, |finding| finding.is_refused);
    for finding in chosen {
        show(finding, &places);
    }
    let Some(documents) = imported.documents else {
        let refused = imported.findings.iter().filter(|found| found.is_refused);
        return Err(Failure::NotImported(refused.count()));
    };
    let text = written(&documents, &places)?;
    check(&text)?;
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

/// The documents as one text, with comments.
fn written(documents: &Documents, places: &Places<'_>) -> Result<String, Failure> {
    let mut text = String::from("# From the mesh config and the PeerAuthentication objects.\n");
    text.push_str(&output::yaml(&documents.mesh)?);
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
