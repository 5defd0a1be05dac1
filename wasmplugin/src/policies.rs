//! Input → valid policies, with their diagnostics shown.

use peergate_fault::{ExitStatus, Failure, Fault};
use peergate_report::message::counts;
use policy_schema::diagnostic::Diagnostic;
use policy_schema::policy::{IstioVersion, PolicySet};
use policy_schema::timestamp::Timestamp;
use policy_schema::validate::{Options, Validated, validate};
use thiserror::Error;

use crate::input::{Input, InputError, PathArgs};
use crate::report;

/// The policies are not valid, with the counts of errors and warnings. The diagnostics have been shown.
#[derive(Debug, Error)]
#[error("the policies are not valid: {0}")]
pub(crate) struct InvalidPolicies(pub(crate) String);

impl Fault for InvalidPolicies {
    fn status(&self) -> ExitStatus {
        ExitStatus::Invalid
    }

    fn help(&self) -> Option<&str> {
        None
    }

    fn is_summary(&self) -> bool {
        true
    }
}

/// Reads and validates the input, and shows the diagnostics on stderr.
pub(crate) fn load(input: &PathArgs, options: Options) -> Result<PolicySet, Failure> {
    let (_, set) = load_with_texts(input, options)?;
    Ok(set)
}

/// The same, with the texts of the policies.
pub(crate) fn load_with_texts(
    input: &PathArgs,
    options: Options,
) -> Result<(Input, PolicySet), Failure> {
    let (input, validated) = read(input, options)?;
    report::diagnostics(&validated.diagnostics, &input.sources);
    let Validated {
        policies,
        diagnostics,
        ..
    } = validated;
    match policies {
        Some(set) => Ok((input, set)),
        None => Err(InvalidPolicies(counts(diagnostics.iter().map(Diagnostic::severity))).into()),
    }
}

/// Reads and validates the input.
pub(crate) fn read(input: &PathArgs, options: Options) -> Result<(Input, Validated), InputError> {
    Ok(check(input.read()?, options))
}

/// Validates an input.
pub(crate) fn check(mut input: Input, options: Options) -> (Input, Validated) {
    let mut validated = validate(&input.sources, options);
    if !input.diagnostics.is_empty() {
        validated.policies = None;
        // Other problems in such a text may have the same cause.
        let is_text = |source| input.diagnostics.iter().all(|other| other.source != source);
        validated
            .diagnostics
            .retain(|diagnostic| is_text(diagnostic.source));
        validated.diagnostics.append(&mut input.diagnostics);
        validated
            .diagnostics
            .sort_by_key(|diagnostic| (diagnostic.source, diagnostic.span.start));
    }
    (input, validated)
}

/// Parses an Istio version.
pub(crate) fn parse_istio_version(text: &str) -> Result<IstioVersion, String> {
    IstioVersion::parse(text).ok_or_else(|| {
        format!(
            "use a minor version from {} to {}",
            IstioVersion::OLDEST,
            IstioVersion::NEWEST
        )
    })
}

/// `at`, or else the present.
pub(crate) fn at_or_now(at: Option<Timestamp>) -> Timestamp {
    let now = || Timestamp::try_from(std::time::SystemTime::now());
    // A clock before 1970 is wrong anyway, so the epoch will do.
    at.unwrap_or_else(|| now().unwrap_or(Timestamp::from_unix_nanoseconds(0)))
}

/// Which Istio version a command assumes.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct IstioVersionArgs {
    /// Assume this Istio version [default: the Mesh's `spec.istioVersion`]
    #[arg(long, value_name = "1.NN", value_parser = parse_istio_version)]
    pub(crate) istio_version: Option<IstioVersion>,
}
