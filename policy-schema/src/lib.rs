//! The Peergate policy language and its compiler: one document says who may call what in a service mesh, and becomes
//! Istio resources and the configuration of a proxy-wasm filter that enforce the same rules.
//!
//! ```text
//! document ──validate──▶ policy ──┬─▶ istio (AuthorizationPolicy, WasmPlugin …), envoy
//!        ▲                        └─▶ plugin config ──▶ peergate-engine
//!        └──import── Istio resources
//! what was seen of a mesh ; policy ──verify──▶ findings
//! ```
//!
//! No I/O, no clock, no randomness: the same documents give the same bytes.
//!
//! ```
//! use peergate_engine::{CompiledPolicy, PeerIdentity, Request, Timestamp};
//! use policy_schema::{ExtensionApi, Options, SourceText, authorization_policies, extension, validate};
//!
//! let document = r#"
//! apiVersion: peergate.dev/v1alpha1
//! kind: Mesh
//! metadata: {name: mesh}
//! spec:
//!   trustDomain: cluster.local
//!   istioVersion: "1.29"
//!   filter:
//!     image: oci://registry.example.com/peergate@sha256:0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0
//! ---
//! apiVersion: peergate.dev/v1alpha1
//! kind: ServicePolicy
//! metadata: {name: cart, namespace: shop}
//! spec:
//!   selector: {matchLabels: {app: cart}}
//!   rules:
//!     - id: frontend-reads
//!       effect: Allow
//!       from: [{serviceAccounts: [frontend]}]
//!       to: [{methods: [GET]}]
//! "#;
//! let source = SourceText {
//!     name: "cart.yaml".to_owned(),
//!     text: document.to_owned(),
//! };
//! let now = Timestamp::from_unix_nanoseconds(1_780_000_000_000_000_000);
//!
//! // Validate: policies, or everything that is wrong, each at its place in the text.
//! let validated = validate(&[source], Options { at: now, istio_version: None });
//! assert!(validated.diagnostics.is_empty());
//! let set = validated.policies.ok_or("there are errors")?;
//! let policy = set.policy("shop", "cart").ok_or("no such policy")?;
//!
//! // Render: what Istio applies.
//! let rollout = set.rollout(policy);
//! let rbac = serde_json::to_value(authorization_policies(&rollout))?;
//! assert_eq!(rbac[0]["spec"]["rules"][0]["to"][0]["operation"]["methods"][0], "GET");
//! let plugin = serde_json::to_value(extension(&rollout, ExtensionApi::WasmPlugin)?)?;
//! assert_eq!(plugin["kind"], "WasmPlugin");
//!
//! // Decide: what the filter does with the same configuration.
//! let compiled = CompiledPolicy::try_from(rollout.config().clone())?;
//! let caller = PeerIdentity::from_uri_san(Some(b"spiffe://cluster.local/ns/shop/sa/batch"));
//! let request = Request {
//!     method: Some(b"GET"),
//!     path: Some(b"/cart/7"),
//!     ..Request::from_peer(caller, now)
//! };
//! assert!(!compiled.evaluate(&request).lets_pass());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

// Only the crates of this workspace use the hidden items below.
#[doc(hidden)]
pub use peergate_engine::{
    check, decision_id, engine, forms, identity, matching, plugin_config, problem, reporting, rule,
    rule_spec, telemetry, timestamp,
};

#[doc(hidden)]
pub mod code;
#[doc(hidden)]
pub mod diagnostic;
pub mod document;
#[doc(hidden)]
pub mod edit;
#[doc(hidden)]
pub mod enforcement_points;
pub mod envoy;
pub mod import;
pub mod istio;
pub mod json_schema;
mod lint;
mod manifest;
mod mesh_config;
#[doc(hidden)]
pub mod module_url;
#[doc(hidden)]
pub mod path_normalization;
#[doc(hidden)]
pub mod policy;
#[doc(hidden)]
pub mod printable;
mod protobuf;
#[doc(hidden)]
pub mod time_span;
#[doc(hidden)]
pub mod validate;
pub mod verify;
#[doc(hidden)]
pub mod wording;
#[doc(hidden)]
pub mod yaml;
#[doc(hidden)]
pub mod yaml_text;

pub use diagnostic::{Diagnostic, Place, SourceText};
pub use istio::{ExtensionApi, NoExtension, authorization_policies, extension, mesh_resources};
pub use policy::{IstioVersion, Mesh, PolicySet, Rollout, ServicePolicy};
pub use validate::{Options, Validated, validate};
pub use yaml::Span;
