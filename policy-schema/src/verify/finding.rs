//! Something wrong with a mesh.

use super::FindingCode;
use super::object::Object;
use crate::diagnostic::Place;
use crate::problem::Location;

/// Something wrong with a mesh.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// The stable name of this kind of finding.
    pub code: FindingCode,
    /// What it is about, as people name it: `Deployment shop/cart`, a proxy, an address.
    pub subject: String,
    /// What is wrong, in one clause: lower case, no full stop, names in back-ticks.
    pub message: String,
    /// What to do about it.
    pub help: String,
    /// Where it stands, if it is of a text.
    pub place: Option<Place>,
    /// The field that it is about, if it is about one: its place is yet to be found.
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
            ..Self::of(object.to_string(), code, message, help)
        }
    }

    /// A finding without a place.
    pub fn of(
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
