//! A small real mesh on loopback.
//!
//! ```text
//!            plaintext              mTLS, a SPIFFE certificate          plaintext
//!  Client ────────────▶ Envoy ─────────────────────────────▶ Envoy ────────────▶ Upstream
//!                       OutboundSidecar                       InboundSidecar
//!                       one listener per caller               inbound-strict
//!                                                             inbound-permissive
//!  Client ──────────────────────────────────────────────────▶ inbound-optional-tls
//!           its own certificate, or none, or raw bytes        (the filters under test)
//! ```
//!
//! Everything is real but small: the proxies are Envoy processes configured as Istio configures
//! its sidecars, the certificates come from a throw-away authority, and the client can send what
//! well-behaved clients do not. All sockets are on `127.0.0.1` with ports that the kernel picks,
//! so any number of sandboxes run side by side, and nothing outlives the values that stand for it.
//!
//! - [`pki`]: the authority and the certificates it issues
//! - [`envoy`]: finding, starting, watching and ending an Envoy process
//! - [`sidecar`]: the bootstraps of inbound and outbound sidecars
//! - [`upstream`]: the service behind the inbound sidecar; it answers with what it received
//! - [`client`]: a blocking HTTP client
//! - [`service`]: a service behind an inbound sidecar, whole
//! - [`prometheus`]: a Prometheus that scrapes Envoys and is asked
//! - [`demo`]: the mesh of the guided tour, its calls, and what came of them
//! - [`wait`]: waiting for a condition, up to a deadline
//! - [`error`]: what can go wrong with all of these
//!
//! # Example
//!
//! ```no_run
//! use peergate_sandbox::{Leaf, Request, Service};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let orders = Leaf::spiffe("spiffe://cluster.local/ns/shop/sa/orders");
//! let service = Service::start(&orders, |sidecar, _| sidecar.bootstrap())?;
//!
//! let web = service.client_as("spiffe://cluster.local/ns/shop/sa/web")?;
//! assert_eq!(web.send(&Request::get("/orders"))?.status, 200);
//! # Ok(())
//! # }
//! ```

pub mod client;
pub mod demo;
pub mod envoy;
pub mod error;
pub mod pki;
mod process;
pub mod prometheus;
pub mod service;
pub mod sidecar;
pub mod upstream;
pub mod wait;

pub use client::{Client, Connection, Request, Response};
pub use envoy::{Envoy, EnvoyBinary};
pub use error::{CallError, Error};
pub use pki::{Authority, Identity, IdentityFiles, Leaf};
pub use prometheus::{Prometheus, PrometheusTools, Range, Series};
pub use service::Service;
pub use sidecar::{
    Caller, INBOUND_OPTIONAL_TLS, INBOUND_PERMISSIVE, INBOUND_STRICT, InboundSidecar,
    OutboundSidecar,
};
pub use upstream::{Received, Upstream};
