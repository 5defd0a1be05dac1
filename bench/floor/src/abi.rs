//! The host calls of proxy-wasm 0.2.1 that the filter needs, and the buffer for their results.

#![expect(
    unsafe_code,
    reason = "host calls pass pointers into the module's memory"
)]

use core::cell::UnsafeCell;
use core::{ptr, slice};

const OK: i32 = 0;
const HTTP_REQUEST_HEADERS: i32 = 0;
const PLUGIN_CONFIGURATION: i32 = 7;
const COUNTER: i32 = 0;
const NO_GRPC_STATUS: i32 = -1;

#[link(wasm_import_module = "env")]
unsafe extern "C" {
    fn proxy_get_property(
        path: *const u8,
        path_size: usize,
        value: *mut *mut u8,
        value_size: *mut usize,
    ) -> i32;
    fn proxy_get_header_map_value(
        map: i32,
        name: *const u8,
        name_size: usize,
        value: *mut *mut u8,
        value_size: *mut usize,
    ) -> i32;
    fn proxy_get_buffer_bytes(
        buffer: i32,
        start: usize,
        length: usize,
        value: *mut *mut u8,
        value_size: *mut usize,
    ) -> i32;
    fn proxy_define_metric(kind: i32, name: *const u8, name_size: usize, id: *mut u32) -> i32;
    fn proxy_increment_metric(id: u32, offset: i64) -> i32;
    fn proxy_send_local_response(
        status: u32,
        details: *const u8,
        details_size: usize,
        body: *const u8,
        body_size: usize,
        headers: *const u8,
        headers_size: usize,
        grpc_status: i32,
    ) -> i32;
}

/// The proxy asks for memory for each result. A result lives until the next host call, so that all share one buffer.
const SHARED_BYTES: usize = 64 * 1024;

struct SharedBuffer(UnsafeCell<[u8; SHARED_BYTES]>);

// SAFETY: a proxy-wasm module has one thread.
unsafe impl Sync for SharedBuffer {}

static SHARED: SharedBuffer = SharedBuffer(UnsafeCell::new([0; SHARED_BYTES]));

/// Memory for a result of `size` bytes. Results that do not fit into the shared buffer are never freed: only configurations are so
/// large.
#[unsafe(no_mangle)]
extern "C" fn malloc(size: usize) -> *mut u8 {
    if size <= SHARED_BYTES {
        SHARED.0.get().cast()
    } else {
        Vec::leak(vec![0; size]).as_mut_ptr()
    }
}

/// Lets `call` write the place of its result, and passes the result to `read`. `None` if the call fails.
///
/// `read` must not make host calls that return data.
fn result<R>(
    call: impl FnOnce(*mut *mut u8, *mut usize) -> i32,
    read: impl FnOnce(&[u8]) -> R,
) -> Option<R> {
    let mut value = ptr::null_mut();
    let mut size = 0;
    if call(&raw mut value, &raw mut size) != OK || value.is_null() {
        return None;
    }
    // SAFETY: the host has written `size` bytes to memory from `malloc`, which nothing changes before the next host call.
    Some(read(unsafe { slice::from_raw_parts(value, size) }))
}

/// Reads the peer's first URI SAN.
pub(crate) fn peer_uri_san<R>(read: impl FnOnce(&[u8]) -> R) -> Option<R> {
    let path = b"connection\0uri_san_peer_certificate";
    // SAFETY: all pointers are valid during the call.
    let call = |value, size| unsafe { proxy_get_property(path.as_ptr(), path.len(), value, size) };
    result(call, read)
}

/// Reads a request header.
pub(crate) fn request_header<R>(name: &[u8], read: impl FnOnce(&[u8]) -> R) -> Option<R> {
    // SAFETY: all pointers are valid during the call.
    let call = |value, size| unsafe {
        proxy_get_header_map_value(HTTP_REQUEST_HEADERS, name.as_ptr(), name.len(), value, size)
    };
    result(call, read)
}

/// Reads the plugin configuration.
pub(crate) fn configuration<R>(bytes: usize, read: impl FnOnce(&[u8]) -> R) -> Option<R> {
    // SAFETY: all pointers are valid during the call.
    let call = |value, size| unsafe {
        proxy_get_buffer_bytes(PLUGIN_CONFIGURATION, 0, bytes, value, size)
    };
    result(call, read)
}

/// Defines a counter, and returns its ID.
pub(crate) fn define_counter(name: &[u8]) -> Option<u32> {
    let mut id = 0;
    // SAFETY: all pointers are valid during the call.
    let status = unsafe { proxy_define_metric(COUNTER, name.as_ptr(), name.len(), &raw mut id) };
    (status == OK).then_some(id)
}

/// Adds one to a counter.
pub(crate) fn increment(counter: u32) {
    // SAFETY: no pointers.
    unsafe { proxy_increment_metric(counter, 1) };
}

/// Answers the request with 403 and no body.
pub(crate) fn deny() {
    let none = ptr::null();
    // SAFETY: all texts are empty.
    unsafe { proxy_send_local_response(403, none, 0, none, 0, none, 0, NO_GRPC_STATUS) };
}
