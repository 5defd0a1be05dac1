//! Sentences on their own, and failures.

use std::fmt::{self, Display};

use annotate_snippets::{Group, Level, Renderer};
use peergate_fault::Fault;

/// A sentence on its own. Displayed, it is styled for a terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remark {
    /// What stands in the way.
    Error(String),
    /// What is likely not meant.
    Warning(String),
    /// What is good to know.
    Note(String),
    /// A text as it is.
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

/// Why a command did not do what it was asked, and what to do about it, styled for a terminal.
pub fn failure(failure: &dyn Fault) -> String {
    let help = failure.help().map(|help| Level::HELP.message(help));
    let title = Level::ERROR.primary_title(failure.to_string());
    styled(title.elements(help))
}

fn styled(group: Group<'_>) -> String {
    Renderer::styled().render(&[group])
}
