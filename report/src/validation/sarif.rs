//! The problems for code scanning (SARIF 2.1.0).

use policy_schema::code;
use policy_schema::diagnostic::{Diagnostic, SourceText};

use crate::message::Message;
use crate::sarif;
use crate::serialized::SerializeError;

/// A run with a rule for each code, and a result for each problem.
pub fn json<'p>(
    problems: impl IntoIterator<Item = &'p Diagnostic>,
    sources: &[SourceText],
) -> Result<Vec<u8>, SerializeError> {
    let codes = code::all().map(|explained| (explained.code.as_str(), explained.explanation));
    let problems = problems.into_iter().map(Message::from);
    sarif::json(codes, problems, sources)
}
