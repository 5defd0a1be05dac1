//! The filter that enforces a policy in a sidecar: a proxy-wasm module.
//!
//! ```text
//! root:      plugin config ──▶ Enforcer (compiled policy, counters, log)
//! callbacks: request ──attributes──▶ decision ─┬─▶ metrics           every decision
//!                                              ├─▶ learning          callers, methods and paths, if enabled
//!                                              ├─▶ access_log        fields for the proxy's access log
//!                                              ├─▶ upstream_header   caller and decision for the upstream
//!                                              └─▶ denial ─┬─▶ decision_log
//!                                                          └─▶ reply
//! its trailers, if any ─────────────────────▶ upstream_header
//! at its end: RBAC's decision ─▶ rbac_comparison          in the module that compares
//! ```
//!
//! The filter must handle any input from clients and any configuration, because a trap would abort
//! every request on the worker. So this code cannot panic. Attributes that the proxy cannot provide
//! are absent.
//!
//! All code accesses the proxy through [`host::Host`], so that it can be tested without one.
//! `root`, `callbacks` and the adapter in `host` exist only in the module.

pub mod access_log;
pub mod announcement;
pub mod attributes;
pub mod certificate;
pub mod contexts;
pub mod decision_log;
pub mod denial;
pub mod dynamic_metadata;
pub mod enforcer;
pub mod host;
pub mod learning;
pub mod metrics;
#[cfg(any(test, feature = "compare-rbac"))]
pub mod passed_requests;
pub mod peer;
pub mod peer_certificates;
#[cfg(any(test, feature = "compare-rbac"))]
pub mod rbac_comparison;
pub mod reply;
pub mod series;
pub mod upstream_header;

#[cfg(target_arch = "wasm32")]
mod callbacks;
#[cfg(test)]
mod fake_host;
#[cfg(target_arch = "wasm32")]
mod root;
