//! The problems as annotations of GitHub Actions.

use policy_schema::diagnostic::{Diagnostic, SourceText};

use crate::github;
use crate::message::Message;

/// A workflow command for each problem.
pub fn commands<'p>(
    problems: impl IntoIterator<Item = &'p Diagnostic>,
    sources: &[SourceText],
) -> String {
    github::commands(problems.into_iter().map(Message::from), sources)
}
