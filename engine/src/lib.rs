//! Decides which callers may send which requests in a service mesh, by SPIFFE identities.
//!
//! A plugin config is compiled once. Then each request gets a decision with its reason, at a cost
//! that does not grow with the number of rules. No I/O, no clock, no panic, and no allocation per
//! decision.
//!
//! ```
//! use peergate_engine::{CompiledPolicy, PeerIdentity, PluginConfig, ReasonCode, Request, Timestamp};
//!
//! let config = PluginConfig::from_json(
//!     br#"{
//!         "apiVersion": "peergate.dev/v1alpha1",
//!         "mesh": {"trustDomain": "cluster.local"},
//!         "policy": {"namespace": "shop", "name": "cart"},
//!         "rules": [{
//!             "id": "frontend-reads",
//!             "effect": "Allow",
//!             "from": [{"serviceAccounts": ["shop/frontend"]}],
//!             "to": [{"methods": ["GET"], "paths": ["/cart/*"]}]
//!         }]
//!     }"#,
//! )?;
//! let policy = CompiledPolicy::try_from(config)?;
//!
//! let frontend = PeerIdentity::from_uri_san(Some(b"spiffe://cluster.local/ns/shop/sa/frontend"));
//! let now = Timestamp::from_unix_nanoseconds(1_780_000_000_000_000_000);
//! let read = Request {
//!     method: Some(b"GET"),
//!     path: Some(b"/cart/7"),
//!     ..Request::from_peer(frontend, now)
//! };
//! assert!(policy.evaluate(&read).lets_pass());
//!
//! let write = Request {
//!     method: Some(b"DELETE"),
//!     ..read
//! };
//! let decision = policy.evaluate(&write);
//! assert!(!decision.lets_pass());
//! assert_eq!(decision.reason().code(), ReasonCode::NoRuleMatched);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A proxy implements [`RequestAttributes`] instead of filling in a [`Request`]. The engine fetches
//! an attribute only when a candidate rule needs it.
//!
//! # Features
//!
//! - `schemars`: the types of the plugin config implement `JsonSchema`.

#[doc(hidden)]
pub mod check;
#[doc(hidden)]
pub mod code;
pub mod decision_id;
#[doc(hidden)]
pub mod engine;
#[cfg(feature = "schemars")]
#[doc(hidden)]
pub mod forms;
#[doc(hidden)]
pub mod identity;
mod json;
#[doc(hidden)]
pub mod matching;
pub mod plugin_config;
#[doc(hidden)]
pub mod problem;
pub mod reporting;
#[doc(hidden)]
pub mod rule;
pub mod rule_spec;
mod substring;
pub mod telemetry;
#[doc(hidden)]
pub mod timestamp;

pub use code::{Code, Severity};
pub use engine::{
    Attribute, CompiledPolicy, CompiledRule, Decision, DecisionOutcome, Differences, MetadataText,
    NearMiss, PeerIp, Reason, Request, RequestAttributes, path_without_query,
};
pub use identity::{
    ClientCertificate, NameKind, PeerIdentity, SpiffeId, SpiffeIdError, TrustDomains,
};
pub use json::JsonError;
pub use plugin_config::{ConfigError, PluginConfig, PolicyName};
pub use problem::{Location, Problem, Step};
pub use rule::MetadataKey;
pub use telemetry::{DecisionEffect, ReasonCode};
pub use timestamp::{Phase, Timestamp};
