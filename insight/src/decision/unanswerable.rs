//! Questions that have no answer.

use super::omitted::Undetermined;

/// Why a question has no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unanswerable(Reason);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Reason {
    /// The answer depends on what the question leaves out.
    Omits(Box<Undetermined>),
    /// No request of the caller reaches the rules.
    NoSuchCaller(NoSuchCaller),
}

/// Why no request of a caller reaches the rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NoSuchCaller {
    message: String,
    help: &'static str,
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
    pub fn message(&self) -> String {
        match &self.0 {
            Reason::Omits(undetermined) => undetermined.message(),
            Reason::NoSuchCaller(NoSuchCaller { message, .. }) => message.clone(),
        }
    }

    /// What to do about it on the command line.
    pub fn help_with_arguments(&self) -> String {
        match &self.0 {
            Reason::Omits(undetermined) => format!("name it with {}", undetermined.arguments()),
            Reason::NoSuchCaller(NoSuchCaller { help, .. }) => (*help).to_owned(),
        }
    }

    /// What to do about it in a line.
    pub fn help_with_fields(&self) -> String {
        match &self.0 {
            Reason::Omits(undetermined) => format!("write {}", undetermined.fields()),
            Reason::NoSuchCaller(NoSuchCaller { help, .. }) => (*help).to_owned(),
        }
    }
}

impl From<Undetermined> for Unanswerable {
    fn from(undetermined: Undetermined) -> Self {
        Self(Reason::Omits(Box::new(undetermined)))
    }
}

impl From<NoSuchCaller> for Unanswerable {
    fn from(reason: NoSuchCaller) -> Self {
        Self(Reason::NoSuchCaller(reason))
    }
}
