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
//! Everything is real but small: the proxies are Envoy processes configured like Istio's sidecars, the certificates come from a
//! temporary CA, and the client can send malformed requests. All sockets are on `127.0.0.1` with ports chosen by the kernel, so
//! sandboxes can run in parallel, and everything stops when its value is dropped.
//!
//! - [`pki`]: the CA and its certificates
//! - [`envoy`]: finds, starts, monitors and stops an Envoy process
//! - [`sidecar`]: the bootstraps of inbound and outbound sidecars
//! - [`upstream`]: the service behind the inbound sidecar, which echoes requests
//! - [`client`]: a blocking HTTP client
//! - [`service`]: a complete service behind an inbound sidecar
//! - [`prometheus`]: a Prometheus that scrapes Envoys
//! - [`demo`]: the mesh of the demo, its calls and outcomes
//! - [`wait`]: waiting for a condition, up to a deadline
//! - [`error`] has the errors of all modules
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
