//! The Peergate policy language and its compiler; with the engine that decides, which it re-exports.
//!
//! ```text
//! document ──validate──▶ policy ──┬─▶ istio (AuthorizationPolicy, WasmPlugin), envoy
//!        ▲                        └─▶ plugin_config ──▶ the engine
//!        └──import── Istio resources
//! what was seen of a mesh ; policy ──verify──▶ findings
//! ```
//!
//! No I/O, no clock, no randomness.

pub use peergate_engine::{
    check, decision_id, engine, identity, matching, plugin_config, problem, reporting, rule,
    rule_spec, telemetry, timestamp,
};

pub mod code;
pub mod diagnostic;
pub mod document;
pub mod edit;
pub mod envoy;
pub mod import;
pub mod istio;
pub mod json_schema;
mod lint;
mod manifest;
mod mesh_config;
pub mod module_url;
pub mod path_normalization;
pub mod planes;
pub mod policy;
pub mod printable;
mod protobuf;
pub mod time_span;
pub mod validate;
pub mod verify;
pub mod wording;
pub mod yaml;
pub mod yaml_text;
