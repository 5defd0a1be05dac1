//! Input → sound policies, with everything shown that there is to say about it.

use peergate_fault::{ExitStatus, Failure, Fault};
use peergate_report::message::counts;
use policy_schema::diagnostic::Diagnostic;
use policy_schema::policy::{IstioVersion, PolicySet};
use policy_schema::timestamp::Timestamp;
use policy_schema::validate::{Options, Validated, validate};
use thiserror::Error;

use crate::input::{Input, InputArgs, InputError};
use crate::report;

/// The policies are not valid: so many errors and warnings. The diagnostics have been shown.
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

/// Reads and validates the input, and shows what was found on stderr.
pub(crate) fn load(input: &InputArgs, options: Options) -> Result<PolicySet, Failure> {
    let (_, set) = load_with_texts(input, options)?;
    Ok(set)
}

/// The same, with the texts that the policies stand in.
pub(crate) fn load_with_texts(
    input: &InputArgs,
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
pub(crate) fn read(input: &InputArgs, options: Options) -> Result<(Input, Validated), InputError> {
    Ok(check(input.read()?, options))
}

/// Validates an input that was read.
pub(crate) fn check(mut input: Input, options: Options) -> (Input, Validated) {
    let mut validated = validate(&input.sources, options);
    if !input.diagnostics.is_empty() {
        validated.policies = None;
        // Whatever else is wrong with such a text may be so for the same reason.
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

/// Reads a version of Istio.
pub(crate) fn parse_istio_version(text: &str) -> Result<IstioVersion, String> {
    IstioVersion::parse(text).ok_or_else(|| {
        format!(
            "write a minor version from {} to {}",
            IstioVersion::OLDEST,
            IstioVersion::NEWEST
        )
    })
}

/// `at`, or else the present.
pub(crate) fn at_or_now(at: Option<Timestamp>) -> Timestamp {
    let now = || Timestamp::try_from(std::time::SystemTime::now());
    // A clock before 1970 knows nothing about today; the epoch is as good as any answer.
    at.unwrap_or_else(|| now().unwrap_or(Timestamp::from_unix_nanoseconds(0)))
}
