//! What the filter asks of the proxy it runs in.

#[cfg(target_arch = "wasm32")]
pub(crate) mod proxy_wasm;

use log::Level;
use peergate_engine::timestamp::Timestamp;

/// Bytes that the proxy handed over.
pub type Bytes = Vec<u8>;

/// A counter or a gauge that the proxy keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MetricId(pub u32);

/// An answer in place of the upstream's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalResponse {
    /// The HTTP status.
    pub status: u32,
    /// What Envoy's access log shows as `%RESPONSE_CODE_DETAILS%`.
    pub details: String,
    /// The headers.
    pub headers: Vec<(&'static str, String)>,
    /// The body; to gRPC clients the message.
    pub body: String,
    /// For a gRPC client: the status that it gets in place of the HTTP status, by its number.
    pub grpc_status: Option<i32>,
}

/// The proxy, during one of its calls into the filter.
///
/// No call fails: an attribute that the proxy does not know, does not want to tell, or cannot tell
/// for whatever other reason is absent.
pub trait Host {
    /// An attribute of the request or of its connection. Zero bytes separate the parts of `path`.
    /// An empty one is absent.
    fn property(&self, path: &[u8]) -> Option<Bytes>;

    /// Leaves a value with the request, for filters after this one to read as a property.
    fn set_property(&self, path: &[u8], value: &[u8]);

    /// The first value of a request header. A present but empty one is `Some`.
    fn request_header(&self, name: &'static [u8]) -> Option<Bytes>;

    /// All request headers with their values, names in lower case.
    fn request_headers(&self) -> Vec<(Bytes, Bytes)>;

    /// Removes every value of a request header.
    fn remove_request_header(&self, name: &'static [u8]);

    /// Removes every value of a request trailer. For the call about trailers only.
    fn remove_request_trailer(&self, name: &'static [u8]);

    /// Makes `value` the only value of a request header.
    fn replace_request_header(&self, name: &'static [u8], value: &[u8]);

    /// Defines a counter. Doing so again gives one more id for the same counter.
    fn define_counter(&self, name: &str) -> Option<MetricId>;

    /// Defines a gauge, in the same way.
    fn define_gauge(&self, name: &str) -> Option<MetricId>;

    /// Adds one to a counter.
    fn increment_counter(&self, counter: MetricId);

    /// Sets a gauge. The VMs of all workers set the same one.
    fn record_gauge(&self, gauge: MetricId, value: u64);

    /// How much memory the VM has, in bytes.
    fn memory(&self) -> usize;

    /// Answers the request in place of the upstream. At most once for each request.
    fn send_local_response(&self, response: &LocalResponse);

    /// The time, where the proxy tells it.
    fn now(&self) -> Option<Timestamp>;

    /// Writes a line, if the proxy wants lines of this level.
    fn log(&self, level: Level, line: &str);
}
