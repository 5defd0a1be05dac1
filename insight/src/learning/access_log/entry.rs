//! Entries of an access log.

use crate::learning::observed::Observation;

/// An access log entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    /// A request with its caller.
    Request(Observation),
    /// A request in a format without callers, such as Istio's default formats.
    WithoutCaller {
        /// Whether the workload itself sent it.
        is_outbound: bool,
    },
}
