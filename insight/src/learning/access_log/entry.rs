//! What a line of an access log tells.

use crate::learning::observed::Observation;

/// What a line tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    /// A request, and who made it.
    Request(Observation),
    /// A request of a log that does not say who made it, as in Istio's own formats.
    WithoutCaller {
        /// Whether the workload itself made it.
        is_outbound: bool,
    },
}
