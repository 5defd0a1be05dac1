//! Enforcement by a real Envoy: the module that `scripts/build-filter` built, configured from a
//! policy document by the real compiler, in a sidecar configured as Istio configures its own.

mod config;
mod decisions;
mod headers;
mod hostile;
mod identity;
mod mesh;
mod metrics;
mod telemetry;
mod together;
