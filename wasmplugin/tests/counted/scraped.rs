//! A proxy that Prometheus scrapes.

use peergate_sandbox::Prometheus;

use super::mesh::{Mesh, Policies};
use super::scraping::{scraping, wait_for};

/// A proxy that has allowed this many requests, all of which Prometheus has scraped.
pub(crate) fn after_allowing(policies: &Policies, requests: usize) -> (Mesh, Prometheus) {
    let mesh = Mesh::start(policies);
    let prometheus = scraping(mesh.admin());
    allow(&mesh, &prometheus, requests);
    (mesh, prometheus)
}

/// Sends this many allowed requests and waits until Prometheus has scraped them.
pub(crate) fn allow(mesh: &Mesh, prometheus: &Prometheus, requests: usize) {
    assert_eq!(mesh.ask("web", "/orders", requests), 200);
    wait_for(
        prometheus,
        &format!("sum(peergate_decisions_total{{peergate_effect=\"allow\"}}) == {requests}"),
    );
}
