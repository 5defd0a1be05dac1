//! The filter: enforces a policy on every request that reaches a sidecar.
//!
//! ```text
//! root: plugin config ──▶ Enforcer (compiled policy, counters)
//! http: request ──attributes──▶ decision ─┬─▶ reply           a denial
//!                                         ├─▶ caller_header   what the upstream is told
//!                                         ├─▶ metrics         every decision
//!                                         └─▶ decision_log    denials, for debugging
//! ```
//!
//! Whatever a client or a configuration sends, the filter answers: a trap would take down every
//! request on the worker. So nothing here can panic, host calls that fail read as "absent", and
//! what is absent is denied.

// Outside a proxy only the tests use the modules.
#![cfg_attr(
    not(target_arch = "wasm32"),
    expect(dead_code, reason = "the adapter to the proxy is what calls all this")
)]

mod attributes;
mod caller_header;
mod certificate;
mod decision_log;
mod enforcer;
mod host;
#[cfg(target_arch = "wasm32")]
mod http;
mod identity_cache;
mod metrics;
mod reply;
#[cfg(target_arch = "wasm32")]
mod root;

#[cfg(target_arch = "wasm32")]
#[expect(
    unsafe_code,
    reason = "the macro exports the entry point that the proxy calls"
)]
mod entry {
    use proxy_wasm::types::LogLevel;

    proxy_wasm::main! {{
        proxy_wasm::set_log_level(LogLevel::Info);
        proxy_wasm::set_root_context(|_| Box::new(crate::root::Root::default()));
    }}
}
