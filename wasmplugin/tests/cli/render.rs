use policy_schema::yaml;
use serde_json::Value;

use super::*;

const ALL: [&str; 5] = ["render", "-f", POLICIES, "--at", NOW];

fn rendered(more: &[&str]) -> Run {
    let run = run(&[&ALL, more].concat());
    assert_eq!(run.status, 0, "{}", run.stderr);
    run
}

#[test]
fn renders_all_policies_as_one_stream() {
    insta::assert_snapshot!(rendered(&[]).stdout);
}

#[test]
fn notes_on_stderr_where_rbac_is_not_the_policy() {
    insta::assert_snapshot!(rendered(&[]).stderr);
}

#[test]
fn notes_which_ports_are_left_to_the_filter() {
    let policies = "apiVersion: peergate.dev/v1alpha1
kind: ServicePolicy
metadata: {name: no-admin, namespace: shop}
spec:
  scope: Namespace
  otherwise: Pass
  rules:
    - {id: admin-paths, effect: Deny, to: [{paths: [/admin/*]}]}
---
apiVersion: peergate.dev/v1alpha1
kind: ServicePolicy
metadata: {name: database, namespace: shop}
spec:
  selector: {matchLabels: {app: database}}
  tcpPorts: [5432]
  rules:
    - {id: cart, effect: Allow, from: [{serviceAccounts: [cart]}], to: [{ports: [5432]}]}
";
    let folder = folder(&[("mesh.yaml", MESH), ("policies.yaml", policies)]);
    let run = run(&[
        "render",
        "-f",
        text(folder.path()),
        "--only",
        "authorization-policy",
    ]);
    assert_eq!(run.status, 0, "{}", run.stderr);
    insta::assert_snapshot!(run.stderr.replace(text(folder.path()), "FOLDER"));
}

#[test]
fn has_no_notes_where_rbac_is_not_concerned() {
    for only in ["wasm-plugin", "plugin-config", "envoy"] {
        let run = rendered(&["--only", only, "--policy", "shop/cart"]);
        assert_eq!(run.stderr, "", "{only}");
    }
}

#[test]
fn renders_a_plugin_config() {
    let config = rendered(&["--only", "plugin-config", "--policy", "shop/cart"]);
    insta::assert_snapshot!(config.stdout);
}

#[test]
fn renders_a_filter_for_a_plain_envoy() {
    let filter = rendered(&[
        "--only",
        "envoy",
        "--policy",
        "payments/vault",
        "--filter-path",
        "/filter.wasm",
    ]);
    insta::assert_snapshot!(filter.stdout);
}

#[test]
fn renders_for_the_given_version_of_istio() {
    let of = |version| {
        let more = ["--only", "wasm-plugin", "--istio-version", version];
        rendered(&more).stdout
    };
    assert!(of("1.26").contains("failStrategy: FAIL_CLOSE\n"));
    assert!(of("1.27").contains("failStrategy: FAIL_RELOAD\n"));
}

#[test]
fn renders_the_same_for_the_same_documents_in_any_order() {
    let first = rendered(&[]).stdout;
    assert_eq!(first, rendered(&[]).stdout);
    // Comments name each file relative to the path that it was found by.
    let objects = |text: &str| -> Vec<String> {
        let lines = text.lines().filter(|line| !line.starts_with("# "));
        lines.map(str::to_owned).collect()
    };
    let args = [
        "render",
        "-f",
        "policies/payments/vault.json",
        "-f",
        "policies/cart.yaml",
        "-f",
        "policies/payments/ledger.yml",
        "-f",
        "policies/mesh.yaml",
        "--at",
        NOW,
    ];
    assert_eq!(objects(&first), objects(&run(&args).stdout));
}

#[test]
fn writes_yaml_that_says_what_the_json_says() {
    let json = rendered(&["--output", "json"]).stdout;
    let list: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(
        (&list["apiVersion"], &list["kind"]),
        (&"v1".into(), &"List".into())
    );
    let documents: Vec<Value> = yaml::parse(&rendered(&[]).stdout)
        .unwrap()
        .iter()
        .map(|node| {
            let (document, faults) = yaml::read(node);
            assert_eq!(faults, []);
            document.unwrap()
        })
        .collect();
    assert_eq!(list["items"], Value::from(documents));
}

#[test]
fn writes_a_file_for_each_object() {
    let folder = tempfile::tempdir().unwrap();
    let target = format!("{}/manifests/", text(folder.path()));
    assert_eq!(rendered(&["--out", &target]).stdout, "");
    let mut names: Vec<_> = std::fs::read_dir(&target)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(
        names,
        [
            "istio-system.default.peerauthentication.yaml",
            "istio-system.peergate-default-deny.authorizationpolicy.yaml",
            "kustomization.yaml",
            "payments.ledger-pass.authorizationpolicy.yaml",
            "payments.ledger-peergate.wasmplugin.yaml",
            "payments.vault-allow.authorizationpolicy.yaml",
            "payments.vault-peergate.wasmplugin.yaml",
            "shop.cart-allow.authorizationpolicy.yaml",
            "shop.cart-deny.authorizationpolicy.yaml",
            "shop.cart-peergate.wasmplugin.yaml",
        ]
    );
    let read = |name: &str| std::fs::read_to_string(Path::new(&target).join(name)).unwrap();
    let list = read("kustomization.yaml");
    // kustomize would sort by kind, and put what denies first.
    assert!(list.contains("sortOptions:\n  order: fifo\n"), "{list}");
    let listed = list.lines().filter_map(|line| line.strip_prefix("- "));
    let mut sorted: Vec<_> = listed.clone().chain(["kustomization.yaml"]).collect();
    sorted.sort_unstable();
    assert_eq!(sorted, names);
    let files = listed.map(|name| without_header(&read(name)).to_owned());
    let together = files.collect::<Vec<_>>().join("---\n");
    assert_eq!(together, without_header(&rendered(&[]).stdout));
}

#[test]
fn replaces_a_file_and_keeps_its_mode() {
    let folder = folder(&[("out.yaml", "old")]);
    let path = folder.path().join("out.yaml");
    #[cfg(unix)]
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o640)).unwrap();
    rendered(&["--out", text(&path), "--force"]);
    assert_eq!(
        std::fs::read_to_string(&path).unwrap(),
        rendered(&[]).stdout
    );
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o640);
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn touches_nothing_when_the_input_is_invalid() {
    let folder = folder(&[("out.yaml", "old")]);
    let path = folder.path().join("out.yaml");
    let file = "diagnostics/unknown-field.yaml";
    let invalid = run(&["render", "-f", file, "--out", text(&path)]);
    assert_eq!((invalid.status, invalid.stdout.as_str()), (3, ""));
    assert!(invalid.stderr.contains("error[unknown-field]"));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "old");

    let new = format!("{}/new/", text(folder.path()));
    assert_eq!(run(&["render", "-f", file, "--out", &new]).status, 3);
    assert!(!Path::new(&new).exists());
}

#[test]
fn refuses_one_text_for_what_several_proxies_take() {
    let run = run(&[&ALL[..], &["--only", "plugin-config"]].concat());
    assert_eq!((run.status, run.stdout.as_str()), (3, ""));
    assert!(
        run.stderr.contains("expected exactly one policy, found 3"),
        "{}",
        run.stderr
    );
}

#[test]
fn suggests_the_policy_that_was_meant() {
    let unknown = |name| {
        let run = run(&[&ALL[..], &["--policy", name]].concat());
        assert_eq!((run.status, run.stdout.as_str()), (3, ""));
        run.stderr
    };
    assert!(unknown("shop/card").contains("did you mean `shop/cart`?"));
    assert!(
        unknown("a/b").contains("known policies: `payments/ledger`, `payments/vault`, `shop/cart`")
    );
}

/// There the filter does not see when the rule ends.
#[test]
fn a_rule_that_ends_is_kept_from_ports_without_http_for_each_of_its_callers() {
    let policy = "\
apiVersion: peergate.dev/v1alpha1
kind: ServicePolicy
metadata:
  name: cart
  namespace: shop
spec:
  selector:
    matchLabels:
      app: cart
  rules:
    - id: web
      effect: Allow
      notAfter: \"2027-01-01T00:00:00Z\"
      from:
        - principals: [\"*/sa/web\"]
        - requestPrincipals: [\"https://idp.example/*\"]
";
    let folder = folder(&[("mesh.yaml", MESH), ("cart.yaml", policy)]);
    let only = ["--only", "authorization-policy", "--policy", "shop/cart"];
    let args = ["render", "-f", text(folder.path()), "--at", NOW];
    let rendered = run(&[&args[..], &only].concat());
    assert_eq!(rendered.status, 0, "{}", rendered.stderr);
    let rules = rendered.stdout.matches("- from:").count();
    // Istio drops a rule for either there: for a method, or for a token.
    let methods = rendered.stdout.matches("methods:").count();
    let tokens = rendered.stdout.matches("requestPrincipals:").count();
    assert_eq!((rules, methods, tokens), (2, 1, 1), "{}", rendered.stdout);
}
