//! The entry points of the proxy.

#![expect(unsafe_code, reason = "entry points have fixed names")]

use std::cell::OnceCell;

use crate::abi;
use crate::allowlist::{Allowlist, Permission};

const CONTINUE: i32 = 0;
const STOP_ITERATION: i32 = 1;

struct Filter {
    allowlist: Allowlist,
    /// The ID of the counter of requests.
    requests: u32,
}

thread_local! {
    static FILTER: OnceCell<Filter> = const { OnceCell::new() };
}

#[unsafe(no_mangle)]
extern "C" fn proxy_abi_version_0_2_1() {}

/// Does nothing, but is called for each stream: a filter needs it to know the policy of a stream once several policies share a VM.
#[unsafe(no_mangle)]
extern "C" fn proxy_on_context_create(_context: u32, _parent: u32) {}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_vm_start(_context: u32, _bytes: usize) -> i32 {
    1
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_configure(_context: u32, bytes: usize) -> i32 {
    let parse = |text: &[u8]| Allowlist::parse(str::from_utf8(text).ok()?);
    let filter = abi::configuration(bytes, parse).flatten();
    let filter = filter.zip(abi::define_counter(b"bench_floor_requests_total"));
    let Some((allowlist, requests)) = filter else {
        return 0;
    };
    let filter = Filter {
        allowlist,
        requests,
    };
    i32::from(FILTER.with(|cell| cell.set(filter)).is_ok())
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_request_headers(_context: u32, _headers: u32, _end_of_stream: i32) -> i32 {
    FILTER.with(|cell| {
        let Some(filter) = cell.get() else {
            return STOP_ITERATION;
        };
        abi::increment(filter.requests);
        if filter.allows() {
            CONTINUE
        } else {
            abi::deny();
            STOP_ITERATION
        }
    })
}

impl Filter {
    /// Whether the current request is allowed.
    fn allows(&self) -> bool {
        let permission = abi::peer_uri_san(|caller| self.allowlist.permission(caller));
        match permission.flatten() {
            None => false,
            Some(Permission::Any) => true,
            Some(Permission::Operation { method, path }) => {
                is_header(b":path", path) && is_header(b":method", method)
            }
        }
    }
}

fn is_header(name: &[u8], expected: &[u8]) -> bool {
    abi::request_header(name, |value| value == expected).unwrap_or(false)
}
