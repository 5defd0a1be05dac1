//! What documents are validated with.

use crate::policy::IstioVersion;
use crate::timestamp::Timestamp;

/// What validation is done with.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// The time that the documents are read for: what has ended by then is not rendered.
    pub at: Timestamp,
    /// The Istio version to take instead of the mesh's own.
    pub istio_version: Option<IstioVersion>,
}
