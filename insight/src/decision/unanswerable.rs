//! Questions without an answer.

use super::omitted::Undetermined;

/// Why a question has no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unanswerable(Reason);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Reason {
    /// The answer depends on an omitted attribute.
    Omits(Box<Undetermined>),
    /// Requests of the caller do not reach the rules.
    NoSuchCaller(NoSuchCaller),
}

/// Why requests of a caller do not reach the rules.
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
    /// The message.
    pub fn message(&self) -> String {
        match &self.0 {
            Reason::Omits(undetermined) => undetermined.message(),
            Reason::NoSuchCaller(NoSuchCaller { message, .. }) => message.clone(),
        }
    }

    /// The help, in terms of command line arguments.
    pub fn help_with_arguments(&self) -> String {
        match &self.0 {
            Reason::Omits(undetermined) => format!("add {}", undetermined.arguments()),
            Reason::NoSuchCaller(NoSuchCaller { help, .. }) => (*help).to_owned(),
        }
    }

    /// The help, in terms of fields of a line.
    pub fn help_with_fields(&self) -> String {
        match &self.0 {
            Reason::Omits(undetermined) => format!("add {}", undetermined.fields()),
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
