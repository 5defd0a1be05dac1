//! The options of validation.

use crate::policy::IstioVersion;
use crate::timestamp::Timestamp;

/// The options of validation.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// The time at which the documents are evaluated. Rules that have expired by then are not
    /// rendered.
    pub at: Timestamp,
    /// The Istio version to use instead of the mesh's.
    pub istio_version: Option<IstioVersion>,
}
