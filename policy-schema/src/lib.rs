//! The Peergate policy language, its compiler, and the engine that decides.
//!
//! ```text
//! document ──validate──▶ policy ──┬─▶ istio (AuthorizationPolicy, WasmPlugin), envoy
//!        ▲                        └─▶ plugin_config
//!        └──import── Istio resources
//! what was seen of a mesh ; policy ──verify──▶ findings
//! plugin_config ──check──▶ rule ──▶ engine: compiled policy ; request ──▶ decision
//! ```
//!
//! Without the feature `authoring` this is what the filter is made of: free of I/O, of clocks, and
//! of anything that can panic. With it comes all that reads what people write and renders what
//! clusters take. Neither half does I/O.

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

#[cfg(feature = "authoring")]
pub mod diagnostic;
#[cfg(feature = "authoring")]
pub mod document;
#[cfg(feature = "authoring")]
pub mod edit;
#[cfg(feature = "authoring")]
pub mod envoy;
#[cfg(feature = "authoring")]
pub mod import;
#[cfg(feature = "authoring")]
pub mod istio;
#[cfg(feature = "authoring")]
pub mod json_schema;
#[cfg(feature = "authoring")]
mod lint;
#[cfg(feature = "authoring")]
mod manifest;
#[cfg(feature = "authoring")]
mod mesh_config;
#[cfg(feature = "authoring")]
pub mod module_url;
#[cfg(feature = "authoring")]
pub mod path_normalization;
#[cfg(feature = "authoring")]
pub mod planes;
#[cfg(feature = "authoring")]
pub mod policy;
#[cfg(feature = "authoring")]
pub mod printable;
#[cfg(feature = "authoring")]
mod protobuf;
#[cfg(feature = "authoring")]
pub mod time_span;
#[cfg(feature = "authoring")]
pub mod validate;
#[cfg(feature = "authoring")]
pub mod verify;
#[cfg(feature = "authoring")]
pub mod wording;
#[cfg(feature = "authoring")]
pub mod yaml;
#[cfg(feature = "authoring")]
pub mod yaml_text;
