//! What validation finds, and what it leaves alone, where documents and rules depend on each other.

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

use policy_schema::diagnostic::SourceText;
use policy_schema::istio::authorization_policies;
use policy_schema::timestamp::Timestamp;
use policy_schema::validate::{Options, Validated, validate};

const MESH: &str = "\
apiVersion: peergate.dev/v1alpha1
kind: Mesh
metadata: {name: test}
spec: {trustDomain: cluster.local, trustDomainAliases: [old.example], istioVersion: \"1.29\", filter: {image: \"file:///peergate_filter.wasm\"}}
";

fn check(texts: &[&str]) -> Validated {
    let sources: Vec<_> = texts
        .iter()
        .map(|text| SourceText {
            name: "policy.yaml".to_owned(),
            text: (*text).to_owned(),
        })
        .collect();
    let options = Options {
        at: Timestamp::from_unix_nanoseconds(1_780_000_000_000_000_000),
        istio_version: None,
    };
    validate(&sources, options)
}

fn codes(texts: &[&str]) -> Vec<&'static str> {
    let found = check(texts).diagnostics;
    found.iter().map(|found| found.code.as_str()).collect()
}

/// A policy with one rule.
fn policy(rule: &str) -> String {
    format!(
        "apiVersion: peergate.dev/v1alpha1\nkind: ServicePolicy\n\
         metadata: {{name: orders, namespace: shop}}\n\
         spec: {{selector: {{matchLabels: {{app: orders}}}}, service: {{ports: [{{port: 80, targetPort: 8080}}]}}, rules: [{{id: r, {rule}}}]}}\n"
    )
}

#[test]
fn values_that_a_source_excludes_under_every_name_never_match() {
    let excluded = [
        "principals: [cluster.local/ns/a/sa/b], notPrincipals: [cluster.local/ns/a/sa/b]",
        "principals: [cluster.local/ns/a/sa/b], notPrincipals: [\"*/b\"]",
        "principals: [cluster.local/ns/a/sa/b], notServiceAccounts: [a/b]",
        "serviceAccounts: [a/b], notServiceAccounts: [a/b]",
        "serviceAccounts: [a/b], notPrincipals: [cluster.local/ns/a/sa/b]",
        "principals: [cluster.local/vm], notPrincipals: [\"cluster.local/*\"]",
    ];
    for source in excluded {
        let policy = policy(&format!("effect: Allow, from: [{{{source}}}]"));
        assert_eq!(codes(&[MESH, &policy]), ["never-matches"], "{source}");
    }
}

#[test]
fn values_that_a_source_excludes_under_one_name_may_match_under_another() {
    let source = "principals: [cluster.local/ns/a/sa/b], notPrincipals: [\"cluster.local/*\"]";
    let policy = policy(&format!("effect: Allow, from: [{{{source}}}]"));
    assert_eq!(codes(&[MESH, &policy]), [""; 0]);
}

#[test]
fn an_allow_rule_that_excludes_everything_never_matches() {
    for rule in [
        "from: [{notPrincipals: [\"*\"]}]",
        "to: [{notMethods: [\"*\"]}]",
        "to: [{notPaths: [\"*\"]}]",
    ] {
        let allow = policy(&format!("effect: Allow, {rule}"));
        assert_eq!(codes(&[MESH, &allow]), ["never-matches"], "{rule}");
        let deny = policy(&format!("effect: Deny, {rule}"));
        let codes = codes(&[MESH, &deny]);
        assert!(!codes.contains(&"never-matches"), "{rule}");
    }
}

#[test]
fn a_mesh_that_cannot_be_read_is_not_missing_too() {
    let policy = policy("effect: Allow");
    assert_eq!(codes(&[&policy]), ["missing-mesh"]);
    let unread = [
        ("kind: Mesh\n a: [", "yaml-syntax"),
        ("apiVersion: a\napiVersion: b\n", "duplicate-key"),
        (&MESH.replace("Mesh", "mesh"), "unknown-kind"),
    ];
    for (mesh, code) in unread {
        assert_eq!(codes(&[mesh, &policy]), [code], "{mesh}");
    }
}

#[test]
fn a_fault_of_the_mesh_does_not_hide_those_of_the_policies() {
    let mesh = MESH.replace("file:///peergate_filter.wasm", "ftp://x");
    let policy = policy("effect: Allow, from: [{principals: [evil/ns/a/sa/b]}]");
    assert_eq!(
        codes(&[&mesh, &policy]),
        ["invalid-image", "foreign-trust-domain"]
    );
}

#[test]
fn namespaces_are_rendered_so_that_istio_takes_no_others() {
    let cases = [
        (
            "namespaces: [a]",
            r#"{"principals":["cluster.local/ns/a/*","old.example/ns/a/*"]}"#,
        ),
        (
            "namespaces: [\"a*\"]",
            r#"{"principals":["cluster.local/ns/a*","old.example/ns/a*"]}"#,
        ),
        (
            "namespaces: [\"*-a\"]",
            r#"{"principals":["cluster.local/*","old.example/*"],"namespaces":["*-a"]}"#,
        ),
        (
            "notNamespaces: [a]",
            r#"{"principals":["cluster.local/*","old.example/*"],"notPrincipals":["cluster.local/ns/a/*","old.example/ns/a/*"]}"#,
        ),
        ("anonymous: true", r#"{"notPrincipals":["*"]}"#),
    ];
    let mesh = MESH.replace("spec: {", "spec: {mtls: {mode: Permissive}, ");
    for (source, expected) in cases {
        let policy = policy(&format!("effect: Allow, from: [{{{source}}}]"));
        let set = check(&[&mesh, &policy]).policies.unwrap();
        let rendered = authorization_policies(&set, &set.policies()[0]);
        let rendered = serde_json::to_value(&rendered[0]).unwrap();
        let source = &rendered["spec"]["rules"][0]["from"][0]["source"];
        assert_eq!(
            source,
            &serde_json::from_str::<serde_json::Value>(expected).unwrap()
        );
    }
}

/// The rule of a policy whose workload speaks no HTTP on port 9000, as it is rendered.
fn rendered_beside_tcp(rule: &str) -> serde_json::Value {
    let policy = policy(rule).replace("spec: {", "spec: {tcpPorts: [9000], ");
    let set = check(&[MESH, &policy]).policies.unwrap();
    let objects = authorization_policies(&set, &set.policies()[0]);
    serde_json::to_value(&objects.last().unwrap().spec.rules).unwrap()
}

#[test]
fn rules_that_ask_for_http_leave_other_ports_alone() {
    let cases = [
        (
            "effect: Deny, to: [{methods: [GET]}]",
            r#"[{"to":[{"operation":{"notPorts":["9000"],"methods":["GET"]}}]}]"#,
        ),
        // Of what is absent nothing is excluded, and the denial is for every port.
        (
            "effect: Deny, to: [{notMethods: [GET]}]",
            r#"[{"to":[{"operation":{"notMethods":["GET"]}}]}]"#,
        ),
        (
            "effect: Deny, to: [{methods: [GET], ports: [8080]}]",
            r#"[{"to":[{"operation":{"ports":["8080"],"methods":["GET"]}}]}]"#,
        ),
        (
            "effect: Deny, when: [{key: \"request.headers[x]\", values: [a]}]",
            r#"[{"to":[{"operation":{"notPorts":["9000"]}}],"when":[{"key":"request.headers[x]","values":["a"]}]}]"#,
        ),
        (
            "effect: Deny, to: [{ports: [9000]}]",
            r#"[{"to":[{"operation":{"ports":["9000"]}}]}]"#,
        ),
        // Istio drops such a rule from ports without HTTP, where nothing would end it.
        (
            "effect: Allow, notAfter: \"2100-01-01T00:00:00Z\"",
            r#"[{"from":[{"source":{"principals":["cluster.local/*","old.example/*"]}}],"to":[{"operation":{"methods":["*"]}}]}]"#,
        ),
    ];
    for (rule, expected) in cases {
        let expected: serde_json::Value = serde_json::from_str(expected).unwrap();
        assert_eq!(rendered_beside_tcp(rule), expected, "{rule}");
    }
}

#[test]
fn rules_that_nothing_carries_out_beside_http_are_refused() {
    let cases = [
        (
            "effect: Deny, notAfter: \"2100-01-01T00:00:00Z\"",
            "unenforceable-rule",
        ),
        (
            "effect: Allow, notAfter: \"2100-01-01T00:00:00Z\", to: [{ports: [9000]}]",
            "unenforceable-rule",
        ),
        (
            "effect: Deny, from: [{requestPrincipals: [\"*\"]}, {namespaces: [a]}]",
            "unenforceable-rule",
        ),
        (
            "effect: Allow, to: [{methods: [GET], ports: [9000]}]",
            "never-matches",
        ),
    ];
    for (rule, code) in cases {
        let policy = policy(rule).replace("spec: {", "spec: {tcpPorts: [9000], ");
        assert_eq!(codes(&[MESH, &policy]), [code], "{rule}");
    }
}

#[test]
fn rules_that_the_two_planes_cannot_share_are_refused() {
    let cases = [
        "{id: a, effect: Deny, notAfter: \"2100-01-01T00:00:00Z\", from: [{ipBlocks: [10.0.0.0/8]}]}",
        "{id: a, effect: Deny, enforcement: Shadow, when: [{key: source.ip, values: [10.0.0.1]}]}",
        "{id: a, effect: Allow, from: [{ipBlocks: [10.0.0.0/8]}]}, {id: b, effect: Allow, notAfter: \"2100-01-01T00:00:00Z\"}",
    ];
    for rules in cases {
        let policy = policy("effect: Deny").replace("{id: r, effect: Deny}", rules);
        assert!(policy.contains(rules), "{policy}");
        assert_eq!(codes(&[MESH, &policy]), ["unenforceable-rule"], "{rules}");
    }
    // Both in one rule is exact: what the filter lets through the one does not match.
    let both = "{id: a, effect: Allow, notAfter: \"2100-01-01T00:00:00Z\", from: [{ipBlocks: [10.0.0.0/8]}]}";
    let policy = policy("effect: Deny").replace("{id: r, effect: Deny}", both);
    assert_eq!(codes(&[MESH, &policy]), [""; 0]);
}

#[test]
fn rules_of_which_rbac_sees_fewer_spellings_are_noted() {
    let header = "repeated header";
    let host = "user information";
    let template = "path templates";
    for (rule, expected) in [
        ("effect: Deny, to: [{hosts: [a]}]", &[host][..]),
        (
            "effect: Deny, to: [{notHosts: [a], notPaths: [\"/a/{*}\"]}]",
            &[],
        ),
        (
            "effect: Allow, to: [{hosts: [a], paths: [\"/a/{*}\"]}]",
            &[],
        ),
        (
            "effect: Allow, to: [{notHosts: [a], notPaths: [\"/a/{*}\"]}]",
            &[host, template],
        ),
        ("effect: Deny, to: [{paths: [\"/a/{**}\", /b]}]", &[]),
        ("effect: Audit, to: [{paths: [\"/a/{**}/b\"]}]", &[template]),
        (
            "effect: Allow, when: [{key: \"request.headers[x-a]\", values: [a]}]",
            &[header],
        ),
        (
            "effect: Deny, when: [{key: \"request.headers[x-a]\", values: [\"*\"]}]",
            &[],
        ),
        (
            "effect: Deny, when: [{key: \"request.headers[:authority]\", values: [a]}]",
            &[host],
        ),
        (
            "effect: Deny, enforcement: Shadow, to: [{hosts: [a]}]",
            &["cannot shadow"],
        ),
    ] {
        let policy = policy(rule);
        let set = check(&[MESH, &policy]).policies.unwrap();
        let notes: Vec<_> = set.policies()[0].plane_differences(set.mesh()).collect();
        assert_eq!(notes.len(), expected.len(), "{rule}: {notes:?}");
        for ((id, note), words) in notes.into_iter().zip(expected) {
            assert_eq!(id, "r");
            assert!(note.contains(words), "{rule}: {note}");
        }
    }
}

#[test]
fn rules_that_clients_can_get_round_are_told() {
    let office = "from: [{ipBlocks: [10.0.0.0/8]}]";
    let alone = [
        (
            "effect: Deny, when: [{key: \"request.headers[x-a]\", values: [b]}]",
            true,
        ),
        (
            "effect: Deny, when: [{key: \"request.headers[x-a]\", notValues: [b]}]",
            true,
        ),
        (
            "effect: Deny, when: [{key: \"request.headers[x-a]\", values: [\"*\"]}]",
            false,
        ),
        (
            "effect: Deny, when: [{key: \"request.headers[:path]\", values: [/b]}]",
            false,
        ),
        (
            "effect: Deny, when: [{key: \"request.headers[:authority]\", values: [b]}]",
            true,
        ),
        ("effect: Deny, to: [{hosts: [b]}]", true),
        ("effect: Deny, to: [{notHosts: [b]}]", false),
        ("effect: Deny, to: [{paths: [\"/a/{*}\"]}]", true),
        ("effect: Deny, to: [{paths: [\"/a/{**}\", \"/a*\"]}]", false),
        ("effect: Deny, to: [{notPaths: [\"/a/{*}\"]}]", false),
        ("effect: Deny, enforcement: Enforce", false),
    ];
    for (rule, is_told) in alone {
        let expected: &[&str] = if is_told { &["evadable-rule"] } else { &[] };
        let in_rbac = policy(&format!("{rule}, {office}"));
        assert_eq!(codes(&[MESH, &in_rbac]), expected, "{rule}");
        let in_both = policy(rule);
        assert_eq!(codes(&[MESH, &in_both]), [""; 0], "{rule}");
    }
    let custom = policy("effect: Custom, provider: opa, to: [{hosts: [b]}]");
    assert_eq!(codes(&[MESH, &custom]), ["evadable-rule"]);
    for (rule, is_told) in [
        ("to: [{notPaths: [\"/a/{*}\"]}]", true),
        ("to: [{notHosts: [b]}]", true),
        ("to: [{hosts: [b], paths: [\"/a/{*}\"]}]", false),
    ] {
        let expected: &[&str] = if is_told { &["evadable-rule"] } else { &[] };
        let rules = format!("{{id: a, effect: Allow, {rule}}}, {{id: b, effect: Allow, {office}}}");
        let beside = policy("effect: Deny").replace("{id: r, effect: Deny}", &rules);
        assert_eq!(codes(&[MESH, &beside]), expected, "{rule}");
    }
}

#[test]
fn values_that_a_denial_excludes_again_may_still_match_in_another_spelling() {
    for (matcher, of_deny) in [
        ("to: [{hosts: [a], notHosts: [a]}]", &[][..]),
        ("to: [{hosts: [a], notHosts: [\"*\"]}]", &["never-matches"]),
        ("to: [{paths: [\"/{*}\"], notPaths: [\"/{*}\"]}]", &[]),
        (
            "to: [{paths: [\"/a\"], notPaths: [\"/{*}\"]}]",
            &["never-matches"],
        ),
        (
            "when: [{key: \"request.headers[x-a]\", values: [a], notValues: [a]}]",
            &[],
        ),
        (
            "when: [{key: connection.sni, values: [a], notValues: [a]}]",
            &[],
        ),
        (
            "when: [{key: source.namespace, values: [a], notValues: [a]}]",
            &["never-matches"],
        ),
    ] {
        let deny = policy(&format!("effect: Deny, {matcher}"));
        assert_eq!(codes(&[MESH, &deny]), of_deny, "{matcher}");
        let allow = policy(&format!("effect: Allow, {matcher}"));
        let found = codes(&[MESH, &allow]);
        assert!(found.contains(&"never-matches"), "{matcher}: {found:?}");
    }
}

#[test]
fn what_stops_requests_is_rendered_in_more_spellings() {
    for (rule, expected) in [
        (
            "effect: Deny, to: [{hosts: [admin.shop, \"admin.shop:*\"], paths: [\"/a/{**}\", \"/b/{*}\"]}]",
            r#"{"hosts":["admin.shop","admin.shop:*","admin.shop.","admin.shop.:*"],"paths":["/a/*","/b/{*}"]}"#,
        ),
        (
            "effect: Deny, to: [{notHosts: [admin.shop], notPaths: [\"/a/{**}\"]}]",
            r#"{"notHosts":["admin.shop"],"notPaths":["/a/{**}"]}"#,
        ),
        (
            "effect: Allow, to: [{notHosts: [admin.shop], paths: [\"/a/{**}\"], notPaths: [\"/a/b/{**}\"]}]",
            r#"{"notHosts":["admin.shop","admin.shop."],"paths":["/a/{**}"],"notPaths":["/a/b/*"]}"#,
        ),
    ] {
        let policy = policy(rule);
        let set = check(&[MESH, &policy]).policies.unwrap();
        let rendered = authorization_policies(&set, &set.policies()[0]);
        let mut rules = rendered.iter().flat_map(|object| &object.spec.rules);
        let operation = rules.find_map(|rule| rule.to.first()).unwrap();
        let expected: serde_json::Value = serde_json::from_str(expected).unwrap();
        let found = serde_json::to_value(&operation.operation).unwrap();
        assert_eq!(found, expected, "{rule}");
    }
}

/// What Istio refuses of an `AuthorizationPolicy` (`pkg/config/validation`, and the definition's CEL
/// rules), said in a policy: each is refused at its line, before anything reaches a cluster.
#[test]
fn what_istio_would_refuse_is_refused_before() {
    let rules: [(&str, &str); 27] = [
        ("effect: Allow, from: []", "empty-list"),
        ("effect: Allow, to: []", "empty-list"),
        ("effect: Allow, from: [{}]", "empty-matcher"),
        ("effect: Allow, to: [{}]", "empty-matcher"),
        ("effect: Allow, from: [{principals: [\"\"]}]", "empty-value"),
        (
            "effect: Allow, from: [{ipBlocks: [\"10.0.0\"]}]",
            "invalid-ip-block",
        ),
        (
            "effect: Allow, from: [{remoteIpBlocks: [\"10.0.0.0/33\"]}]",
            "invalid-ip-block",
        ),
        ("effect: Allow, to: [{ports: [0]}]", "invalid-value"),
        ("effect: Allow, to: [{ports: [65536]}]", "wrong-type"),
        (
            "effect: Allow, to: [{paths: [\"/{*}x\"]}]",
            "invalid-path-template",
        ),
        (
            "effect: Allow, to: [{paths: [\"/{**}/{*}\"]}]",
            "invalid-path-template",
        ),
        (
            "effect: Allow, from: [{serviceAccounts: [\"*\"]}]",
            "invalid-service-account",
        ),
        (
            "effect: Allow, from: [{serviceAccounts: [a/b/c]}]",
            "invalid-service-account",
        ),
        (
            "effect: Allow, from: [{serviceAccounts: [a], principals: [\"*\"]}]",
            "exclusive-fields",
        ),
        (
            "effect: Allow, from: [{serviceAccounts: [a], namespaces: [b]}]",
            "exclusive-fields",
        ),
        (
            "effect: Allow, from: [{trustDomains: [\"a/b\"]}]",
            "invalid-trust-domain",
        ),
        (
            "effect: Allow, from: [{trustDomains: [\"a*b\"]}]",
            "invalid-wildcard",
        ),
        ("effect: Allow, when: []", "empty-list"),
        ("effect: Allow, when: [{key: source.ip}]", "empty-matcher"),
        ("effect: Allow, when: [{values: [a]}]", "missing-field"),
        (
            "effect: Allow, when: [{key: source.user, values: [a]}]",
            "unknown-condition",
        ),
        (
            "effect: Allow, when: [{key: destination.port, values: [http]}]",
            "invalid-value",
        ),
        ("effect: Custom", "missing-field"),
        ("effect: Deny, provider: opa", "exclusive-fields"),
        (
            "effect: Custom, provider: opa, from: [{namespaces: [a]}]",
            "exclusive-fields",
        ),
        (
            "effect: Custom, provider: opa, when: [{key: request.auth.audiences, values: [a]}]",
            "exclusive-fields",
        ),
        ("effect: DENY", "unknown-value"),
    ];
    for (rule, code) in rules {
        assert_eq!(codes(&[MESH, &policy(rule)]), [code], "{rule}");
    }
    let many: Vec<_> = (0..17)
        .map(|number| format!("{{kind: Service, name: s{number}}}"))
        .collect();
    let many = format!("targetRefs: [{}]", many.join(", "));
    let attachments = [
        ("selector: {matchLabels: {}}", "empty-matcher"),
        ("selector: {matchLabels: {app: \"*\"}}", "invalid-name"),
        ("selector: {matchLabels: {\"\": a}}", "invalid-name"),
        ("targetRefs: []", "invalid-target"),
        (&many, "invalid-target"),
        ("targetRefs: [{kind: Pod, name: a}]", "invalid-target"),
        ("targetRefs: [{kind: Gateway, name: a}]", "invalid-target"),
        ("targetRefs: [{kind: Service, name: \"\"}]", "invalid-name"),
        (
            "selector: {matchLabels: {app: a}}, targetRefs: [{kind: Service, name: a}]",
            "exclusive-fields",
        ),
    ];
    for (attachment, code) in attachments {
        let policy =
            policy("effect: Deny").replace("selector: {matchLabels: {app: orders}}", attachment);
        assert_eq!(codes(&[MESH, &policy]), [code], "{attachment}");
    }
}

/// A mesh with a gateway whose clients need certificates, and a policy of its namespace.
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
fn a_gateway_whose_clients_no_rule_names_is_a_warning() {
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
fn names_of_certificates_are_left_to_the_filter_where_rbac_would_let_through_or_deny_more() {
    let spec = |effect: &str, source: &str| {
        format!("{OF_GATEWAY}, rules: [{{id: r, effect: {effect}, from: [{{{source}}}]}}]")
    };
    let rendered = |effect: &str, names: &str| {
        let set = at_gateway("1.30", &spec(effect, names)).policies.unwrap();
        let policy = set.policy("edge", "gateway").unwrap();
        let objects = serde_json::to_value(authorization_policies(&set, policy)).unwrap();
        let notes = policy.plane_differences(set.mesh()).count();
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
fn exclusions_of_certificates_that_leave_nothing_are_refused() {
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
fn callers_without_identity_come_to_gateways_of_a_strict_mesh() {
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
fn what_the_two_planes_would_let_through_together_at_a_gateway_is_refused() {
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
fn a_policy_that_only_denies_leaves_clients_of_a_gateway_alone() {
    let rendered = |selector: &str| {
        let policy = format!(
            "apiVersion: peergate.dev/v1alpha1\nkind: ServicePolicy\n\
             metadata: {{name: orders, namespace: shop}}\n\
             spec: {{selector: {{matchLabels: {{{selector}}}}}, otherwise: Pass, \
             rules: [{{id: r, effect: Deny, to: [{{paths: [/a]}}]}}]}}\n"
        );
        let set = check(&[MESH, &policy]).policies.unwrap();
        let policy = set.policy("shop", "orders").unwrap();
        let objects = authorization_policies(&set, policy);
        serde_json::to_string(&objects).unwrap()
    };
    assert!(rendered("app: orders").contains("notPrincipals"));
    assert!(!rendered("istio: ingressgateway").contains("notPrincipals"));
}

/// An exception is for the workloads' own sidecars, and a waypoint takes connections with mutual TLS alone.
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

#[test]
fn the_open_end_of_a_list_in_a_header_never_lets_a_request_pass() {
    for (effect, list, is_found) in [
        ("Allow", "values: [\"a,*\"]", true),
        ("Allow", "values: [\"*,a\", b]", true),
        ("Allow", "values: [\"a,b\", \"c*\", \"*\"]", false),
        ("Deny", "values: [\"a,*\"]", false),
        ("Deny", "values: [x], notValues: [\"a,*\"]", true),
    ] {
        let rule = policy(&format!(
            "effect: {effect}, when: [{{key: \"request.headers[x-list]\", {list}}}]"
        ));
        let found = codes(&[MESH, &rule]);
        assert_eq!(
            found.contains(&"never-matches"),
            is_found,
            "{effect} {list}: {found:?}"
        );
    }
}
