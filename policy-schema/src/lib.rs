//! The Peergate policy language and the engine that decides by it.
//!
//! ```text
//! PluginConfig ──check──▶ Rule ──engine──▶ CompiledPolicy ; RequestAttributes ──▶ Decision
//! ```
//!
//! Everything but the modules of the feature `authoring` is what the filter is made of: free of
//! I/O, of clocks, and of anything that can panic.

pub mod check;
pub mod code;
pub mod engine;
pub mod identity;
pub mod matching;
pub mod plugin_config;
pub mod problem;
pub mod rule;
pub mod rule_spec;
pub mod timestamp;
