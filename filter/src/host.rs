//! What the filter asks of the proxy it runs in.

#[cfg(target_arch = "wasm32")]
pub(crate) mod proxy_wasm;

use policy_schema::timestamp::Timestamp;

use crate::reply::LocalReply;

/// A counter of this VM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CounterId(pub(crate) u32);

/// The proxy, during one callback. Whatever goes wrong in a call reads as an absent value.
pub(crate) trait Host {
    /// A property by its path, whose parts are separated by zero bytes.
    fn property(&self, path: &'static [u8]) -> Option<Vec<u8>>;

    /// The first value of a request header.
    fn request_header(&self, name: &'static str) -> Option<Vec<u8>>;

    /// Removes every value of a request header.
    fn remove_request_header(&self, name: &'static str);

    /// Sets a request header that has no value yet.
    fn set_request_header(&self, name: &'static str, value: &[u8]);

    /// Defines a counter. Defining the same name again gives another id for the same counter.
    fn define_counter(&self, name: &str) -> Option<CounterId>;

    /// Adds one to a counter.
    fn increment(&self, counter: CounterId);

    /// Answers the request in place of the upstream. At most once for each request.
    fn reply(&self, reply: &LocalReply);

    /// The time.
    fn now(&self) -> Timestamp;
}
