//! The validation report as JSON.

use policy_schema::diagnostic::{Diagnostic, SourceText};
use serde_json::json;

use super::expiring::Expiring;
use crate::entry::entries;
use crate::message::Message;
use crate::serialized::{self, SerializeError};

/// Formats an array of problems, or an object with problems and expiring rules.
pub fn json<'p>(
    problems: impl IntoIterator<Item = &'p Diagnostic>,
    sources: &[SourceText],
    expiring: Option<&[Expiring<'_>]>,
) -> Result<Vec<u8>, SerializeError> {
    let problems: Vec<_> = problems.into_iter().collect();
    let problems = entries(problems.into_iter().map(Message::from), sources);
    match expiring {
        Some(expiring) => serialized::json(&json!({"problems": problems, "expiring": expiring})),
        None => serialized::json(&problems),
    }
}
