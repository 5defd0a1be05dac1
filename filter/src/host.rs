//! The interface to the proxy that the filter runs in.

#[cfg(any(test, target_arch = "wasm32"))]
pub(crate) mod abi;
#[cfg(target_arch = "wasm32")]
mod buffer;
#[cfg(target_arch = "wasm32")]
pub(crate) mod proxy_wasm;

use std::fmt;
use std::ops::Deref;

use log::Level;
use peergate_engine::timestamp::Timestamp;

/// Bytes that the filter owns.
pub type Bytes = Vec<u8>;

/// A counter or a gauge that the proxy keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MetricId(pub u32);

/// A reply by the filter, instead of a response from upstream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalResponse {
    /// The HTTP status.
    pub status: u32,
    /// The text that Envoy's access log shows as `%RESPONSE_CODE_DETAILS%`.
    pub details: String,
    /// The headers.
    pub headers: Vec<(&'static str, String)>,
    /// The body; for gRPC clients, the message.
    pub body: String,
    /// For gRPC clients, the number of the gRPC status that replaces the HTTP status.
    pub grpc_status: Option<i32>,
}

/// The proxy, during one of its calls to the filter.
///
/// No call fails: an attribute that the proxy does not know or cannot provide is absent.
pub trait Host {
    /// Bytes that the proxy returned.
    type Returned: Deref<Target = [u8]> + fmt::Debug;

    /// An attribute of the request or its connection. Zero bytes separate the parts of `path`. An
    /// empty attribute is absent.
    fn property(&self, path: &[u8]) -> Option<Self::Returned>;

    /// Stores a value with the request, which later filters can read as a property.
    fn set_property(&self, path: &[u8], value: &[u8]);

    /// The first value of a request header. A header that is present but empty is `Some`.
    fn request_header(&self, name: &'static [u8]) -> Option<Self::Returned>;

    /// All request headers with their values, names in lower case.
    fn request_headers(&self) -> Vec<(Bytes, Bytes)>;

    /// Removes every value of a request header.
    fn remove_request_header(&self, name: &'static [u8]);

    /// Removes every value of a request trailer. Only valid in the callback for trailers.
    fn remove_request_trailer(&self, name: &'static [u8]);

    /// Makes `value` the only value of a request header.
    fn replace_request_header(&self, name: &'static [u8], value: &[u8]);

    /// Defines a counter. Each call creates another ID for the same counter.
    fn define_counter(&self, name: &str) -> Option<MetricId>;

    /// Defines a gauge, with the same caveat.
    fn define_gauge(&self, name: &str) -> Option<MetricId>;

    /// Adds one to a counter.
    fn increment_counter(&self, counter: MetricId);

    /// Sets a gauge. The VMs of all workers set the same one.
    fn record_gauge(&self, gauge: MetricId, value: u64);

    /// The memory size of the VM in bytes.
    fn memory(&self) -> usize;

    /// Replies to the request in place of the upstream. At most once per request.
    fn send_local_response(&self, response: &LocalResponse);

    /// The time, if the proxy provides it.
    fn now(&self) -> Option<Timestamp>;

    /// Writes a line, if the proxy logs lines of this level.
    fn log(&self, level: Level, line: &str);
}
