//! A whole mesh, rendered: every resource, for each version, in each layout, or nothing at all.

mod exposed;

use std::fmt::Write as _;

use policy_schema::yaml;
use serde_json::Value;

use super::*;

/// The example shop, with something of everything.
const SHOP: &str = "../../examples/online-boutique";

fn shop(more: &[&str]) -> Run {
    let args = ["render", "-f", SHOP, "--at", NOW];
    let run = run(&[&args, more].concat());
    assert_eq!(run.status, 0, "{}", run.stderr);
    run
}

fn objects(yaml: &str) -> Vec<Value> {
    let read = |node| yaml::read(node).0.unwrap();
    yaml::parse(yaml).unwrap().iter().map(read).collect()
}

fn title(object: &Value) -> String {
    let metadata = &object["metadata"];
    let texts = [
        &object["apiVersion"],
        &object["kind"],
        &metadata["namespace"],
        &metadata["name"],
    ];
    texts
        .map(|text| text.as_str().unwrap_or_default())
        .join(" ")
}

#[test]
fn has_every_resource_for_each_version() {
    for version in ["1.18", "1.24", "1.29", "1.31"] {
        let stream = shop(&["--istio-version", version]).stdout;
        let titles: Vec<_> = objects(&stream).iter().map(title).collect();
        insta::assert_snapshot!(format!("resources_for_{version}"), titles.join("\n"));
    }
}

#[test]
fn says_in_full_what_is_of_the_mesh() {
    let kinds = "peer-authentication,destination-rule,gateway,virtual-service,sidecar,service-entry,telemetry,network-policy";
    insta::assert_snapshot!(shop(&["--only", kinds]).stdout);
}

/// What thousands of services expose is more than a cluster takes in one object.
#[test]
fn spreads_what_a_gateway_lets_in_over_objects() {
    let mut documents = "apiVersion: peergate.dev/v1alpha1
kind: Mesh
metadata: {name: test}
spec:
  trustDomain: cluster.local
  istioVersion: \"1.30\"
  gateways:
    - name: public
      namespace: edge
      selector: {matchLabels: {istio: gateway}}
      serviceAccount: gateway
      servers: [{hosts: [\"*.example\"], tls: {secret: a}}]
"
    .to_owned();
    let mut hosts: Vec<_> = (0..2_500)
        .map(|number| format!("s{number}.example"))
        .collect();
    for (number, host) in hosts.iter().enumerate() {
        let _ = write!(
            documents,
            "---
apiVersion: peergate.dev/v1alpha1
kind: ServicePolicy
metadata: {{name: s{number}, namespace: shop}}
spec:
  selector: {{matchLabels: {{app: s{number}}}}}
  service: {{ports: [{{port: 80}}]}}
  exposures: [{{gateway: public, hosts: [{host}], paths: [/a, /b, /c, /d, \"/e/*\"]}}]
  rules: [{{id: edge, effect: Allow, from: [{{serviceAccounts: [edge/gateway]}}]}}]
"
        );
    }
    let folder = folder(&[("documents.yaml", &documents)]);
    let path = folder.path().to_str().unwrap();
    let kind = ["--only", "authorization-policy", "--output", "json"];
    let json = stdout_of(&[&["render", "-f", path][..], &kind].concat());
    let list: Value = serde_json::from_str(&json).unwrap();
    let objects = list["items"].as_array().unwrap().iter();
    let of_gateway: Vec<_> = objects
        .filter(|object| object["metadata"]["namespace"] == "edge")
        .collect();
    let names = of_gateway.iter().map(|object| &object["metadata"]["name"]);
    assert_eq!(
        names.collect::<Vec<_>>(),
        ["public-exposed", "public-exposed-2"]
    );
    let mut allowed = Vec::new();
    for object in of_gateway {
        // What `kubectl apply` can keep of it.
        assert!(object.to_string().len() < 256 * 1024);
        assert_eq!(
            object["spec"]["selector"]["matchLabels"]["istio"],
            "gateway"
        );
        let rules = object["spec"]["rules"].as_array().unwrap().iter();
        let operations = rules.flat_map(|rule| rule["to"].as_array().unwrap());
        allowed.extend(operations.map(|to| to["operation"]["hosts"][0].as_str().unwrap()));
    }
    // In the order of policies.
    hosts.sort_unstable();
    allowed.sort_unstable();
    assert_eq!(allowed, hosts);
}

#[test]
fn each_filter_knows_who_relays_what_others_send() {
    let mut plugins = objects(&shop(&["--only", "wasm-plugin"]).stdout);
    plugins.retain(|object| object["kind"] == "WasmPlugin");
    assert!(plugins.len() > 5);
    for plugin in plugins {
        let gateways = &plugin["spec"]["pluginConfig"]["mesh"]["gateways"];
        let expected = serde_json::json!(["istio-ingress/istio-ingressgateway"]);
        assert_eq!(*gateways, expected, "{}", title(&plugin));
    }
}

/// What is rendered of the shop with its gateway by the Kubernetes Gateway API, which has TLS 1.2 where
/// no other can be had.
fn kubernetes_gateway(version: &str) -> Run {
    let mesh = std::fs::read_to_string("../examples/online-boutique/mesh.yaml").unwrap();
    let mesh = mesh
        .replace("name: public\n", "name: public\n      api: Kubernetes\n")
        .replace(
            "      selector:\n        matchLabels:\n          istio: ingressgateway\n",
            "",
        );
    let mesh = if version < "1.30" {
        let secret = "            secret: shop-example-com\n";
        mesh.replace(
            secret,
            &format!("{secret}            minVersion: \"1.2\"\n"),
        )
    } else {
        mesh
    };
    let folder = folder(&[("mesh.yaml", &mesh)]);
    let policies = format!("{SHOP}/policies");
    let files = ["-f", text(folder.path()), "-f", &policies];
    let kinds = [
        "--only",
        "gateway,http-route",
        "--at",
        NOW,
        "--istio-version",
        version,
    ];
    let run = run(&[&["render"], &files[..], &kinds].concat());
    assert_eq!(run.status, 0, "{}", run.stderr);
    run
}

#[test]
fn configures_gateways_of_the_kubernetes_api() {
    let run = kubernetes_gateway("1.30");
    insta::assert_snapshot!(run.stdout);
    assert_eq!(run.stderr, "");
}

/// By which account Istio runs a gateway is what rules have to allow.
#[test]
fn has_istio_run_a_gateway_by_the_account_that_it_names() {
    let annotation = |account: &str| {
        let mesh = format!(
            "{MESH}  gateways: [{{name: edge, namespace: edge, api: Kubernetes{account}, servers: [{{hosts: [a.example], tls: {{secret: a, minVersion: \"1.2\"}}}}]}}]\n"
        );
        let folder = folder(&[("mesh.yaml", &mesh), ("cart.yaml", CART)]);
        let args = [
            "render",
            "-f",
            text(folder.path()),
            "--only",
            "gateway",
            "--at",
            NOW,
        ];
        let run = run(&args);
        assert_eq!(run.status, 0, "{}", run.stderr);
        let objects = objects(&run.stdout);
        let gateway = objects.iter().find(|object| object["kind"] == "Gateway");
        gateway.unwrap()["metadata"]["annotations"]["gateway.istio.io/service-account"].clone()
    };
    assert_eq!(annotation(", serviceAccount: other"), "other");
    assert_eq!(annotation(""), Value::Null);
    assert_eq!(annotation(", serviceAccount: edge-istio"), Value::Null);
}

#[test]
fn says_where_istio_cannot_be_told_how_to_run_gateways() {
    let run = kubernetes_gateway("1.25");
    let reads = |run: &Run| run.stdout.contains("parametersRef");
    assert!(!reads(&run) && !run.stdout.contains("ConfigMap"));
    insta::assert_snapshot!(run.stderr);
    let since = kubernetes_gateway("1.26");
    assert!(reads(&since));
    assert_eq!(since.stderr, "");
}

/// Tools read keys that look like numbers as numbers, and then refuse the object.
#[test]
fn has_text_alone_for_keys() {
    let stream = shop(&[]).stdout;
    assert!(stream.contains("portLevelMtls:\n    \"9000\":"));
    let is_number = |line: &&str| {
        let key = line.trim_start().split(':').next().unwrap();
        line.contains(':') && !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_digit())
    };
    assert_eq!(stream.lines().find(is_number), None);
}

#[test]
fn makes_a_chart_of_the_same_objects() {
    let folder = tempfile::tempdir().unwrap();
    let chart = format!("{}/chart/", text(folder.path()));
    shop(&["--layout", "helm-chart", "--out", &chart]);
    let read = |name: &str| std::fs::read_to_string(Path::new(&chart).join(name)).unwrap();
    assert!(read("Chart.yaml").contains("apiVersion: v2\n"));
    assert!(read("templates/resources.yaml").contains(".Files.Glob \"resources/*\""));
    let files = std::fs::read_dir(Path::new(&chart).join("resources")).unwrap();
    let mut texts: Vec<_> = files
        .map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap())
        .map(|text| without_header(&text).to_owned())
        .collect();
    texts.sort();
    let stream = shop(&[]).stdout;
    let mut expected: Vec<_> = without_header(&stream)
        .split("---\n")
        .map(str::to_owned)
        .collect();
    expected.sort();
    assert_eq!(texts, expected);
}

#[test]
fn a_chart_needs_a_folder() {
    let run = run(&["render", "-f", SHOP, "--at", NOW, "--layout", "helm-chart"]);
    assert_eq!((run.status, run.stdout.as_str()), (3, ""));
}

#[test]
fn brings_the_filter_by_the_newer_kind_where_there_is_one() {
    let newer = ["--extension-api", "traffic-extension", "--istio-version"];
    let stream = shop(&[&newer[..], &["1.31", "--only", "wasm-plugin"]].concat()).stdout;
    let objects = objects(&stream);
    assert!(
        objects
            .iter()
            .all(|object| object["kind"] == "TrafficExtension")
    );
    assert_eq!(objects[0]["spec"]["wasm"]["failStrategy"], "FAIL_RELOAD");
    let args = ["render", "-f", SHOP, "--at", NOW];
    let refused = run(&[&args[..], &newer, &["1.29"]].concat());
    assert_eq!((refused.status, refused.stdout.as_str()), (3, ""));
    assert!(
        refused.stderr.contains("which requires 1.30"),
        "{}",
        refused.stderr
    );
}

/// What each of these breaks is said at its line, and not even the folder is made.
#[test]
fn writes_nothing_of_what_is_refused() {
    let mesh = std::fs::read_to_string("../examples/online-boutique/mesh.yaml").unwrap();
    let frontend = "../examples/online-boutique/policies/frontend.yaml";
    let frontend = std::fs::read_to_string(frontend).unwrap();
    let second = "  gateways:\n    - {name: other, namespace: edge, api: Kubernetes, servers: [{hosts: [shop.example.com], tls: {secret: a, minVersion: \"1.2\"}}]}\n";
    let template = frontend.replace("/product/*", "/product/{*}");
    let cases = [
        (
            mesh.clone(),
            frontend.replace("[istio-ingress/istio-ingressgateway]", "[loadgenerator]"),
            "1.29",
            "exposure-without-rule",
            "frontend.yaml:",
        ),
        (
            mesh.replace("  gateways:\n", second),
            frontend.clone(),
            "1.29",
            "duplicate-host",
            "mesh.yaml:",
        ),
        (
            mesh.clone(),
            template,
            "1.21",
            "unsupported-by-istio",
            "frontend.yaml:",
        ),
    ];
    for (mesh, frontend, version, code, place) in cases {
        let folder = folder(&[("mesh.yaml", &mesh), ("frontend.yaml", &frontend)]);
        let out = format!("{}/out/", text(folder.path()));
        let input = ["render", "-f", text(folder.path()), "--at", NOW];
        let run = run(&[&input[..], &["--istio-version", version, "--out", &out]].concat());
        assert_eq!((run.status, run.stdout.as_str()), (3, ""), "{code}");
        assert!(
            run.stderr.contains(&format!("error[{code}]")),
            "{}",
            run.stderr
        );
        assert!(run.stderr.contains(place), "{}", run.stderr);
        assert!(!Path::new(&out).exists());
    }
}

/// A policy that has all these paths.
fn policy_of_paths(name: &str, paths: impl Iterator<Item = String>) -> String {
    let policy = serde_json::json!({
        "apiVersion": "peergate.dev/v1alpha1",
        "kind": "ServicePolicy",
        "metadata": {"name": name, "namespace": "shop"},
        "spec": {
            "selector": {"matchLabels": {"app": name}},
            "rules": [{"id": "all", "effect": "Allow", "to": [{"paths": paths.collect::<Vec<_>>()}]}],
        },
    });
    policy.to_string()
}

#[test]
fn says_of_every_object_that_no_cluster_takes_how_large_it_is() {
    let [large, small, larger] =
        [("large", 30_000), ("small", 10), ("larger", 31_000)].map(|(name, paths)| {
            let path = |number| format!("/a-path-that-is-long-enough/{number}");
            policy_of_paths(name, (0..paths).map(path))
        });
    let files = [
        ("mesh.yaml", MESH),
        ("large.json", &large),
        ("small.json", &small),
        ("larger.json", &larger),
    ];
    let folder = folder(&files);
    let out = format!("{}/out/", text(folder.path()));
    let run = run(&["render", "-f", text(folder.path()), "--out", &out]);
    assert_eq!((run.status, run.stdout.as_str()), (3, ""));
    insta::assert_snapshot!(run.stderr.replace(text(folder.path()), "FOLDER"));
    assert!(!Path::new(&out).exists());
}

/// With the rules of three policies, the configuration of the first is too large for a cluster. A plain Envoy takes it.
#[test]
fn warns_of_a_large_configuration_with_the_rules_of_other_policies() {
    let policy = |name: &str, count: usize| {
        let paths = (0..count).map(|number| format!("/a-path-that-is-long-enough/{number}"));
        policy_of_paths(name, paths).replace("\"app\":", &format!("\"{name}\":"))
    };
    let [first, second, third] = ["a", "b", "c"].map(|name| policy(name, 11_000));
    let files = [
        ("mesh.yaml", MESH),
        ("a.json", &first),
        ("b.json", &second),
        ("c.json", &third),
    ];
    let folder = folder(&files);
    let args = ["render", "-f", text(folder.path()), "--policy", "shop/a"];
    let shown = |more: &[&str]| {
        let run = run(&[&args, more].concat());
        (
            run.status,
            run.stderr.replace(text(folder.path()), "FOLDER"),
        )
    };
    let (status, for_cluster) = shown(&["--only", "wasm-plugin"]);
    assert_eq!(status, 3, "{for_cluster}");
    insta::assert_snapshot!("large_with_others", for_cluster);
    let (status, for_envoy) = shown(&["--only", "envoy"]);
    assert_eq!(status, 0, "{for_envoy}");
    insta::assert_snapshot!("large_with_others_for_envoy", for_envoy);
}

/// Helm keeps all of a chart in one Secret, twice.
#[test]
fn says_how_large_a_release_is_that_helm_cannot_keep() {
    // As good as random, so that gzip makes little of them smaller.
    let path = |number: u128| {
        format!(
            "/{:032x}",
            number
                .wrapping_pow(11)
                .wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835)
        )
    };
    let files = [1, 2].map(|half| {
        let numbers = half * 10_000..half * 10_000 + 8_000;
        policy_of_paths(&format!("half-{half}"), numbers.map(path))
    });
    let files = [
        ("mesh.yaml", MESH),
        ("one.json", &files[0]),
        ("two.json", &files[1]),
    ];
    let said = |files: &[(&str, &str)]| {
        let folder = folder(files);
        let out = format!("{}/chart/", text(folder.path()));
        let chart = ["--layout", "helm-chart", "--out", &out];
        let run = run(&[&["render", "-f", text(folder.path())], &chart[..]].concat());
        assert_eq!(run.status, 0, "{}", run.stderr);
        assert!(Path::new(&out).join("Chart.yaml").exists());
        run.stderr
    };
    let too_large = said(&files);
    let (_, bytes) = too_large.split_once("its release has about ").unwrap();
    let bytes: usize = bytes.split(' ').next().unwrap().parse().unwrap();
    // Each path is of 16 bytes that nobody can make fewer, in two objects, each of which is kept twice.
    assert!(bytes > 16_000 * 16 * 2 * 2 * 4 / 3, "{too_large}");
    assert!(too_large.contains("is limited to 1048576; use `--layout kustomization`"));
    assert!(!said(&files[..2]).contains("Helm"));
}
