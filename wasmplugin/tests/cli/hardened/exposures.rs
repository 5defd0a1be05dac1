//! Hosts that policies expose at gateways, and the names of their objects.

use super::*;

fn exposed_policy(name: &str, more: &str) -> String {
    format!(
        "apiVersion: peergate.dev/v1alpha1\nkind: ServicePolicy\nmetadata: {{name: {name}, namespace: shop}}\nspec:\n  selector: {{matchLabels: {{app: {name}}}}}\n  serviceAccount: {name}\n  service: {{ports: [{{port: 80}}]}}\n  {more}\n  rules: [{{id: edge, effect: Allow, from: [{{namespaces: [edge]}}]}}]\n"
    )
}

/// A cluster would keep only one of the two, and so would a folder.
#[test]
fn refuses_two_objects_with_the_same_name() {
    let gateway = |name: &str| {
        format!(
            "{{name: {name}, namespace: edge, api: Kubernetes, servers: [{{hosts: [{name}.example], tls: {{secret: a, minVersion: \"1.2\"}}}}]}}"
        )
    };
    let gateways = ["eu", "public-eu"].map(gateway).join(", ");
    let mesh = format!("{MESH}  gateways: [{gateways}]\n");
    let one = exposed_policy(
        "web",
        "exposures: [{gateway: public-eu, hosts: [public-eu.example]}]",
    );
    let other = exposed_policy(
        "web-public",
        "exposures: [{gateway: eu, hosts: [eu.example]}]",
    );
    let files = [
        ("mesh.yaml", &*mesh),
        ("one.yaml", &*one),
        ("other.yaml", &*other),
    ];
    let folder = folder(&files);
    let out = format!("{}/out/", text(folder.path()));
    let run = run(&[
        "render",
        "-f",
        text(folder.path()),
        "--at",
        NOW,
        "--out",
        &out,
    ]);
    assert_eq!((run.status, run.stdout.as_str()), (3, ""));
    for message in [
        "HTTPRoute `shop/web-public-eu-0`",
        "policy `shop/web`, exposed at gateway `public-eu`",
        "policy `shop/web-public`, exposed at gateway `eu`",
        "of one of the two",
    ] {
        assert!(run.stderr.contains(message), "{message}: {}", run.stderr);
    }
    assert!(!Path::new(&out).exists());
}

#[test]
fn gives_wildcards_and_similar_hosts_distinct_names() {
    let gateway = |name: &str, api: &str| {
        format!(
            "{{name: {name}, namespace: edge, {api}, servers: [{{hosts: [\"*.{name}.example\", any.{name}.example], tls: {{secret: a, minVersion: \"1.2\"}}}}]}}"
        )
    };
    let gateways = [
        gateway(
            "old",
            "selector: {matchLabels: {a: b}}, serviceAccount: old",
        ),
        gateway("new", "api: Kubernetes"),
    ];
    let mesh = format!(
        "{MESH}  outbound: Declared\n  gateways: [{}]\n",
        gateways.join(", ")
    );
    let exposures = ["old", "new"].map(|name| {
        format!("{{gateway: {name}, hosts: [\"*.{name}.example\", any.{name}.example]}}")
    });
    let policy = exposed_policy("default", &format!("exposures: [{}]", exposures.join(", ")));
    let folder = folder(&[("mesh.yaml", &mesh), ("policy.yaml", &policy)]);
    let run = run(&["render", "-f", text(folder.path()), "--at", NOW]);
    assert_eq!(run.status, 0, "{}", run.stderr);
    for name in [
        "old.any.old.example",
        "old.one.any.old.example",
        "https.any.new.example",
        "https.one.any.new.example",
        "policy.default",
    ] {
        let is_it = |line: &&str| line.trim_start_matches([' ', '-']) == format!("name: {name}");
        assert!(run.stdout.lines().any(|line| is_it(&line)), "{name}");
    }
}
