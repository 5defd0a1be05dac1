//! HTTP rules on ports without HTTP.

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

#[path = "support/checked.rs"]
mod checked;
#[path = "support/documents.rs"]
mod documents;

use policy_schema::istio::authorization_policies;
use policy_schema::policy::PolicySet;

use checked::{check, codes};
use documents::policy;

const CLOSED: &str = "Deny";
const OPEN: &str = "Pass";

/// A mesh that denies or passes requests without a policy.
fn mesh(otherwise: &str) -> String {
    format!(
        "apiVersion: peergate.dev/v1alpha1\nkind: Mesh\nmetadata: {{name: test}}\n\
         spec:\n  trustDomain: cluster.local\n  istioVersion: \"1.29\"\n  pathNormalization: DecodeAndMergeSlashes\n  filter: {{image: \"file:///peergate_filter.wasm\"}}\n  defaults: {{otherwise: {otherwise}}}\n  \
         gateways:\n  - name: edge\n    namespace: ingress\n    selector: {{matchLabels: {{istio: edge}}}}\n    \
         serviceAccount: edge\n    servers: [{{hosts: [a.example], tls: {{secret: a}}}}]\n"
    )
}

/// A policy for the workload with the same name.
fn of_workload(name: &str, spec: &str) -> String {
    policy(
        "shop",
        name,
        &format!("selector: {{matchLabels: {{app: {name}}}}}, {spec}"),
    )
}

/// A policy for the mesh with a denial.
fn everywhere(spec: &str, to: &str) -> String {
    policy(
        "istio-system",
        "everywhere",
        &format!(
            "scope: Mesh, otherwise: Pass, {spec} rules: [{{id: no-admin, effect: Deny, {to}}}]"
        ),
    )
}

const PATHS: &str = "to: [{paths: [\"/admin/*\"]}]";
const REDIS: &str =
    "tcpPorts: [6379], rules: [{id: cart, effect: Allow, from: [{serviceAccounts: [cart]}]}]";

fn understood(texts: &[&str]) -> PolicySet {
    let validated = check(texts);
    assert!(validated.policies.is_some(), "{:#?}", validated.diagnostics);
    validated.policies.unwrap()
}

/// The rendered rules of a policy with an action.
fn rendered(set: &PolicySet, namespace: &str, name: &str, action: &str) -> serde_json::Value {
    let objects = authorization_policies(&set.rollout(set.policy(namespace, name).unwrap()));
    let objects = serde_json::to_value(objects).unwrap();
    let mut objects = objects.as_array().unwrap().iter();
    let object = objects.find(|object| object["spec"]["action"] == action);
    object.unwrap()["spec"]["rules"].clone()
}

/// The rendered rule of the policy for the mesh.
fn rendered_everywhere(texts: &[&str]) -> serde_json::Value {
    rendered(&understood(texts), "istio-system", "everywhere", "DENY")[0]["to"].clone()
}

fn json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn a_denial_for_the_mesh_excludes_ports_that_other_policies_declare() {
    let redis = of_workload("redis", REDIS);
    let cases = [
        (
            PATHS,
            r#"[{"operation":{"paths":["/admin/*"],"notPorts":["6379"]}}]"#,
        ),
        (
            "to: [{methods: [GET], ports: [8080]}]",
            r#"[{"operation":{"methods":["GET"],"ports":["8080"]}}]"#,
        ),
        (
            "when: [{key: \"request.headers[x]\", values: [a]}]",
            r#"[{"operation":{"notPorts":["6379"]}}]"#,
        ),
        // It requires nothing that a connection lacks.
        (
            "to: [{notPorts: [1]}]",
            r#"[{"operation":{"notPorts":["1"]}}]"#,
        ),
    ];
    for (to, expected) in cases {
        let everywhere = everywhere("", to);
        let rendered = rendered_everywhere(&[&mesh(CLOSED), &everywhere, &redis]);
        assert_eq!(rendered, json(expected), "{to}");
    }
}

#[test]
fn lists_ports_that_rbac_leaves_to_the_filter() {
    let redis = of_workload("redis", REDIS);
    let set = understood(&[&mesh(CLOSED), &everywhere("", PATHS), &redis]);
    let policy = set.policy("istio-system", "everywhere").unwrap();
    let left: Vec<_> = set
        .ports_left_to_filter(policy)
        .map(|left| (left.rule, left.port, left.declared_by.to_string()))
        .collect();
    assert_eq!(left, [("no-admin", 6379, "shop/redis".to_owned())]);
    // If all workloads have the port, the filter has no part in it.
    let everywhere = policy_with_ports();
    let cart = of_workload(
        "cart",
        &format!("rules: [{{id: a, effect: Deny, {PATHS}}}]"),
    );
    let set = understood(&[&mesh(CLOSED), &everywhere, &cart]);
    let cart = set.policy("shop", "cart").unwrap();
    assert_eq!(set.ports_left_to_filter(cart).count(), 0);
    let to = rendered(&set, "shop", "cart", "DENY")[0]["to"].clone();
    assert_eq!(
        to,
        json(r#"[{"operation":{"paths":["/admin/*"],"notPorts":["6379"]}}]"#)
    );
}

/// A policy for the mesh that declares a port without HTTP everywhere.
fn policy_with_ports() -> String {
    policy(
        "istio-system",
        "ports",
        "scope: Mesh, otherwise: Pass, tcpPorts: [6379], rules: []",
    )
}

#[test]
fn a_port_with_http_at_one_workload_and_without_at_another_is_refused() {
    let redis = of_workload("redis", REDIS);
    let is_refused = |others: &[&str], to: &str| {
        let mesh = mesh(CLOSED);
        let everywhere = everywhere("tcpPorts: [1], ", to);
        let texts = [&[&*mesh, &*everywhere, &*redis], others].concat();
        let found = codes(&texts);
        assert!(found.len() < 2, "{found:?}");
        found == ["unenforceable-rule"]
    };
    let web = of_workload(
        "web",
        "service: {ports: [{port: 80, targetPort: 6379}]}, tcpPorts: [2], rules: []",
    );
    let by_rule = of_workload(
        "web",
        "rules: [{id: a, effect: Allow, to: [{ports: [6379], methods: [GET]}]}]",
    );
    let elsewhere = of_workload(
        "web",
        "service: {ports: [{port: 6379, targetPort: 80}]}, rules: []",
    );
    assert!(is_refused(&[&by_rule], PATHS));
    assert!(is_refused(&[], "to: [{ports: [6379], paths: [/admin]}]"));
    assert!(!is_refused(&[], PATHS));
    assert!(!is_refused(&[&elsewhere], PATHS));
    // The rule excludes the port.
    assert!(!is_refused(
        &[&by_rule],
        "to: [{notPorts: [6379], paths: [/admin]}]"
    ));
    // Only the filter has such rules.
    assert!(!is_refused(
        &[&by_rule],
        &format!("enforcement: Shadow, {PATHS}")
    ));
    assert!(!is_refused(
        &[&by_rule],
        &format!("notAfter: \"2100-01-01T00:00:00Z\", {PATHS}")
    ));
    // By convention it has another protocol, so this is reported too.
    let mesh = mesh(CLOSED);
    let found = codes(&[&mesh, &everywhere("tcpPorts: [1], ", PATHS), &redis, &web]);
    assert!(found.contains(&"unenforceable-rule"), "{found:?}");
}

#[test]
fn reports_http_denials_on_undeclared_ports() {
    let service = "service: {ports: [{port: 80, targetPort: 8080}]}";
    let timed = format!("notAfter: \"2100-01-01T00:00:00Z\", {PATHS}");
    let shadow = format!("enforcement: Shadow, {PATHS}");
    let cases: [(&str, &str, usize); 21] = [
        ("", PATHS, 1),
        ("", "to: [{methods: [GET]}]", 1),
        ("", "to: [{hosts: [a.example]}]", 1),
        ("", "to: [{notPaths: [/a]}]", 1),
        ("", "from: [{notRequestPrincipals: [\"*\"]}]", 1),
        ("", "when: [{key: \"request.headers[x]\", values: [a]}]", 1),
        (
            "",
            "when: [{key: \"request.auth.claims[a]\", notValues: [b]}]",
            1,
        ),
        ("", "from: [{namespaces: [a]}], to: [{paths: [/a]}]", 1),
        ("", "to: [{ports: [8080], paths: [/a]}, {paths: [/b]}]", 1),
        // It applies to all connections, or names its ports, or RBAC does not have it.
        ("", "from: [{namespaces: [a]}]", 0),
        ("", "to: [{ports: [8080], paths: [/a]}]", 0),
        ("", "to: [{notPorts: [9000], paths: [/a]}]", 0),
        (
            "",
            "to: [{paths: [/a]}], when: [{key: destination.port, values: [\"8080\"]}]",
            0,
        ),
        ("", &timed, 0),
        ("", &shadow, 0),
        ("enforcement: Shadow, ", PATHS, 0),
        ("tcpPorts: [9000], ", PATHS, 0),
        (&format!("{service}, "), PATHS, 0),
        // An absent attribute is not excluded.
        ("tcpPorts: [9000], ", "to: [{notPaths: [/a]}]", 1),
        (
            "tcpPorts: [9000], ",
            "to: [{notPaths: [/a], notPorts: [9000]}]",
            0,
        ),
        (
            "tcpPorts: [9000], ",
            "to: [{paths: [/a]}, {notPaths: [/a], ports: [8080]}]",
            0,
        ),
    ];
    for mesh in [mesh(CLOSED), mesh(OPEN)] {
        for (spec, rule, expected) in cases {
            let text = of_workload(
                "broker",
                &format!("{spec}rules: [{{id: a, effect: Deny, {rule}}}]"),
            );
            let found = codes(&[&mesh, &text]);
            assert_eq!(found, vec!["denies-tcp"; expected], "{text}");
        }
    }
}

#[test]
fn a_wide_denial_also_applies_to_undeclared_workloads() {
    let described = of_workload("web", "service: {ports: [{port: 80}]}, rules: []");
    let mesh = mesh(OPEN);
    for (scope, namespace, expected) in [
        ("scope: Mesh", "istio-system", 1),
        (
            "scope: Mesh, selector: {matchLabels: {tier: back}}",
            "istio-system",
            1,
        ),
        ("scope: Namespace", "shop", 1),
        ("scope: Mesh, tcpPorts: [5432]", "istio-system", 0),
        ("scope: Namespace, tcpPorts: [5432]", "shop", 0),
    ] {
        let text = policy(
            namespace,
            "wide",
            &format!("{scope}, otherwise: Pass, rules: [{{id: a, effect: Deny, {PATHS}}}]"),
        );
        let found = codes(&[&mesh, &described, &text]);
        assert_eq!(found, vec!["denies-tcp"; expected], "{text}");
    }
    // A policy for all of a workload's pods describes its ports.
    let cart = of_workload(
        "cart",
        &format!("rules: [{{id: a, effect: Deny, {PATHS}}}]"),
    );
    assert_eq!(codes(&[&mesh, &cart, &policy_with_ports()]), [""; 0]);
}

#[test]
fn gateways_of_the_mesh_speak_http() {
    let policy = |labels: &str| {
        policy(
            "ingress",
            "edge",
            &format!(
                "selector: {{matchLabels: {labels}}}, rules: [{{id: a, effect: Deny, {PATHS}}}]"
            ),
        )
    };
    let mesh = mesh(CLOSED);
    assert_eq!(codes(&[&mesh, &policy("{istio: edge}")]), [""; 0]);
    assert_eq!(codes(&[&mesh, &policy("{istio: other}")]), ["denies-tcp"]);
}

#[test]
fn a_service_port_with_another_protocol_must_be_declared() {
    let broker = |ports: &str, rest: &str| {
        of_workload(
            "broker",
            &format!("service: {{ports: [{ports}]}}, otherwise: Pass, {rest}"),
        )
    };
    let deny = format!("rules: [{{id: no-admin, effect: Deny, {PATHS}}}]");
    let mesh = mesh(OPEN);
    let both = "{port: 80, targetPort: 8080}, {port: 5672}";
    assert_eq!(codes(&[&mesh, &broker(both, &deny)]), ["denies-tcp"]);
    let declared = format!("tcpPorts: [5672], {deny}");
    assert_eq!(codes(&[&mesh, &broker(both, &declared)]), [""; 0]);
    // Another port is excluded.
    let limited =
        "rules: [{id: no-admin, effect: Deny, to: [{notPorts: [8080], paths: [\"/admin/*\"]}]}]";
    assert_eq!(codes(&[&mesh, &broker(both, limited)]), ["denies-tcp"]);
    // This one is excluded, or declared to speak HTTP.
    for limit in ["notPorts: [5672]", "ports: [8080]", "ports: [5672]"] {
        let limited = limited.replace("notPorts: [8080]", limit);
        assert_eq!(codes(&[&mesh, &broker(both, &limited)]), [""; 0], "{limit}");
    }
    // The workload's own port counts.
    let led = "{port: 5672, targetPort: 8080}";
    assert_eq!(codes(&[&mesh, &broker(led, &deny)]), [""; 0]);
    // Without such a rule nothing denies its connections.
    assert_eq!(codes(&[&mesh, &broker(both, "rules: []")]), [""; 0]);
    // The rule may belong to another policy.
    let everywhere = everywhere("tcpPorts: [1], ", PATHS);
    let found = codes(&[&mesh, &broker(both, "rules: []"), &everywhere]);
    assert_eq!(found, ["denies-tcp"]);
}

#[test]
fn a_timed_rule_for_the_mesh_never_ends_on_ports_without_http() {
    let redis = of_workload("redis", REDIS);
    let freeze = everywhere("", "notAfter: \"2100-01-01T00:00:00Z\"");
    assert_eq!(
        codes(&[&mesh(CLOSED), &freeze, &redis]),
        ["unenforceable-rule"]
    );
    assert_eq!(codes(&[&mesh(CLOSED), &freeze]), [""; 0]);
    let on_http = everywhere(
        "",
        "notAfter: \"2100-01-01T00:00:00Z\", to: [{notPorts: [6379]}]",
    );
    assert_eq!(codes(&[&mesh(CLOSED), &on_http, &redis]), [""; 0]);
}
