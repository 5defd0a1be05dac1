//! A finding about a mesh.

use super::FindingCode;
use super::object::Object;
use crate::diagnostic::Place;
use crate::problem::Location;

/// A problem in a mesh.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// The stable name of this kind of finding.
    pub code: FindingCode,
    /// The subject, in words: `Deployment shop/cart`, a proxy, an address.
    pub subject: String,
    /// The problem, in one clause: lower case, no full stop, names in back-ticks.
    pub message: String,
    /// The fix.
    pub help: String,
    /// The place in a text, if it is known.
    pub place: Option<Place>,
    /// The field of the object, if the finding is about one. Its place is located later.
    pub field: Option<Location>,
}

impl Finding {
    /// A finding about an object, at its place.
    pub(super) fn about(
        object: &Object,
        code: FindingCode,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Self {
            place: object.place(),
            ..Self::new(object.to_string(), code, message, help)
        }
    }

    /// A finding without a place.
    pub fn new(
        subject: impl Into<String>,
        code: FindingCode,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Self {
            code,
            subject: subject.into(),
            message: message.into(),
            help: help.into(),
            place: None,
            field: None,
        }
    }
}
