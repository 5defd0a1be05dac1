//! The proxy by its host calls (proxy-wasm ABI 0.2.1). The only file that names them.
//!
//! They are declared here again, beside the SDK's, because the SDK's wrappers panic on header
//! values that are not UTF-8 and on statuses that they do not know; a client can cause the first.

#![expect(unsafe_code, reason = "host calls are foreign functions")]

use std::ptr;

use policy_schema::timestamp::Timestamp;

use super::{CounterId, Host};
use crate::reply::LocalReply;

const STATUS_OK: u32 = 0;
const REQUEST_HEADERS: u32 = 0;
const PLUGIN_CONFIGURATION: u32 = 7;
const METRIC_COUNTER: u32 = 0;
/// Lets the proxy choose how a gRPC client learns of an HTTP status.
const NO_GRPC_STATUS: i32 = -1;

#[link(wasm_import_module = "env")]
unsafe extern "C" {
    fn proxy_get_buffer_bytes(
        buffer: u32,
        start: usize,
        max: usize,
        data: *mut *mut u8,
        size: *mut usize,
    ) -> u32;
    fn proxy_get_property(
        path: *const u8,
        path_size: usize,
        data: *mut *mut u8,
        size: *mut usize,
    ) -> u32;
    fn proxy_get_header_map_value(
        map: u32,
        name: *const u8,
        name_size: usize,
        data: *mut *mut u8,
        size: *mut usize,
    ) -> u32;
    fn proxy_remove_header_map_value(map: u32, name: *const u8, name_size: usize) -> u32;
    fn proxy_replace_header_map_value(
        map: u32,
        name: *const u8,
        name_size: usize,
        value: *const u8,
        value_size: usize,
    ) -> u32;
    fn proxy_define_metric(kind: u32, name: *const u8, name_size: usize, id: *mut u32) -> u32;
    fn proxy_increment_metric(id: u32, offset: i64) -> u32;
    fn proxy_get_current_time_nanoseconds(time: *mut u64) -> u32;
    fn proxy_send_local_response(
        status: u32,
        details: *const u8,
        details_size: usize,
        body: *const u8,
        body_size: usize,
        headers: *const u8,
        headers_size: usize,
        grpc_status: i32,
    ) -> u32;
}

/// The proxy that this module runs in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Proxy;

impl Proxy {
    /// The configuration of the plugin that is being configured, as bytes of any content.
    pub(crate) fn plugin_configuration() -> Option<Vec<u8>> {
        returned(|data, size| {
            // SAFETY: the host writes through the two pointers, which are valid for the call.
            unsafe { proxy_get_buffer_bytes(PLUGIN_CONFIGURATION, 0, usize::MAX, data, size) }
        })
    }
}

impl Host for Proxy {
    fn property(&self, path: &'static [u8]) -> Option<Vec<u8>> {
        returned(|data, size| {
            // SAFETY: the host reads `path` and writes through the two pointers, all valid for
            // the call.
            unsafe { proxy_get_property(path.as_ptr(), path.len(), data, size) }
        })
    }

    fn request_header(&self, name: &'static str) -> Option<Vec<u8>> {
        returned(|data, size| {
            // SAFETY: as above.
            unsafe {
                proxy_get_header_map_value(REQUEST_HEADERS, name.as_ptr(), name.len(), data, size)
            }
        })
    }

    fn remove_request_header(&self, name: &'static str) {
        // SAFETY: the host only reads `name`. A failure leaves nothing to be done.
        unsafe { proxy_remove_header_map_value(REQUEST_HEADERS, name.as_ptr(), name.len()) };
    }

    fn set_request_header(&self, name: &'static str, value: &[u8]) {
        // SAFETY: the host only reads `name` and `value`.
        unsafe {
            proxy_replace_header_map_value(
                REQUEST_HEADERS,
                name.as_ptr(),
                name.len(),
                value.as_ptr(),
                value.len(),
            )
        };
    }

    fn define_counter(&self, name: &str) -> Option<CounterId> {
        let mut id = 0;
        // SAFETY: the host reads `name` and writes to `id`.
        let status =
            unsafe { proxy_define_metric(METRIC_COUNTER, name.as_ptr(), name.len(), &raw mut id) };
        (status == STATUS_OK).then_some(CounterId(id))
    }

    fn increment(&self, counter: CounterId) {
        // SAFETY: no memory is shared.
        unsafe { proxy_increment_metric(counter.0, 1) };
    }

    fn reply(&self, reply: &LocalReply) {
        let headers = reply.serialized_headers();
        // SAFETY: the host only reads the three ranges, and copies what it keeps.
        unsafe {
            proxy_send_local_response(
                reply.status,
                reply.details.as_ptr(),
                reply.details.len(),
                reply.body.as_ptr(),
                reply.body.len(),
                headers.as_ptr(),
                headers.len(),
                NO_GRPC_STATUS,
            )
        };
    }

    fn now(&self) -> Timestamp {
        let mut time = 0;
        // SAFETY: the host writes to `time`. Should it fail, rules with a beginning do not apply;
        // that the time is 1970 then lets rules with an end apply, which Envoy never does: its
        // clock does not fail.
        unsafe { proxy_get_current_time_nanoseconds(&raw mut time) };
        Timestamp::from_unix_nanoseconds(time)
    }
}

/// The bytes that a host call returns; none when it fails. Of an empty value the host returns no
/// buffer.
fn returned(call: impl FnOnce(*mut *mut u8, *mut usize) -> u32) -> Option<Vec<u8>> {
    let mut data = ptr::null_mut();
    let mut size = 0;
    if call(&raw mut data, &raw mut size) != STATUS_OK {
        return None;
    }
    if data.is_null() {
        return Some(Vec::new());
    }
    // SAFETY: the host asked the module's own `malloc` for exactly `size` bytes, which is a `Vec`
    // of that capacity, and filled it; nobody else has the pointer.
    Some(unsafe { Vec::from_raw_parts(data, size, size) })
}
