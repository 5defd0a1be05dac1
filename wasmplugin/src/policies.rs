//! Input → sound policies, with everything shown that there is to say about it.

use std::collections::BTreeSet;

use peergate_fault::{ExitStatus, Failure, Fault};
use peergate_report::message::counts;
use policy_schema::diagnostic::Diagnostic;
use policy_schema::plugin_config::PolicyName;
use policy_schema::policy::{IstioVersion, PolicySet, ServicePolicy};
use policy_schema::timestamp::Timestamp;
use policy_schema::validate::{Options, Validated, validate};
use thiserror::Error;

use crate::input::{Input, InputArgs, InputError};
use crate::report;

/// More names than these are not listed: the right one would not be found among them.
const MOST_NAMES: usize = 8;

/// Why there are no policies, or not the one that is asked for.
#[derive(Debug, Error)]
pub(crate) enum PoliciesError {
    /// The diagnostics have been shown.
    #[error("the policies are not valid: {0}")]
    Invalid(String),
    #[error("there is no policy `{name}`")]
    Unknown { name: String, help: String },
    #[error("there are {0} policies, and this is for one of them")]
    Several(usize),
    #[error("there is no policy beside the mesh")]
    None,
}

impl Fault for PoliciesError {
    fn status(&self) -> ExitStatus {
        ExitStatus::Invalid
    }

    fn help(&self) -> Option<&str> {
        match self {
            Self::Invalid(_) => None,
            Self::Unknown { help, .. } => Some(help),
            Self::Several(_) => Some("choose one with `--workload NAMESPACE/NAME`"),
            Self::None => Some("add a document of kind `ServicePolicy`"),
        }
    }

    fn is_summary(&self) -> bool {
        matches!(self, Self::Invalid(_))
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
        None => {
            Err(PoliciesError::Invalid(counts(diagnostics.iter().map(Diagnostic::severity))).into())
        }
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

/// The only one of these policies.
pub(crate) fn only(policies: &[ServicePolicy]) -> Result<&ServicePolicy, PoliciesError> {
    match policies {
        [] => Err(PoliciesError::None),
        [only] => Ok(only),
        several => Err(PoliciesError::Several(several.len())),
    }
}

/// The policy of this name.
pub(crate) fn named<'p>(
    set: &'p PolicySet,
    name: &PolicyName,
) -> Result<&'p ServicePolicy, PoliciesError> {
    set.policy(&name.namespace, &name.name)
        .ok_or_else(|| PoliciesError::Unknown {
            name: name.to_string(),
            help: {
                let policies = set.policies().iter();
                let names = policies.map(|policy| policy.name().to_string());
                names_help(&names.collect(), &name.to_string())
            },
        })
}

/// Sees to it that the policy is among these.
pub(crate) fn check_known(wanted: &str, names: &BTreeSet<String>) -> Result<(), PoliciesError> {
    if names.contains(wanted) {
        return Ok(());
    }
    Err(PoliciesError::Unknown {
        name: wanted.to_owned(),
        help: names_help(names, wanted),
    })
}

fn names_help(names: &BTreeSet<String>, wanted: &str) -> String {
    let closest = names
        .iter()
        .map(|name| (strsim::osa_distance(name, wanted), name))
        .filter(|(mistakes, name)| *mistakes <= name.len() / 3)
        .min();
    match closest {
        Some((_, name)) => format!("did you mean `{name}`?"),
        None if names.is_empty() => "there is none at all".to_owned(),
        None => {
            let listed: Vec<_> = names
                .iter()
                .take(MOST_NAMES)
                .map(|name| format!("`{name}`"))
                .collect();
            let more = names.len().saturating_sub(MOST_NAMES);
            let rest = if more > 0 {
                format!(" and {more} more")
            } else {
                String::new()
            };
            format!("there are {}{rest}", listed.join(", "))
        }
    }
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
