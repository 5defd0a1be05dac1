//! The proxy's host calls (proxy-wasm ABI 0.2.1). No other file names them.
//!
//! They are declared here, because the SDK's wrappers panic on header values that are not UTF-8,
//! which clients can send, and on unknown statuses.

#![expect(unsafe_code, reason = "host calls are foreign functions")]

use std::panic::PanicHookInfo;
use std::ptr;

use log::Level;
use peergate_engine::timestamp::Timestamp;

use super::abi::{
    LOG_CRITICAL, METRIC_COUNTER, METRIC_GAUGE, PLUGIN_CONFIGURATION, REQUEST_HEADERS,
    REQUEST_TRAILERS, STATUS_OK, log_level,
};
use super::buffer::Buffer;
use super::{Bytes, Host, LocalResponse, MetricId};
use crate::contexts::ContextId;

/// For clients that do not speak gRPC.
const NO_GRPC_STATUS: i32 = -1;
/// The size of a page of linear memory, in bytes (WebAssembly, 4.2.8).
const PAGE: usize = 65_536;

#[link(wasm_import_module = "env")]
unsafe extern "C" {
    fn proxy_log(level: u32, line: *const u8, line_size: usize) -> u32;
    fn proxy_get_current_time_nanoseconds(time: *mut u64) -> u32;
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
    fn proxy_set_property(
        path: *const u8,
        path_size: usize,
        value: *const u8,
        value_size: usize,
    ) -> u32;
    fn proxy_get_header_map_pairs(map: u32, data: *mut *mut u8, size: *mut usize) -> u32;
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
    fn proxy_record_metric(id: u32, value: u64) -> u32;
    fn proxy_set_effective_context(context: u32) -> u32;
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
    /// The configuration of the plugin that is being configured; its content can be any bytes.
    pub(crate) fn plugin_configuration() -> Option<Buffer> {
        returned(|data, size| {
            // SAFETY: the host writes through the two pointers, which are valid for the call.
            unsafe { proxy_get_buffer_bytes(PLUGIN_CONFIGURATION, 0, usize::MAX, data, size) }
        })
    }

    /// Calls `check` with a function that tells whether the proxy still has a context. `current` is
    /// the context of the callback in progress.
    pub(crate) fn with_liveness(
        current: ContextId,
        check: impl FnOnce(&mut dyn FnMut(ContextId) -> bool),
    ) {
        // SAFETY: no memory is shared. The proxy refuses contexts that it does not have.
        let mut enter = |ContextId(id)| unsafe { proxy_set_effective_context(id) } == STATUS_OK;
        check(&mut enter);
        enter(current);
    }
}

impl Host for Proxy {
    type Returned = Buffer;

    fn property(&self, path: &[u8]) -> Option<Buffer> {
        returned(|data, size| {
            // SAFETY: the host reads `path` and writes through the two pointers, all valid for
            // the call.
            unsafe { proxy_get_property(path.as_ptr(), path.len(), data, size) }
        })
        .filter(|value| !value.is_empty())
    }

    fn set_property(&self, path: &[u8], value: &[u8]) {
        // SAFETY: the host only reads `path` and `value`.
        unsafe { proxy_set_property(path.as_ptr(), path.len(), value.as_ptr(), value.len()) };
    }

    fn request_headers(&self) -> Vec<(Bytes, Bytes)> {
        let pairs = returned(|data, size| {
            // SAFETY: the host writes through the two pointers.
            unsafe { proxy_get_header_map_pairs(REQUEST_HEADERS, data, size) }
        });
        pairs.as_deref().and_then(deserialized).unwrap_or_default()
    }

    fn request_header(&self, name: &'static [u8]) -> Option<Buffer> {
        returned(|data, size| {
            // SAFETY: as above.
            unsafe {
                proxy_get_header_map_value(REQUEST_HEADERS, name.as_ptr(), name.len(), data, size)
            }
        })
    }

    fn remove_request_header(&self, name: &'static [u8]) {
        // SAFETY: the host only reads `name`. It fails only where there are no headers.
        unsafe { proxy_remove_header_map_value(REQUEST_HEADERS, name.as_ptr(), name.len()) };
    }

    fn remove_request_trailer(&self, name: &'static [u8]) {
        // SAFETY: as above.
        unsafe { proxy_remove_header_map_value(REQUEST_TRAILERS, name.as_ptr(), name.len()) };
    }

    fn replace_request_header(&self, name: &'static [u8], value: &[u8]) {
        // SAFETY: the host only reads `name` and `value`. As above.
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

    fn define_counter(&self, name: &str) -> Option<MetricId> {
        define(METRIC_COUNTER, name)
    }

    fn define_gauge(&self, name: &str) -> Option<MetricId> {
        define(METRIC_GAUGE, name)
    }

    fn increment_counter(&self, counter: MetricId) {
        // SAFETY: no memory is shared.
        unsafe { proxy_increment_metric(counter.0, 1) };
    }

    fn record_gauge(&self, gauge: MetricId, value: u64) {
        // SAFETY: no memory is shared.
        unsafe { proxy_record_metric(gauge.0, value) };
    }

    fn memory(&self) -> usize {
        core::arch::wasm32::memory_size(0).saturating_mul(PAGE)
    }

    fn send_local_response(&self, response: &LocalResponse) {
        let headers = serialized(&response.headers);
        // SAFETY: the host only reads the three ranges, and copies what it keeps.
        unsafe {
            proxy_send_local_response(
                response.status,
                response.details.as_ptr(),
                response.details.len(),
                response.body.as_ptr(),
                response.body.len(),
                headers.as_ptr(),
                headers.len(),
                response.grpc_status.unwrap_or(NO_GRPC_STATUS),
            )
        };
    }

    fn now(&self) -> Option<Timestamp> {
        let mut time = 0;
        // SAFETY: the host writes to `time`.
        let status = unsafe { proxy_get_current_time_nanoseconds(&raw mut time) };
        (status == STATUS_OK).then(|| Timestamp::from_unix_nanoseconds(time))
    }

    fn log(&self, level: Level, line: &str) {
        log(log_level(level), line);
    }
}

/// Writes where and why the filter panics.
pub(crate) fn log_panic(panic: &PanicHookInfo<'_>) {
    log(LOG_CRITICAL, &panic.to_string());
}

/// The proxy drops lines of levels that it is not configured to log.
fn log(level: u32, line: &str) {
    // SAFETY: the host reads `line`.
    unsafe { proxy_log(level, line.as_ptr(), line.len()) };
}

fn define(kind: u32, name: &str) -> Option<MetricId> {
    let mut id = 0;
    // SAFETY: the host reads `name` and writes to `id`.
    let status = unsafe { proxy_define_metric(kind, name.as_ptr(), name.len(), &raw mut id) };
    (status == STATUS_OK).then_some(MetricId(id))
}

/// The bytes that a host call returns; `None` if it fails. For an empty value the host returns no
/// buffer.
fn returned(call: impl FnOnce(*mut *mut u8, *mut usize) -> u32) -> Option<Buffer> {
    let mut data = ptr::null_mut();
    let mut size = 0;
    if call(&raw mut data, &raw mut size) != STATUS_OK {
        return None;
    }
    // SAFETY: the host got `data` from `proxy_on_memory_allocate` for this size, filled it, and
    // keeps no pointer to it.
    Some(unsafe { Buffer::from_raw(data, size) })
}

/// Serializes headers for the ABI: their number, the sizes of each name and value, then names and
/// values, each terminated by a zero byte.
fn serialized(headers: &[(&str, String)]) -> Bytes {
    let mut bytes = Bytes::with_capacity(128);
    let push_size = |bytes: &mut Bytes, size: usize| {
        bytes.extend_from_slice(&u32::try_from(size).unwrap_or(u32::MAX).to_le_bytes());
    };
    push_size(&mut bytes, headers.len());
    for (name, value) in headers {
        push_size(&mut bytes, name.len());
        push_size(&mut bytes, value.len());
    }
    for text in headers.iter().flat_map(|(name, value)| [*name, value]) {
        bytes.extend_from_slice(text.as_bytes());
        bytes.push(0);
    }
    bytes
}

/// Parses headers from that layout; `None` if it is malformed.
fn deserialized(bytes: &[u8]) -> Option<Vec<(Bytes, Bytes)>> {
    let size = |bytes: &[u8]| usize::try_from(u32::from_le_bytes(bytes.try_into().ok()?)).ok();
    let (count, rest) = bytes.split_at_checked(4)?;
    let (sizes, mut texts) = rest.split_at_checked(size(count)?.checked_mul(8)?)?;
    let mut next = |size: usize| {
        let (text, rest) = texts.split_at_checked(size)?;
        texts = rest.get(1..)?;
        Some(text.to_vec())
    };
    sizes
        .chunks_exact(8)
        .map(|sizes| {
            let (name, value) = sizes.split_at_checked(4)?;
            Some((next(size(name)?)?, next(size(value)?)?))
        })
        .collect()
}
