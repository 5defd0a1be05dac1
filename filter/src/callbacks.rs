//! The proxy's calls (proxy-wasm ABI 0.2.1).
//!
//! The SDK's dispatcher would allocate and look up a context for every request. It would also link
//! everything that any filter can do, because a callback of a trait object can always be called.

#![expect(unsafe_code, reason = "the proxy calls these functions by name")]

use std::cell::Cell;

use crate::contexts::{ContextId, Contexts};
use crate::enforcer::Disposition;
use crate::host::Host as _;
use crate::host::abi::{ACCEPTED, CONTINUE, PAUSE, REJECTED};
use crate::host::proxy_wasm::{Proxy, log_panic};
#[cfg(feature = "compare-rbac")]
use crate::passed_requests::PassedRequest;
use crate::{reply, root, upstream_header};

thread_local! {
    static CONTEXTS: Cell<Contexts> = const { Cell::new(Contexts::new()) };
}

fn with_contexts<T>(use_them: impl FnOnce(&mut Contexts) -> T) -> T {
    let mut contexts = CONTEXTS.take();
    let result = use_them(&mut contexts);
    CONTEXTS.set(contexts);
    result
}

/// The version of the ABI.
#[unsafe(no_mangle)]
extern "C" fn proxy_abi_version_0_2_1() {}

/// Called once, before everything else.
#[unsafe(no_mangle)]
extern "C" fn _initialize() {
    // The log would show the location of a panic.
    std::panic::set_hook(Box::new(log_panic));
}

/// Starts the VM, for which there is nothing to do.
#[unsafe(no_mangle)]
extern "C" fn proxy_on_vm_start(_root: u32, _size: u32) -> u32 {
    ACCEPTED
}

/// Configures a root.
#[unsafe(no_mangle)]
extern "C" fn proxy_on_configure(root: u32, _size: u32) -> u32 {
    let Some(enforcer) = root::configured() else {
        return REJECTED;
    };
    with_contexts(|contexts| contexts.activate(ContextId(root), enforcer));
    ACCEPTED
}

/// Creates a root if `root` is 0, and otherwise a request under it.
#[unsafe(no_mangle)]
extern "C" fn proxy_on_context_create(context: u32, root: u32) {
    let id = ContextId(context);
    if root != 0 {
        with_contexts(|contexts| contexts.add_request(id, ContextId(root)));
        return;
    }
    Proxy::with_liveness(id, |is_alive| {
        with_contexts(|contexts| contexts.add_root(id, is_alive));
    });
}

/// Decides a request.
#[unsafe(no_mangle)]
extern "C" fn proxy_on_request_headers(context: u32, _headers: u32, _is_end: u32) -> u32 {
    with_contexts(|contexts| {
        let id = ContextId(context);
        let root = contexts.root_of(id);
        let enforcer = root.and_then(|root| contexts.enforcer(root));
        let Some(enforcer) = enforcer else {
            // The proxy sends no requests to a plugin that it could not configure.
            Proxy.send_local_response(&reply::no_policy());
            return PAUSE;
        };
        match enforcer.enforce(&Proxy) {
            Disposition::Answered => PAUSE,
            #[cfg(not(feature = "compare-rbac"))]
            Disposition::Pass(_) => CONTINUE,
            #[cfg(feature = "compare-rbac")]
            Disposition::Pass(outcome) => {
                if let (Some(root), Some(outcome)) = (root, outcome) {
                    comparison::remember(id, PassedRequest { root, outcome });
                }
                CONTINUE
            }
        }
    })
}

/// Cleans the trailers of a request when they have arrived. They reach the upstream only
/// afterwards, even if the headers were sent long before.
#[unsafe(no_mangle)]
extern "C" fn proxy_on_request_trailers(_context: u32, _trailers: u32) -> u32 {
    // Which root the request has is no longer known, and an additional cleaning does no harm.
    if with_contexts(|contexts| contexts.any_protects_upstream_header()) {
        upstream_header::remove_trailers(&Proxy);
    }
    CONTINUE
}

#[cfg(feature = "compare-rbac")]
mod comparison {
    //! Compares decisions with RBAC's when requests end.

    use std::cell::Cell;

    use super::with_contexts;
    use crate::contexts::ContextId;
    use crate::host::proxy_wasm::Proxy;
    use crate::passed_requests::{PassedRequest, PassedRequests};

    thread_local! {
        static PASSED: Cell<PassedRequests> = Cell::default();
    }

    pub(super) fn remember(request: ContextId, passed: PassedRequest) {
        let mut requests = PASSED.take();
        if requests.are_many() {
            Proxy::with_liveness(request, |is_alive| requests.retain(is_alive));
        }
        requests.add(request, passed);
        PASSED.set(requests);
    }

    /// Called for every request, including those that an earlier filter has answered.
    #[unsafe(no_mangle)]
    extern "C" fn proxy_on_log(context: u32) {
        let mut requests = PASSED.take();
        let passed = requests.remove(ContextId(context));
        PASSED.set(requests);
        let Some(PassedRequest { root, outcome }) = passed else {
            return;
        };
        with_contexts(|contexts| {
            if let Some(enforcer) = contexts.enforcer(root) {
                enforcer.compare_with_rbac(outcome, &Proxy);
            }
        });
    }
}
