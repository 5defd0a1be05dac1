//! Gateways and waypoints: client certificates, and callers without identity.

use policy_schema::validate::Validated;

use super::*;

/// A mesh with a gateway that requires client certificates, and a policy of its namespace.
fn at_gateway(version: &str, spec: &str) -> Validated {
    let mesh = format!(
        "apiVersion: peergate.dev/v1alpha1\nkind: Mesh\nmetadata: {{name: test}}\n\
         spec: {{trustDomain: cluster.local, istioVersion: \"{version}\", filter: {{image: \"file:///peergate_filter.wasm\"}}, gateways: [{{name: partners, \
         namespace: edge, selector: {{matchLabels: {{istio: partners}}}}, serviceAccount: gateway, servers: \
         [{{hosts: [a.example], tls: {{secret: s, mode: Mutual}}}}]}}]}}\n"
    );
    let policy = format!(
        "apiVersion: peergate.dev/v1alpha1\nkind: ServicePolicy\n\
         metadata: {{name: gateway, namespace: edge}}\nspec: {{{spec}}}\n"
    );
    check(&[&mesh, &policy])
}

fn codes_at_gateway(version: &str, spec: &str) -> Vec<&'static str> {
    let found = at_gateway(version, spec).diagnostics;
    found.iter().map(|found| found.code.as_str()).collect()
}

const OF_GATEWAY: &str = "selector: {matchLabels: {istio: partners}}";
const PARTNERS: &str =
    "rules: [{id: r, effect: Allow, from: [{clientCertificates: [\"dns:a.example\"]}]}]";

#[test]
fn client_certificates_are_for_policies_at_gateways_of_istio_1_30() {
    for (version, attachment, expected) in [
        ("1.30", OF_GATEWAY, &[][..]),
        (
            "1.30",
            "selector: {matchLabels: {istio: partners, a: b}}",
            &[],
        ),
        ("1.29", OF_GATEWAY, &["unsupported-by-istio"]),
        (
            "1.30",
            "selector: {matchLabels: {app: web}}",
            &["never-matches"],
        ),
        ("1.30", "scope: Namespace", &["never-matches"]),
        (
            "1.30",
            "targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: a}]",
            &[],
        ),
        (
            "1.30",
            "targetRefs: [{group: \"\", kind: Service, name: a}]",
            &["never-matches"],
        ),
        (
            "1.30",
            "selector: {matchLabels: {istio: ingressgateway}}",
            &[],
        ),
    ] {
        let found = codes_at_gateway(version, &format!("{attachment}, {PARTNERS}"));
        assert_eq!(found, expected, "{version} {attachment}");
    }
}

#[test]
fn warns_about_a_gateway_whose_clients_no_rule_allows() {
    for (spec, warns) in [
        (format!("{OF_GATEWAY}, {PARTNERS}"), false),
        (format!("{OF_GATEWAY}, rules: []"), true),
        (
            format!("{OF_GATEWAY}, rules: [{{id: r, effect: Allow}}]"),
            true,
        ),
        (
            format!("{OF_GATEWAY}, otherwise: Pass, rules: [{{id: r, effect: Deny}}]"),
            true,
        ),
        (
            "scope: Namespace, otherwise: Pass, rules: []".to_owned(),
            true,
        ),
        (
            format!("{OF_GATEWAY}, enforcement: Shadow, rules: []"),
            false,
        ),
        (
            "selector: {matchLabels: {istio: other}}, rules: []".to_owned(),
            false,
        ),
    ] {
        let found = codes_at_gateway("1.30", &spec);
        let has_warning = found.contains(&"unnamed-client-certificates");
        assert_eq!(has_warning, warns, "{spec}: {found:?}");
    }
}

#[test]
fn leaves_certificate_names_to_the_filter_where_rbac_would_differ() {
    let spec = |effect: &str, source: &str| {
        format!("{OF_GATEWAY}, rules: [{{id: r, effect: {effect}, from: [{{{source}}}]}}]")
    };
    let rendered = |effect: &str, names: &str| {
        let set = at_gateway("1.30", &spec(effect, names)).policies.unwrap();
        let policy = set.policy("edge", "gateway").unwrap();
        let objects = serde_json::to_value(authorization_policies(&set.rollout(policy))).unwrap();
        let notes = policy.enforcement_differences(set.mesh()).count();
        (objects.to_string(), notes)
    };
    let outside = "\"notPrincipals\":[\"cluster.local/*\"],\"principals\":[\"*\"]";
    let all = "clientCertificates: [\"*\"]";
    let one = "clientCertificates: [\"dns:a.example\"]";
    let others = "notClientCertificates: [\"dns:a.example\"]";
    let all_others = "clientCertificates: [\"*\"], notClientCertificates: [\"dns:a.example\"]";
    for (effect, source, is_rendered, notes) in [
        ("Allow", all, true, 0),
        ("Allow", one, true, 1),
        ("Allow", others, true, 1),
        ("Allow", all_others, true, 1),
        ("Deny", all, true, 0),
        ("Deny", one, false, 1),
        ("Deny", others, false, 1),
        ("Deny", all_others, false, 1),
    ] {
        let (objects, found) = rendered(effect, source);
        let has_rule = objects.contains(outside)
            || objects.contains("\"principals\":[\"*\"],\"notPrincipals\":[\"cluster.local/*\"]");
        assert_eq!(
            (has_rule, found),
            (is_rendered, notes),
            "{effect} {source}: {objects}"
        );
    }
}

#[test]
fn refuses_exclusions_of_all_certificates() {
    for (effect, source, expected) in [
        (
            "Allow",
            "notClientCertificates: [\"*\"]",
            &["never-matches"][..],
        ),
        (
            "Deny",
            "notClientCertificates: [\"*\"]",
            &["unnamed-client-certificates"],
        ),
        (
            "Deny",
            "clientCertificates: [\"dns:a.b.example\"], notClientCertificates: [\"dns:*.b.example\"]",
            &["unnamed-client-certificates", "never-matches"],
        ),
        (
            "Allow",
            "clientCertificates: [\"dns:a.b.example\"], notClientCertificates: [\"uri:urn:a\"]",
            &[],
        ),
    ] {
        let spec =
            format!("{OF_GATEWAY}, rules: [{{id: r, effect: {effect}, from: [{{{source}}}]}}]");
        assert_eq!(
            codes_at_gateway("1.30", &spec),
            expected,
            "{effect} {source}"
        );
    }
}

#[test]
fn callers_without_identity_reach_gateways_of_a_strict_mesh() {
    let anonymous = |labels: &str| {
        let mesh = MESH.replace("spec: {", "spec: {mtls: {mode: Strict}, ");
        let policy = format!(
            "apiVersion: peergate.dev/v1alpha1\nkind: ServicePolicy\n\
             metadata: {{name: edge, namespace: shop}}\n\
             spec: {{selector: {{matchLabels: {{{labels}}}}}, \
             rules: [{{id: r, effect: Allow, from: [{{anonymous: true}}]}}]}}\n"
        );
        codes(&[&mesh, &policy])
    };
    assert_eq!(anonymous("istio: ingressgateway"), [""; 0]);
    assert_eq!(anonymous("app: orders"), ["never-matches"]);
}

#[test]
fn refuses_rules_that_both_points_would_pass_together_at_a_gateway() {
    let beside = format!(
        "{OF_GATEWAY}, rules: [{{id: r, effect: Allow, from: [{{clientCertificates: [\"dns:a.example\"]}}]}}, \
         {{id: s, effect: Allow, from: [{{clientCertificates: [\"*\"], ipBlocks: [10.0.0.1]}}]}}]"
    );
    assert_eq!(codes_at_gateway("1.30", &beside), ["unenforceable-rule"]);
    let in_one_rule = |sources: &str| {
        let policy = format!("{OF_GATEWAY}, rules: [{{id: r, effect: Allow, from: [{sources}]}}]");
        codes_at_gateway("1.30", &policy)
    };
    let named = "{clientCertificates: [\"dns:a.example\"]}";
    let any_from = "{clientCertificates: [\"*\"], ipBlocks: [10.0.0.1]}";
    let named_from = "{clientCertificates: [\"dns:b.example\"], ipBlocks: [10.0.0.1]}";
    for refused in [
        [named, any_from].join(","),
        [any_from, named].join(","),
        [named, named_from].join(","),
        [named_from, named_from].join(","),
        [named, "{ipBlocks: [10.0.0.1]}"].join(","),
    ] {
        assert_eq!(in_one_rule(&refused), ["unenforceable-rule"], "{refused}");
    }
    for sound in [
        named_from.to_owned(),
        [
            named,
            "{clientCertificates: [\"*\"], remoteIpBlocks: [10.0.0.1]}",
        ]
        .join(","),
        ["{clientCertificates: [\"*\"]}", "{ipBlocks: [10.0.0.1]}"].join(","),
    ] {
        assert_eq!(in_one_rule(&sound), [""; 0], "{sound}");
    }
    let tcp = format!(
        "{OF_GATEWAY}, tcpPorts: [9000], rules: [{{id: r, effect: Allow, \
         from: [{{clientCertificates: [\"dns:a.example\"]}}], to: [{{ports: [9000]}}]}}]"
    );
    assert_eq!(codes_at_gateway("1.30", &tcp), ["unenforceable-rule"]);
}

#[test]
fn a_policy_that_only_denies_does_not_affect_gateway_clients() {
    let rendered = |selector: &str| {
        let policy = format!(
            "apiVersion: peergate.dev/v1alpha1\nkind: ServicePolicy\n\
             metadata: {{name: orders, namespace: shop}}\n\
             spec: {{selector: {{matchLabels: {{{selector}}}}}, otherwise: Pass, \
             rules: [{{id: r, effect: Deny, to: [{{paths: [/a]}}]}}]}}\n"
        );
        let set = check(&[MESH, &policy]).policies.unwrap();
        let policy = set.policy("shop", "orders").unwrap();
        let objects = authorization_policies(&set.rollout(policy));
        serde_json::to_string(&objects).unwrap()
    };
    assert!(rendered("app: orders").contains("notPrincipals"));
    assert!(!rendered("istio: ingressgateway").contains("notPrincipals"));
}

/// An exception applies to the workloads' own sidecars. A waypoint accepts only mutual TLS.
#[test]
fn no_caller_is_anonymous_at_a_waypoint_of_a_strict_mesh() {
    const STRICT: &str = "apiVersion: peergate.dev/v1alpha1
kind: Mesh
metadata: {name: test}
spec:
  trustDomain: cluster.local
  istioVersion: \"1.30\"
  mtls:
    mode: Strict
    exceptions: [{name: e, namespace: shop, owner: o, notAfter: \"2100-01-01T00:00:00Z\"}]
";
    const SERVICE: &str = "{group: \"\", kind: Service, name: a}";
    const GATEWAY: &str = "{group: gateway.networking.k8s.io, kind: Gateway, name: a}";
    let found = |attachment: &str| {
        let policy = format!(
            "apiVersion: peergate.dev/v1alpha1
kind: ServicePolicy
metadata: {{name: p, namespace: shop}}
spec: {{{attachment}, rules: [{{id: r, effect: Allow, from: [{{anonymous: true}}]}}]}}
"
        );
        let diagnostics = check(&[STRICT, &policy]).diagnostics;
        diagnostics
            .iter()
            .any(|found| found.code.as_str() == "never-matches")
    };
    assert!(found(&format!("targetRefs: [{SERVICE}]")));
    assert!(!found(&format!("targetRefs: [{GATEWAY}]")));
    assert!(!found(&format!("targetRefs: [{SERVICE}, {GATEWAY}]")));
    assert!(!found("selector: {matchLabels: {app: a}}"));
}
