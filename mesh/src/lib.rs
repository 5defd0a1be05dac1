//! What a running mesh is like: its cluster, its proxies and their ports, and its certificates.

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
