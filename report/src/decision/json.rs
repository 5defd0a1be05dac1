//! Answers for programs, and why there is none.

use peergate_fault::Fault;
use peergate_insight::decision::answer::Answer;
use policy_schema::diagnostic::{Diagnostic, SourceText};
use serde_json::{Value, json};

use crate::entry::entries;
use crate::message::Message;
use crate::serialized::{self, SerializeError};

/// An answer.
pub fn answer(answer: &Answer<'_>) -> Result<Vec<u8>, SerializeError> {
    serialized::json(answer)
}

/// Why there is no answer.
pub fn failure(failure: &dyn Fault) -> Result<Vec<u8>, SerializeError> {
    serialized::json(&json!({"error": failure.to_string(), "help": failure.help()}))
}

/// The same where the policies are not valid.
pub fn invalid(
    failure: &dyn Fault,
    diagnostics: &[Diagnostic],
    sources: &[SourceText],
) -> Result<Vec<u8>, SerializeError> {
    serialized::json(&json!({
        "error": failure.to_string(),
        "diagnostics": entries(diagnostics.iter().map(Message::from), sources),
    }))
}

/// What is wrong with a line of many requests, and at which column; both count from 1.
pub fn mistake(line: usize, column: usize, message: &str) -> Value {
    json!({"line": line, "column": column, "error": message})
}
