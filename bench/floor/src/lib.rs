//! The least that a Wasm filter can do to enforce a policy: no SDK, no reasons, no logs, no reply body.
//!
//! A yardstick for benchmarks, not a filter to use: it trusts the first URI SAN, ignores query strings and knows only `Allow` rules.
//!
//! - [`allowlist`]: the rules and the decision
//! - `filter`: the entry points of the proxy
//! - `abi`: the host calls

#[cfg(target_arch = "wasm32")]
mod abi;
pub mod allowlist;
#[cfg(target_arch = "wasm32")]
mod filter;
