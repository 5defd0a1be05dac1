//! Exceptions from mutual TLS.

use super::*;

/// Of several objects for a pod, Istio uses the oldest.
#[test]
fn one_workload_has_one_exception() {
    let exceptions = |other: &str| {
        mesh(&format!(
            "mtls: {{mode: Strict, exceptions: [{{name: a, namespace: shop, selector: {{matchLabels: {{app: web}}}}, ports: [1], owner: b, notAfter: \"2030-01-01T00:00:00Z\"}}, {{name: b, namespace: {other}, ports: [3], owner: b, notAfter: \"2030-01-01T00:00:00Z\"}}]}}"
        ))
    };
    for other in [
        "shop, selector: {matchLabels: {app: web, v: x}}",
        "shop, selector: {matchLabels: {v: x}}",
    ] {
        assert_found(&exceptions(other), "duplicate-exception", "name: b");
    }
    for other in [
        "shop, selector: {matchLabels: {app: other}}",
        "other, selector: {matchLabels: {app: web}}",
    ] {
        assert_eq!(
            found(&format!("{}{POLICY}", exceptions(other))),
            [],
            "{other}"
        );
    }
}

#[test]
fn callers_without_identity_may_reach_workloads_of_exceptions() {
    let anonymous = POLICY.replace(
        "from: [{serviceAccounts: [edge/gateway, edge/routes-istio]}]",
        "from: [{anonymous: true}]",
    );
    let strict = format!("{}{anonymous}", mesh("mtls: {mode: Strict}"));
    assert_found(&strict, "never-matches", "true");
    // The documents do not make the cluster refuse them.
    for open in [
        "mtls: {mode: Permissive}",
        "mtls: {minVersion: \"1.2\"}",
        "clusterDomain: a.b",
    ] {
        assert_eq!(found(&format!("{}{anonymous}", mesh(open))), [], "{open}");
    }
    let exception = |text: &str| {
        let mesh = mesh(&format!(
            "mtls: {{mode: Strict, exceptions: [{{name: a, owner: b, notAfter: \"2030-01-01T00:00:00Z\", {text}}}]}}"
        ));
        format!("{mesh}{anonymous}")
    };
    for text in [
        "namespace: shop",
        "namespace: shop, selector: {matchLabels: {tier: front}}",
    ] {
        assert_eq!(found(&exception(text)), [], "{text}");
    }
    for text in [
        "namespace: other",
        "namespace: shop, selector: {matchLabels: {app: other}}",
    ] {
        assert_found(&exception(text), "never-matches", "true");
    }
}

#[test]
fn callers_do_not_require_mutual_tls_where_an_exception_disables_it() {
    let mesh = mesh(
        "mtls: {mode: Strict, exceptions: [{name: a, namespace: shop, mode: Disable, owner: b, notAfter: \"2030-01-01T00:00:00Z\"}]}",
    );
    let policy = POLICY.replace("service: {", "service: {mtls: Always, ");
    assert_found(&format!("{mesh}{policy}"), "exclusive-fields", "Always");
}
