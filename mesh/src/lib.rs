//! Reads and verifies a running mesh: its cluster, proxies, ports and certificates.

pub mod admin;
pub mod any_server;
pub mod certificates;
pub mod cluster;
#[cfg(test)]
mod fuzz;
pub mod manifests;
pub mod metrics;
pub mod network;
pub mod probe;
pub mod series;
pub mod verification;
