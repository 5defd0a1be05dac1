//! External hosts.

use super::*;

/// Plain TCP does not name the called host.
#[test]
fn a_namespace_has_one_external_host_for_a_tcp_port() {
    let hosts = |protocol: &str, other: u16| {
        policy(&format!(
            "externalHosts: [{{host: a.example, ports: [{{port: 5432, protocol: {protocol}}}]}}, {{host: b.example, ports: [{{port: {other}, protocol: {protocol}}}]}}]"
        ))
    };
    assert_found(&hosts("TCP", 5432), "conflicting-host", "b.example");
    assert_eq!(found(&hosts("TCP", 5433)), []);
    assert_eq!(found(&hosts("TLS", 5432)), []);
}

/// As an external host it would be called without mutual TLS, and without a rule that allows it.
#[test]
fn refuses_services_of_the_mesh_as_external_hosts() {
    let external = |host: &str| {
        policy(&format!(
            "externalHosts: [{{host: \"{host}\", ports: [{{port: 80, protocol: HTTP}}]}}]"
        ))
    };
    for host in [
        "b.shop.svc.cluster.local",
        "b.shop.svc",
        "web.shop",
        "*.shop.svc.cluster.local",
        "*.svc.cluster.local",
        "*.cluster.local",
        "*.local",
    ] {
        assert_found(&external(host), "conflicting-host", host);
    }
    for host in [
        "b.shop",
        "x.mysvc.cluster.local",
        "*.svc.example",
        "a.local",
    ] {
        assert_eq!(found(&external(host)), [], "{host}");
    }
}
