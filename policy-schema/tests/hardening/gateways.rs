//! Gateways that Istio runs through the Gateway API.

use super::*;

/// The version of the Gateway API for Istio 1.23 has no stable timeouts.
#[test]
fn routes_of_older_versions_have_no_timeout() {
    let text = |version: &str| {
        let exposed = policy("exposures: [{gateway: routes, hosts: [c.example], timeout: 7s}]");
        let version = format!("\"{version}\"");
        let mesh = exposed.replace("\"1.30\"", &version);
        mesh.replace("secret: c}", "secret: c, minVersion: \"1.2\"}")
    };
    assert_found(&text("1.23"), "unsupported-by-istio", "7s");
    assert_eq!(found(&text("1.24")), []);
}

/// Without shared pods there is no conflict of ports or labels.
#[test]
fn accepts_gateways_with_other_pods() {
    let other = MESH.replace(
        "      api: Kubernetes\n",
        "      selector: {matchLabels: {istio: other}}\n      serviceAccount: other\n",
    );
    assert_eq!(found(&other), []);
    let ports = MESH.replace(
        "tls: {secret: c}",
        "tls: {secret: c}, port: 8443, redirectPort: 8080",
    );
    assert_eq!(found(&ports), []);
}

#[test]
fn reports_a_gateway_without_an_account_once() {
    let exposed = policy("exposures: [{gateway: public, hosts: [a.example]}]");
    let text = exposed.replace("      serviceAccount: gateway\n", "");
    let codes: Vec<_> = found(&text).into_iter().map(|(code, _)| code).collect();
    assert_eq!(codes, ["missing-field"]);
}
