//! What changes when the rendered objects are applied, and where the filter fails open.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod filter_failure;

use policy_schema::code::Severity;
use policy_schema::diagnostic::SourceText;
use policy_schema::istio::{Applied, Denials, Extent, Plaintext, applied, mesh_resources};
use policy_schema::policy::PolicySet;
use policy_schema::timestamp::Timestamp;
use policy_schema::validate::{Options, validate};

const OPEN: &str = "defaults: {otherwise: Pass}";
const CLOSED: &str = "defaults: {otherwise: Deny}";
const ALLOW: &str = "rules: [{id: r, effect: Allow, from: [{serviceAccounts: [web]}]}]";
const DENY: &str = "otherwise: Pass, rules: [{id: r, effect: Deny, to: [{paths: [/x]}]}]";
const IN_SHADOW: &str =
    "enforcement: Shadow, rules: [{id: r, effect: Allow, from: [{serviceAccounts: [web]}]}]";

fn of_text(text: &str) -> PolicySet {
    let source = SourceText {
        name: "policy.yaml".to_owned(),
        text: text.to_owned(),
    };
    let options = Options {
        at: Timestamp::from_unix_nanoseconds(1_780_000_000_000_000_000),
        istio_version: None,
    };
    let validated = validate(&[source], options);
    let mut found = validated.diagnostics.into_iter();
    let error = found.find(|found| found.severity() == Severity::Error);
    assert_eq!(error, None, "{text}");
    validated.policies.unwrap()
}

/// Policies, each with its namespace, its attachment, and other fields.
type Policies<'p> = &'p [(&'p str, &'p str, &'p str)];

/// A mesh and policies, each with its namespace and attachment.
fn set_for(version: &str, mesh: &str, policies: Policies<'_>) -> PolicySet {
    let mesh = format!(
        "apiVersion: peergate.dev/v1alpha1\nkind: Mesh\nmetadata: {{name: test}}\n\
         spec: {{trustDomain: cluster.local, istioVersion: \"{version}\",\n\
         filter: {{image: oci://registry.example.com/filter@sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef}}, {mesh}}}\n"
    );
    let policies = policies.iter().enumerate();
    let policies = policies.map(|(position, (namespace, place, spec))| {
        format!(
            "apiVersion: peergate.dev/v1alpha1\nkind: ServicePolicy\n\
             metadata: {{name: p{position}, namespace: {namespace}}}\nspec: {{{place}, {spec}}}\n"
        )
    });
    let documents: Vec<_> = [mesh].into_iter().chain(policies).collect();
    of_text(&documents.join("---\n"))
}

fn set(mesh: &str, policies: Policies<'_>) -> PolicySet {
    set_for("1.29", mesh, policies)
}

const CART: &str = "selector: {matchLabels: {app: cart}}";
const WEB: &str = "selector: {matchLabels: {app: web}}";
const NEW_CART: &str = "selector: {matchLabels: {app: cart, version: v2}}";
const FRONT: &str = "selector: {matchLabels: {tier: front}}";
const NAMESPACE: &str = "scope: Namespace";
const MESH: &str = "scope: Mesh";

fn workloads(workloads: usize, namespaces: usize) -> Extent {
    Extent {
        workloads,
        namespaces_of_workloads: namespaces,
        ..Extent::default()
    }
}

/// The numbers of workloads that are closed, partly denied, opened and passed.
fn counts(applied: &Applied) -> [usize; 4] {
    let Applied {
        closed,
        denied,
        opened,
        passed,
        ..
    } = applied;
    [closed, denied, opened, passed].map(|affected| {
        let extent = affected.extent;
        extent.workloads
            + extent.whole_namespaces
            + extent.selectors_of_mesh
            + usize::from(extent.whole_mesh)
    })
}

#[test]
fn combines_all_policies_for_a_workload() {
    let cases: &[(&str, Policies<'_>, [usize; 4])] = &[
        (OPEN, &[], [0, 0, 0, 0]),
        (OPEN, &[("shop", CART, ALLOW)], [1, 0, 0, 0]),
        (OPEN, &[("shop", CART, DENY)], [0, 1, 0, 0]),
        (OPEN, &[("shop", CART, IN_SHADOW)], [0, 0, 0, 1]),
        (CLOSED, &[("shop", CART, IN_SHADOW)], [0, 0, 1, 0]),
        (CLOSED, &[("shop", CART, DENY)], [1, 0, 0, 0]),
        // Two policies with the same labels apply to one workload.
        (
            OPEN,
            &[("shop", CART, ALLOW), ("shop", CART, ALLOW)],
            [1, 0, 0, 0],
        ),
        (
            OPEN,
            &[("shop", CART, ALLOW), ("shop", CART, IN_SHADOW)],
            [1, 0, 0, 0],
        ),
        (
            OPEN,
            &[("shop", CART, DENY), ("shop", CART, IN_SHADOW)],
            [0, 1, 0, 0],
        ),
        (
            CLOSED,
            &[("shop", CART, DENY), ("shop", CART, IN_SHADOW)],
            [0, 0, 1, 0],
        ),
        (
            OPEN,
            &[("shop", CART, ALLOW), ("pay", CART, ALLOW)],
            [2, 0, 0, 0],
        ),
        // Wider policies count too.
        (
            OPEN,
            &[("shop", CART, IN_SHADOW), ("shop", NAMESPACE, ALLOW)],
            [2, 0, 0, 0],
        ),
        (
            OPEN,
            &[("shop", CART, IN_SHADOW), ("shop", NAMESPACE, DENY)],
            [0, 2, 0, 0],
        ),
        (
            OPEN,
            &[("shop", CART, IN_SHADOW), ("istio-system", MESH, DENY)],
            [0, 2, 0, 0],
        ),
        (
            OPEN,
            &[("shop", NEW_CART, IN_SHADOW), ("shop", CART, ALLOW)],
            [2, 0, 0, 0],
        ),
        // Narrower policies count only at their own workloads.
        (
            OPEN,
            &[("shop", CART, ALLOW), ("shop", NAMESPACE, IN_SHADOW)],
            [1, 0, 0, 1],
        ),
        (
            OPEN,
            &[("shop", CART, ALLOW), ("shop", FRONT, IN_SHADOW)],
            [1, 0, 0, 1],
        ),
    ];
    for (mesh, policies, expected) in cases {
        let set = set(mesh, policies);
        assert_eq!(counts(&applied(&set)), *expected, "{mesh}: {policies:?}");
    }
}

#[test]
fn reports_where_other_policies_are_stricter() {
    let at_some = [("shop", CART, ALLOW), ("shop", FRONT, IN_SHADOW)];
    let elsewhere = [("shop", CART, ALLOW), ("pay", FRONT, IN_SHADOW)];
    for (policies, expected) in [(at_some, true), (elsewhere, false)] {
        let applied = applied(&set(OPEN, &policies));
        assert_eq!(applied.passed.has_exceptions, expected, "{policies:?}");
        assert!(!applied.closed.has_exceptions);
    }
}

#[test]
fn reports_denials_by_kind() {
    let foreign = Denials {
        foreign: true,
        ..Denials::default()
    };
    let by_rules = Denials {
        by_rules: true,
        ..foreign
    };
    let by_providers = Denials {
        by_providers: true,
        ..foreign
    };
    for (spec, expected) in [
        ("rules: []", foreign),
        ("rules: [{id: r, effect: Deny}]", by_rules),
        (
            "rules: [{id: r, effect: Deny, enforcement: Shadow}]",
            foreign,
        ),
        (
            "rules: [{id: r, effect: Deny, notAfter: \"2025-01-01T00:00:00Z\"}]",
            foreign,
        ),
        (
            "rules: [{id: r, effect: Custom, provider: opa}]",
            by_providers,
        ),
    ] {
        let set = set(OPEN, &[("shop", CART, &format!("otherwise: Pass, {spec}"))]);
        let applied = applied(&set);
        assert_eq!(applied.denied.denials, expected, "{spec}");
        assert_eq!(applied.denied.extent, workloads(1, 1), "{spec}");
    }
}

#[test]
fn the_extent_omits_namespaces_without_workloads() {
    let closed = |place| {
        applied(&set(OPEN, &[("istio-system", place, ALLOW)]))
            .closed
            .extent
    };
    let whole = Extent {
        whole_mesh: true,
        ..Extent::default()
    };
    assert_eq!(closed(MESH), whole);
    let selected = Extent {
        selectors_of_mesh: 1,
        ..Extent::default()
    };
    assert_eq!(
        closed("scope: Mesh, selector: {matchLabels: {app: cart}}"),
        selected
    );
    let namespace = Extent {
        whole_namespaces: 1,
        ..Extent::default()
    };
    let in_namespace = [("shop", NAMESPACE, ALLOW), ("shop", NAMESPACE, ALLOW)];
    assert_eq!(applied(&set(OPEN, &in_namespace)).closed.extent, namespace);
    let in_shop = applied(&set(OPEN, &[("shop", CART, ALLOW)]));
    assert_eq!(in_shop.closed.extent, workloads(1, 1));
    let targets = "targetRefs: [{kind: Gateway, name: a, group: gateway.networking.k8s.io}]";
    assert_eq!(closed(targets), workloads(1, 1));
}

#[test]
fn a_policy_for_the_whole_mesh_leaves_no_workload_without_one() {
    let selected = "scope: Mesh, selector: {matchLabels: {app: cart}}";
    for (namespace, place, denies_without_policy) in [
        ("istio-system", MESH, false),
        ("istio-system", selected, true),
        ("shop", NAMESPACE, true),
    ] {
        let applied = applied(&set(CLOSED, &[(namespace, place, ALLOW)]));
        assert_eq!(
            applied.denies_without_policy, denies_without_policy,
            "{place}"
        );
    }
}

#[test]
fn reports_changes_for_the_whole_mesh() {
    let service = format!("service: {{ports: [{{port: 80}}]}}, {IN_SHADOW}");
    let shadow = [("shop", CART, service.as_str())];
    let plaintext = |mesh: &str| applied(&set(&format!("{OPEN}, {mesh}"), &shadow)).plaintext;
    assert_eq!(plaintext("outbound: Any"), None);
    assert_eq!(
        plaintext("mtls: {mode: Permissive}"),
        Some(Plaintext::Accepted)
    );
    let refused = |exceptions| Some(Plaintext::Refused { exceptions });
    assert_eq!(plaintext("mtls: {mode: Strict}"), refused(0));
    let exception = |end| {
        format!(
            "mtls: {{mode: Strict, exceptions: [{{name: old, namespace: shop, mode: Permissive, owner: a, notAfter: \"{end}\"}}]}}"
        )
    };
    assert_eq!(plaintext(&exception("2100-01-01T00:00:00Z")), refused(1));
    assert_eq!(plaintext(&exception("2025-01-01T00:00:00Z")), refused(0));
    let declared = applied(&set(&format!("{OPEN}, outbound: Declared"), &shadow));
    assert!(declared.limits_outbound);
}

#[test]
fn reports_where_packets_are_limited() {
    let packets = |outbound: &str, spec: &str| {
        let mesh = format!("{OPEN}, networkPolicies: true, outbound: {outbound}");
        let applied = applied(&set(&mesh, &[("shop", CART, spec)]));
        (applied.packets_in.workloads, applied.packets_out.workloads)
    };
    let service = format!("service: {{ports: [{{port: 80}}]}}, {IN_SHADOW}");
    assert_eq!(packets("Any", &service), (1, 0));
    assert_eq!(packets("Any", IN_SHADOW), (0, 0));
    assert_eq!(packets("Any", ALLOW), (1, 0));
    assert_eq!(
        packets("Declared", &format!("serviceAccount: cart, {service}")),
        (1, 1)
    );
    // Requests that pass may come from anywhere.
    let mesh = format!("{OPEN}, networkPolicies: true");
    let passing = applied(&set(&mesh, &[("shop", CART, DENY)]));
    assert_eq!(passing.packets_let_in, workloads(1, 1));
    let none = applied(&set(OPEN, &[("shop", CART, service.as_str())]));
    assert_eq!(none.packets_in, Extent::default());
}

#[test]
fn gateways_deny_unexposed_hosts() {
    let gateway = "gateways: [{name: public, namespace: edge, selector: {matchLabels: {istio: public}}, \
                   serviceAccount: igw, servers: [{hosts: [shop.example.com], tls: {secret: s}}]}]";
    let exposed = "service: {ports: [{port: 80}], mtls: Always}, \
                   exposures: [{gateway: public, hosts: [shop.example.com]}], enforcement: Shadow, \
                   rules: [{id: r, effect: Allow, from: [{serviceAccounts: [edge/igw]}]}]";
    let at_gateway = "selector: {matchLabels: {istio: public}}";
    let found = |mesh: &str, more: &[(&str, &str, &str)]| {
        let policies = [&[("shop", CART, exposed)], more].concat();
        let applied = applied(&set(&format!("{mesh}, {gateway}"), &policies));
        assert_eq!((applied.exposed_hosts, applied.called_hosts), (1, 1));
        (applied.closed_gateways, applied.contested_gateways)
    };
    let public = || vec!["public".to_owned()];
    assert_eq!(found(OPEN, &[]), (public(), vec![]));
    assert_eq!(found(CLOSED, &[]), (public(), vec![]));
    let shadow = [("edge", at_gateway, IN_SHADOW)];
    assert_eq!(found(OPEN, &shadow), (public(), vec![]));
    assert_eq!(found(CLOSED, &shadow), (vec![], public()));
}

#[test]
fn a_network_policy_names_each_destination_once() {
    let mesh = format!(
        "{OPEN}, outbound: Declared, networkPolicies: true, \
         extensionProviders: [{{name: ext, api: ExtAuthzHttp, service: ext.example.com, port: 443}}, \
         {{name: col, api: OpenTelemetryLogs, service: col.obs.svc.cluster.local, port: 4317}}, \
         {{name: istio, api: ExtAuthzGrpc, service: opa.istio-system.svc.cluster.local, port: 9191}}], \
         telemetry: {{tracing: {{provider: otel, samplingPercent: 1, service: otel.obs.svc.cluster.local}}}}"
    );
    let set = set(
        &mesh,
        &[(
            "shop",
            CART,
            &format!("serviceAccount: cart, service: {{ports: [{{port: 80}}]}}, {IN_SHADOW}"),
        )],
    );
    let objects = mesh_resources(&set);
    let objects = objects
        .iter()
        .map(|object| serde_json::to_value(object).unwrap());
    let objects: Vec<_> = objects
        .filter(|object| object["kind"] == "NetworkPolicy")
        .collect();
    assert_eq!(objects.len(), 1);
    let egress = objects[0]["spec"]["egress"].as_array().unwrap();
    let destinations: Vec<_> = egress
        .iter()
        .map(|egress| egress["to"].to_string())
        .collect();
    for (position, destination) in destinations.iter().enumerate() {
        assert!(
            !destinations[..position].contains(destination),
            "{egress:#?}"
        );
    }
    // All ports of a namespace include those that are named elsewhere. Destinations without a
    // namespace add up.
    let ports = |name: &str| {
        let of = destinations
            .iter()
            .position(|destination| destination.contains(name));
        egress[of.unwrap()].get("ports").map(ToString::to_string)
    };
    assert_eq!(ports("istio-system"), None);
    assert_eq!(ports("obs"), None);
    let anywhere = ports("null").unwrap();
    assert_eq!(anywhere.matches("\"port\":443").count(), 1, "{anywhere}");
    assert_eq!(anywhere.matches("\"port\":53").count(), 2, "{anywhere}");
}
