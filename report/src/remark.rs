//! Single-sentence remarks and failures.

use std::fmt::{self, Display};

use annotate_snippets::{Group, Level, Renderer};
use peergate_fault::Fault;

/// A remark. Its `Display` is styled for a terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remark {
    /// A problem that ends the run.
    Error(String),
    /// A likely mistake.
    Warning(String),
    /// Useful information.
    Note(String),
    /// A text without a level.
    Plain(String),
}

impl Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (level, text) = match self {
            Self::Error(text) => (Level::ERROR, text),
            Self::Warning(text) => (Level::WARNING, text),
            Self::Note(text) => (Level::NOTE, text),
            Self::Plain(text) => return f.write_str(text),
        };
        f.write_str(&styled(Group::with_title(level.primary_title(text))))
    }
}

/// Formats an error and its help, styled for a terminal.
pub fn failure(failure: &dyn Fault) -> String {
    let help = failure.help().map(|help| Level::HELP.message(help));
    let title = Level::ERROR.primary_title(failure.to_string());
    styled(title.elements(help))
}

fn styled(group: Group<'_>) -> String {
    Renderer::styled().render(&[group])
}
