//! Enforcement in a real Envoy: the module from `scripts/build-filter`, configured from a policy
//! document by the real compiler, in a sidecar with Istio's configuration.

mod access_log;
mod advisories;
mod answers;
mod config;
mod decisions;
mod failure;
mod flood;
mod gateway_certificates;
mod headers;
mod hostile;
mod identity;
mod log;
mod mesh;
mod metrics;
mod outside;
mod rbac_comparison;
mod repeated_headers;
mod spellings;
mod strangers;
mod telemetry;
mod together;
mod unix_socket;
