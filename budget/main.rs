//! What the built module costs, counted in a simulated proxy instead of timed.
//!
//! ```text
//! built module ──module──▶ Program ──vm──▶ callbacks ─┐
//! documents ──policy──▶ plugin config, Request ──▶ Vm ├─▶ Counts ──table, golden──▶ snapshots
//!                          host calls ◀── host_calls ─┘
//! ```
//!
//! Counts are golden files, so a change that costs more shows in its diff. Fuel and memory differ a
//! little between compilers, so golden values within 5 % are kept.

mod configurations;
mod counts;
mod exchange;
mod golden;
mod host;
mod host_calls;
mod module;
mod policy;
mod programs;
mod regressions;
mod request;
mod requests;
mod scenario;
mod table;
mod tolerance;
mod vm;
