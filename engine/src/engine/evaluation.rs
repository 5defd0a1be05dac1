//! The evaluation of one request.

use std::cell::OnceCell;

use super::caller::{CallerClasses, EngineCaller};
use super::request::RequestAttributes;
use crate::matching::PathParts;

/// A request and its caller, with values that are derived once for all rules.
#[derive(Debug)]
pub(super) struct Evaluation<'r, R> {
    pub(super) caller: EngineCaller<'r>,
    pub(super) request: &'r R,
    /// The caller's classes, if they are known.
    pub(super) classes: Option<&'r CallerClasses>,
    path: OnceCell<Option<PathParts<'r>>>,
}

impl<'r, R: RequestAttributes> Evaluation<'r, R> {
    pub(super) fn new(caller: EngineCaller<'r>, request: &'r R) -> Self {
        Self {
            caller,
            request,
            classes: request.caller_classes(),
            path: OnceCell::new(),
        }
    }

    /// The request's path. It is fetched when a rule first needs it.
    pub(super) fn path(&self) -> Option<&PathParts<'r>> {
        let path = self
            .path
            .get_or_init(|| self.request.path().map(PathParts::new));
        path.as_ref()
    }
}
