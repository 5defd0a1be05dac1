//! The engine that decides who may call what: everything that a sidecar needs, and nothing else.
//!
//! ```text
//! plugin_config ──check──▶ rule ──▶ engine: compiled policy ; request ──▶ decision
//! ```
//!
//! No I/O, no clock, and nothing that can panic.

pub mod check;
pub mod code;
pub mod decision_id;
pub mod engine;
pub mod identity;
pub mod matching;
pub mod plugin_config;
pub mod problem;
pub mod reporting;
pub mod rule;
pub mod rule_spec;
pub mod telemetry;
pub mod timestamp;
