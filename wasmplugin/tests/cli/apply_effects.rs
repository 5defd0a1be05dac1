//! The access that an apply closes and opens, as `render` reports it.

use super::*;

/// The notes of `render` for a mesh with these fields and policies, each with its namespace.
fn notes(mesh: &str, policies: &[(&str, &str)]) -> Vec<String> {
    let mesh = format!(
        "apiVersion: peergate.dev/v1alpha1\nkind: Mesh\nmetadata: {{name: test}}\n\
         spec: {{trustDomain: cluster.local, istioVersion: \"1.29\", {mesh}}}\n"
    );
    let policies = policies.iter().enumerate();
    let policies = policies.map(|(position, (namespace, spec))| {
        format!(
            "apiVersion: peergate.dev/v1alpha1\nkind: ServicePolicy\n\
             metadata: {{name: p{position}, namespace: {namespace}}}\nspec: {{{spec}}}\n"
        )
    });
    let documents: Vec<_> = [mesh].into_iter().chain(policies).collect();
    let text = documents.join("---\n");
    let folder = folder(&[("policies.yaml", &text)]);
    let run = run(&["render", "-f", super::text(folder.path()), "--at", NOW]);
    assert_eq!(run.status, 0, "{}", run.stderr);
    let notes = run
        .stderr
        .lines()
        .filter_map(|line| line.strip_prefix("note: "));
    notes.map(str::to_owned).collect()
}

/// The effect of an apply, as `render` notes it.
fn effect(mesh: &str, policies: &[(&str, &str)]) -> String {
    let notes = notes(mesh, policies);
    let mut effects = notes
        .iter()
        .filter_map(|note| note.strip_prefix("when applied: "));
    let effect = effects.next().unwrap().to_owned();
    assert_eq!(effects.next(), None);
    effect
}

const OPEN: &str = "defaults: {otherwise: Pass, owner: a}";
const CLOSED: &str = "defaults: {otherwise: Deny, owner: a}";
const FILTER: &str = "filter: {image: oci://registry.example.com/filter@sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef}";
const ALLOW: &str = "selector: {matchLabels: {app: cart}}, rules: [{id: r, effect: Allow, from: [{serviceAccounts: [web]}]}]";

#[test]
fn reports_which_access_an_apply_closes_and_opens() {
    let in_shadow = format!("enforcement: Shadow, service: {{ports: [{{port: 80}}]}}, {ALLOW}");
    let deny = "otherwise: Pass, rules: [{id: d, effect: Deny, to: [{paths: [/x]}]}]";
    let cart_deny = format!("selector: {{matchLabels: {{app: cart}}}}, {deny}");
    let mesh_deny = format!("scope: Mesh, {deny}");
    let mesh_allow = format!("scope: Mesh, {ALLOW}");
    let custom =
        "scope: Namespace, otherwise: Pass, rules: [{id: c, effect: Custom, provider: opa}]";
    let with = |mesh: &str| format!("{OPEN}, {mesh}");
    let gateway = "gateways: [{name: public, namespace: edge, selector: {matchLabels: {istio: public}}, \
                   serviceAccount: igw, servers: [{hosts: [shop.example.com], tls: {secret: s}}]}]";
    let exposed = "selector: {matchLabels: {app: cart}}, enforcement: Shadow, \
                   service: {ports: [{port: 80}], mtls: Always}, exposures: [{gateway: public, hosts: [shop.example.com]}], \
                   rules: [{id: r, effect: Allow, from: [{serviceAccounts: [edge/igw]}]}]";
    let shadow = &[("shop", &*in_shadow)][..];
    let cases: &[(&str, &[(&str, &str)])] = &[
        (OPEN, &[]),
        (OPEN, shadow),
        (CLOSED, shadow),
        (OPEN, &[("shop", ALLOW), ("shop", ALLOW)]),
        (OPEN, &[("shop", ALLOW), ("shop", &in_shadow)]),
        (CLOSED, &[("shop", &cart_deny), ("shop", &in_shadow)]),
        (OPEN, &[("shop", &cart_deny), ("pay", custom)]),
        (OPEN, &[("istio-system", &mesh_deny), ("shop", &in_shadow)]),
        (OPEN, &[("istio-system", &mesh_allow)]),
        (
            OPEN,
            &[
                ("shop", ALLOW),
                ("shop", "scope: Namespace, enforcement: Shadow, rules: []"),
            ],
        ),
        (&with("mtls: {mode: Strict}"), shadow),
        (&with("mtls: {mode: Permissive}"), shadow),
        (&with("outbound: Declared, networkPolicies: true"), shadow),
        (&with(gateway), &[("shop", exposed)]),
    ];
    let effects = cases.iter().map(|(mesh, policies)| effect(mesh, policies));
    insta::assert_snapshot!(effects.collect::<Vec<_>>().join("\n"));
}

#[test]
fn notes_name_the_filter_only_if_the_mesh_has_one() {
    let rules = "selector: {matchLabels: {app: cart}}, service: {ports: [{port: 80}]}, otherwise: Pass, rules: [\
                 {id: s, effect: Deny, enforcement: Shadow, to: [{paths: [/y]}]}, \
                 {id: c, effect: Custom, provider: opa, to: [{paths: [/a]}]}, \
                 {id: h, effect: Deny, to: [{hosts: [a.example.com]}]}, \
                 {id: e, effect: Deny, notAfter: \"2020-01-01T00:00:00Z\"}]";
    let about_rules = |mesh: &str| {
        let notes = notes(mesh, &[("shop", rules)]).into_iter();
        let notes: Vec<_> = notes.filter(|note| note.starts_with("rule ")).collect();
        notes.join("\n")
    };
    insta::assert_snapshot!(format!(
        "{}\n\n{}",
        about_rules(OPEN),
        about_rules(&format!("{OPEN}, {FILTER}"))
    ));
}

#[test]
fn notes_that_shadow_records_nothing_on_tcp_ports() {
    let tcp = "selector: {matchLabels: {app: redis}}, tcpPorts: [6379], enforcement: Shadow, \
               rules: [{id: r, effect: Allow, from: [{serviceAccounts: [cart]}], to: [{ports: [6379]}]}]";
    let both = tcp.replace("redis", "web").replace(
        "tcpPorts",
        "service: {ports: [{port: 80}, {port: 6379}]}, tcpPorts",
    );
    let service = tcp
        .replace("redis", "db")
        .replace("tcpPorts", "service: {ports: [{port: 6379}]}, tcpPorts");
    let mesh = format!("{OPEN}, {FILTER}");
    let notes = notes(&mesh, &[("shop", tcp), ("shop", &both), ("shop", &service)]);
    let notes: Vec<_> = notes
        .iter()
        .filter(|note| note.contains("in shadow"))
        .map(String::as_str)
        .collect();
    insta::assert_snapshot!(notes.join("\n"));
}
