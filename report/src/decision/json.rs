//! Decisions and errors as JSON.

use peergate_fault::Fault;
use peergate_insight::decision::answer::Answer;
use policy_schema::diagnostic::{Diagnostic, SourceText};
use serde_json::{Value, json};

use crate::entry::entries;
use crate::message::Message;
use crate::serialized::{self, SerializeError};

/// Formats a decision.
pub fn answer(answer: &Answer<'_>) -> Result<Vec<u8>, SerializeError> {
    serialized::json(answer)
}

/// Formats an error that prevented a decision.
pub fn failure(failure: &dyn Fault) -> Result<Vec<u8>, SerializeError> {
    serialized::json(&json!({"error": failure.to_string(), "help": failure.help()}))
}

/// Formats the error and the diagnostics of invalid policies.
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

/// Formats a syntax error in one line of a request batch. Lines and columns count from 1.
pub fn line_error(line: usize, column: usize, message: &str) -> Value {
    json!({"line": line, "column": column, "error": message})
}
