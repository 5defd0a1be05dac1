//! Questions that have no answer.

use super::omitted::Undetermined;

/// Why a question has no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Unanswerable {
    /// The answer depends on what the question leaves out.
    Omits(Box<Undetermined>),
    /// No request of the caller reaches the rules.
    NoSuchCaller(NoSuchCaller),
}

/// Why no request of a caller reaches the rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NoSuchCaller {
    pub(super) message: String,
    pub(super) help: &'static str,
}

impl NoSuchCaller {
    pub(super) fn new(message: impl Into<String>, help: &'static str) -> Self {
        Self {
            message: message.into(),
            help,
        }
    }
}

impl Unanswerable {
    /// What is wrong.
    pub(super) fn message(&self) -> String {
        match self {
            Self::Omits(undetermined) => undetermined.message(),
            Self::NoSuchCaller(NoSuchCaller { message, .. }) => message.clone(),
        }
    }

    /// What to do about it on the command line.
    pub(super) fn help_with_arguments(&self) -> String {
        match self {
            Self::Omits(undetermined) => format!("name it with {}", undetermined.arguments()),
            Self::NoSuchCaller(NoSuchCaller { help, .. }) => (*help).to_owned(),
        }
    }

    /// What to do about it in a line.
    pub(super) fn help_with_fields(&self) -> String {
        match self {
            Self::Omits(undetermined) => format!("write {}", undetermined.fields()),
            Self::NoSuchCaller(NoSuchCaller { help, .. }) => (*help).to_owned(),
        }
    }
}

impl From<Undetermined> for Unanswerable {
    fn from(undetermined: Undetermined) -> Self {
        Self::Omits(Box::new(undetermined))
    }
}

impl From<NoSuchCaller> for Unanswerable {
    fn from(reason: NoSuchCaller) -> Self {
        Self::NoSuchCaller(reason)
    }
}
