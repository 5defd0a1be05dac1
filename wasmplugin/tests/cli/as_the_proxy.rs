//! `peergate decide`: what a proxy does before rules see a request, and what a question leaves out.

use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;

const HEAD: &str = "\
apiVersion: peergate.dev/v1alpha1
kind: ServicePolicy
metadata:
  name: cart
  namespace: shop
spec:
  selector:
    matchLabels:
      app: cart
";

const SERVICE: &str = "  service: {name: basket, ports: [{port: 80, targetPort: 8080}]}\n";

const WEB: &str = "
    - id: web
      effect: Allow
      from:
        - serviceAccounts: [web]
";

fn documents(mesh: &str, spec: &str, rules: &str) -> TempDir {
    let base = MESH.replace("  pathNormalization: DecodeAndMergeSlashes\n", "");
    let mesh = base.replace("  trustDomain:", &format!("{mesh}  trustDomain:"));
    let policy = format!("{HEAD}{spec}  rules:{rules}");
    folder(&[("p/mesh.yaml", &mesh), ("p/cart.yaml", &policy)])
}

fn decide(documents: &TempDir, more: &[&str]) -> Run {
    let args = ["decide", "-f", "p", "--from", "shop/web", "--at", NOW];
    let mut command = command(&[&args[..], more].concat());
    command.current_dir(documents.path());
    finish(command, "")
}

fn get(documents: &TempDir, path: &str, more: &[&str]) -> Run {
    decide(
        documents,
        &[&["--method", "GET", "--path", path], more].concat(),
    )
}

fn answer(documents: &TempDir, path: &str, more: &[&str]) -> Value {
    let run = get(documents, path, &[more, &["--output", "json"]].concat());
    serde_json::from_str(&run.stdout).unwrap()
}

const NO_ADMIN: &str = "
    - id: no-admin
      effect: Deny
      to:
        - paths: [/admin, \"/admin/*\"]
";

#[test]
fn paths_are_normalized_as_the_mesh_says() {
    let rules = format!("{WEB}{NO_ADMIN}");
    let base = documents("", "", &rules);
    for (sent, seen) in [
        ("/x/../admin", "/admin"),
        ("/%61dmin", "/admin"),
        ("/./admin/1", "/admin/1"),
        ("/x/%2e%2E\\admin?q=/x", "/admin"),
        ("/admin#x", "/admin"),
    ] {
        let answer = answer(&base, sent, &[]);
        assert_eq!(answer["decision"], "deny", "{sent}: {answer}");
        assert_eq!(answer["path"], seen, "{sent}");
        assert_eq!(answer["sentPath"], sent);
        let human = get(&base, sent, &[]).stdout;
        let line = format!("path      {sent} → {seen}\n");
        assert!(human.contains(&line), "{human}");
    }
    for (mode, path, decision) in [
        ("None", "/x/../admin", "allow"),
        ("Base", "//admin", "allow"),
        ("MergeSlashes", "//admin", "deny"),
        ("MergeSlashes", "/%2fadmin", "allow"),
        ("DecodeAndMergeSlashes", "/%2fadmin", "deny"),
    ] {
        let mesh = format!("  pathNormalization: {mode}\n");
        let answer = answer(&documents(&mesh, "", &rules), path, &[]);
        assert_eq!(answer["decision"], decision, "{mode} {path}: {answer}");
    }
}

#[test]
fn what_the_proxy_refuses_by_itself_is_neither_allowed_nor_denied() {
    let documents = documents("", "", WEB);
    for (path, status) in [("/a%00", "400"), ("/a b", "400"), ("*", "404")] {
        let run = get(&documents, path, &[]);
        assert_eq!(run.status, 2, "{path}");
        let line =
            format!("decision  refused\nreason    refused-by-proxy: the proxy answers {status}");
        assert!(run.stdout.starts_with(&line), "{}", run.stdout);
        let line = json!({"from": "shop/web", "method": "GET", "path": path, "expect": "refused"});
        let mut requests = command(&["decide", "-f", "p", "--at", NOW, "--requests", "-"]);
        requests.current_dir(documents.path());
        let expected = finish(requests, &line.to_string());
        assert_eq!(expected.status, 0, "{}", expected.stderr);
    }
}

const PORT: &str = "
    - id: admin-port
      effect: Deny
      to:
        - ports: [9090]
";

#[test]
fn the_only_declared_port_is_taken_and_any_other_is_asked_for() {
    let rules = format!("{WEB}{PORT}");
    let declared = documents("", SERVICE, &rules);
    let taken = answer(&declared, "/", &[]);
    assert_eq!(
        (&taken["decision"], &taken["port"]),
        (&json!("allow"), &json!(8080))
    );
    assert_eq!(
        answer(&declared, "/", &["--port", "9090"])["decision"],
        "deny"
    );

    let undeclared = documents("", "", &rules);
    let refused = get(&undeclared, "/", &[]);
    assert_eq!((refused.status, &*refused.stdout), (3, ""));
    insta::assert_snapshot!(refused.stderr, @"
    error: the answer depends on an omitted attribute: rule `admin-port` depends on a port
     |
     = help: add `--port`
    ");
    let json = get(&undeclared, "/", &["--output", "json"]);
    let json: Value = serde_json::from_str(&json.stdout).unwrap();
    assert!(
        json["error"]
            .as_str()
            .unwrap()
            .contains("depends on a port")
    );
    assert_eq!(json["help"], "add `--port`");
}

#[test]
fn nothing_is_asked_for_that_makes_no_difference() {
    // The caller is not one that any port lets in.
    let ports = WEB.replace("web", "other") + "      to:\n        - ports: [9090]\n";
    let denied = get(&documents("", "", &ports), "/", &[]);
    assert_eq!(denied.status, 2, "{}", denied.stderr);
    // Denied whatever the host is.
    let rules = format!("{WEB}      to:\n        - hosts: [cart]\n{NO_ADMIN}");
    let by_host = documents("", "", &rules);
    assert_eq!(get(&by_host, "/admin", &[]).status, 2);
    let undetermined = get(&by_host, "/", &[]);
    assert_eq!(undetermined.status, 3);
    assert!(
        undetermined.stderr.contains("rule `web` depends on a host"),
        "{}",
        undetermined.stderr
    );
    assert_eq!(get(&by_host, "/", &["--host", "cart"]).status, 0);
}

#[test]
fn addresses_and_server_names_are_asked_for_too() {
    for (condition, argument, value) in [
        ("source.ip", "--source-ip", "10.0.0.1"),
        ("remote.ip", "--remote-ip", "10.0.0.1"),
        ("destination.ip", "--destination-ip", "10.0.0.1"),
        ("connection.sni", "--server-name", "10.0.0.1"),
    ] {
        let rules =
            format!("{WEB}      when:\n        - key: {condition}\n          values: [10.0.0.1]\n");
        let documents = documents("", "", &rules);
        let refused = get(&documents, "/", &[]);
        assert_eq!(refused.status, 3, "{condition}: {}", refused.stdout);
        assert!(refused.stderr.contains(argument), "{}", refused.stderr);
        assert_eq!(
            get(&documents, "/", &[argument, value]).status,
            0,
            "{condition}"
        );
    }
}

#[test]
fn a_host_leads_to_the_policy_that_declares_its_service() {
    let rules =
        format!("{WEB}      to:\n        - hosts: [\"basket.shop:80\"]\n          ports: [8080]\n");
    let documents = documents("", SERVICE, &rules);
    let to = |host: &str| get(&documents, "/", &["--to", host]);
    assert_eq!(to("basket.shop:80").status, 0);
    // The host is the authority as it is written.
    assert_eq!(to("basket").status, 2);
    assert_eq!(to("basket.shop.svc.cluster.local").status, 2);
    for (host, message) in [
        (
            "cart.shop",
            "no policy declares a `service` with the host `cart.shop`",
        ),
        ("basket:81", "the service of `basket:81` has no port 81"),
    ] {
        let refused = to(host);
        assert_eq!(refused.status, 3);
        assert!(refused.stderr.contains(message), "{}", refused.stderr);
    }
}

#[test]
fn all_policies_for_the_workload_decide_whichever_is_named() {
    let documents = documents("", "", WEB);
    let narrower = HEAD.replace("cart\n  n", "canary\n  n")
        + "      track: canary\n  otherwise: Pass\n  rules:"
        + NO_ADMIN;
    std::fs::write(documents.path().join("p/canary.yaml"), narrower).unwrap();
    let label = ["--label", "track=canary"];
    let ask = |policy: &str, more: &[&str]| {
        answer(&documents, "/admin", &[&["--to", policy], more].concat())
    };
    assert_eq!(ask("shop/cart", &[])["decision"], "allow");
    for (policy, more) in [("shop/cart", &label[..]), ("shop/canary", &[])] {
        let answer = ask(policy, more);
        assert_eq!(answer["decision"], "deny", "{policy}: {answer}");
        assert_eq!(answer["leader"], "shop/canary");
        assert_eq!(answer["policy"], "shop/canary");
    }
    let line = r#"{"to":"shop/cart","from":"shop/web","method":"GET","path":"/admin"}"#;
    let mut requests = command(&["decide", "-f", "p", "--at", NOW, "--requests", "-"]);
    requests.args(label).current_dir(documents.path());
    let requests = finish(requests, line);
    assert_eq!(requests.status, 2, "{}", requests.stdout);
}

#[test]
fn scopes_are_split_as_istio_splits_them() {
    let rules = format!(
        "{WEB}      when:\n        - key: request.auth.claims[scope]\n          values: [read]\n"
    );
    let documents = documents("", "", &rules);
    for (claims, decision) in [
        (r#"{"iss":"i","sub":"s","scope":"read write"}"#, "allow"),
        (r#"{"iss":"i","sub":"s","scope":["read","write"]}"#, "allow"),
        (r#"{"iss":"i","sub":"s","scope":["read write"]}"#, "deny"),
        (r#"{"iss":"i","sub":"s","scope":"readwrite"}"#, "deny"),
    ] {
        let answer = answer(&documents, "/", &["--claims", claims]);
        assert_eq!(answer["decision"], decision, "{claims}");
        assert!(answer["notes"].to_string().contains("verified"), "{answer}");
    }
}

#[test]
fn repeated_headers_are_joined_as_envoy_joins_them() {
    let with = |name: &str| {
        format!(
            "{WEB}      when:\n        - key: request.headers[{name}]\n          values: [\"a,b\"]\n"
        )
    };
    for (name, decision) in [("accept", "allow"), ("x-tenant", "deny")] {
        let documents = documents("", "", &with(name));
        let header = |value: &str| format!("{name}={value}");
        let (a, b) = (header("a"), header("b"));
        let answer = answer(&documents, "/", &["--header", &a, "--header", &b]);
        assert_eq!(answer["decision"], decision, "{name}");
    }
}

#[test]
fn a_denial_has_the_nearest_rules_and_an_id_that_explain_opens() {
    let rules = WEB.replace("[web]", "[web]\n      to:\n        - methods: [POST]");
    let documents = documents("", "", &rules);
    let denied = answer(&documents, "/x/../y", &[]);
    assert_eq!(
        denied["nearest"],
        json!([{
            "rule": {"policy": "shop/cart", "id": "web", "owner": "platform"},
            "differs": [{"attribute": "method", "wanted": ["POST"]}],
        }])
    );
    let human = get(&documents, "/y", &[]).stdout;
    assert!(
        human.ends_with("  rule web of shop/cart, owner platform\n    method  POST\n"),
        "{human}"
    );
    let mut explain = command(&["explain", denied["id"].as_str().unwrap(), "-f", "p"]);
    explain
        .args(["--output", "json"])
        .current_dir(documents.path());
    let explained: Value = serde_json::from_str(&finish(explain, "").stdout).unwrap();
    assert_eq!(explained["request"]["path"], "/y");
    assert_eq!(explained["isSameRevision"], true);
    assert_eq!(explained["nearest"], denied["nearest"]);
}

#[test]
fn connections_without_http_are_decided_as_by_rbac() {
    let spec = "  tcpPorts: [6379]\n";
    let rules = format!(
        "{WEB}{}{}",
        NO_ADMIN
            .replace("paths", "notPaths")
            .replace("no-admin", "only-admin"),
        "
    - id: no-jobs
      effect: Deny
      from:
        - namespaces: [jobs]
      to:
        - methods: [GET]
"
    );
    let documents = documents("", spec, &rules);
    let ask = |from: &str, more: &[&str]| {
        let args = ["decide", "-f", "p", "--tcp", "--from", from, "--at", NOW];
        let mut command = command(&[&args[..], more].concat());
        command.current_dir(documents.path());
        finish(command, "")
    };
    // On a declared port what asks for HTTP is left out, but for what only excludes some.
    let only_admin = ask("shop/web", &[]);
    assert!(
        only_admin.stdout.contains("rule      only-admin"),
        "{}",
        only_admin.stdout
    );
    assert!(only_admin.stdout.contains("port      6379\n"));
    assert!(only_admin.stdout.contains("only RBAC decides"));
    let http = get(&documents, "/admin", &["--port", "6379"]);
    assert!(http.stdout.contains("use `tcp`"), "{}", http.stdout);
    // Elsewhere Istio drops the question and keeps the denial.
    let jobs = ask("jobs/x", &["--port", "5672", "--output", "json"]);
    let jobs: Value = serde_json::from_str(&jobs.stdout).unwrap();
    assert_eq!(
        (&jobs["decision"], &jobs["id"]),
        (&json!("deny"), &Value::Null)
    );
    assert!(
        jobs["notes"]
            .to_string()
            .contains("5672 is not in `tcpPorts`")
    );
}

#[test]
fn allow_rules_that_ask_for_http_allow_no_other_connection() {
    let ask = |rules: &str| {
        let documents = documents("", "  tcpPorts: [6379]\n", rules);
        decide(&documents, &["--tcp"]).status
    };
    assert_eq!(ask(WEB), 0);
    assert_eq!(
        ask(&format!("{WEB}      to:\n        - methods: [GET]\n")),
        2
    );
    assert_eq!(
        ask(&format!("{WEB}      notAfter: \"2027-01-01T00:00:00Z\"\n")),
        2
    );
    assert_eq!(ask(&format!("{WEB}{NO_ADMIN}")), 0);
}

#[test]
fn what_is_wrong_with_policies_is_json_where_the_answer_would_be() {
    let documents = documents("", "  nonsense: 1\n", WEB);
    let run = get(&documents, "/", &["--output", "json"]);
    assert_eq!(run.status, 3);
    let error: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(error["diagnostics"][0]["code"], "unknown-field");
    assert_eq!(error["diagnostics"][0]["file"], "p/cart.yaml");
}

#[test]
fn what_cannot_be_known_is_said() {
    let rules = format!(
        "{WEB}
    - id: checked
      effect: Custom
      provider: opa
"
    );
    let documents = documents("", "", &rules);
    let mesh = documents.path().join("p/mesh.yaml");
    let text = std::fs::read_to_string(&mesh).unwrap();
    let kept: Vec<_> = text
        .lines()
        .filter(|line| !line.contains("image:"))
        .collect();
    std::fs::write(&mesh, kept.join("\n") + "\n").unwrap();
    let notes = answer(&documents, "/..;a/ä", &[])["notes"].to_string();
    for note in [
        "rule `checked` asks the provider `opa` first",
        "sets no filter image",
        "rejects this path over HTTP/1.1",
        "Envoy before 1.40",
    ] {
        assert!(notes.contains(note), "{note}: {notes}");
    }
}

/// RBAC compares texts as they are written, and the answer is the filter's, whatever it is.
#[test]
fn without_the_filter_each_answer_names_the_rules_that_rbac_may_decide_differently() {
    let rules = format!(
        "{WEB}    - {{id: good, effect: Allow, when: [{{key: \"request.headers[x-t]\", values: [\"good*\"]}}]}}\n    - {{id: hosts, effect: Deny, to: [{{hosts: [admin.shop]}}]}}\n"
    );
    let with_filter = documents("", "", &rules);
    let mesh = with_filter.path().join("p/mesh.yaml");
    let text = std::fs::read_to_string(&mesh).unwrap();
    let general = "may decide differently";
    let of_filter = answer(&with_filter, "/", &["--host", "a"])["notes"].to_string();
    assert!(!of_filter.contains(general), "{of_filter}");
    let kept: Vec<_> = text
        .lines()
        .filter(|line| !line.contains("image:"))
        .collect();
    std::fs::write(&mesh, kept.join("\n") + "\n").unwrap();
    for path in ["/", "/none"] {
        let notes = answer(&with_filter, path, &["--host", "a"])["notes"].to_string();
        for note in [general, "rule `good` of `", "rule `hosts` of `"] {
            assert!(notes.contains(note), "{path}: {notes}");
        }
    }
    let args = [
        "decide",
        "-f",
        "p",
        "--from",
        "spiffe://other.example/ns/a/sa/b",
        "--method",
        "GET",
        "--path",
        "/",
        "--host",
        "a",
        "--at",
        NOW,
    ];
    let mut command = command(&args);
    command.current_dir(with_filter.path());
    let foreign = finish(command, "").stdout;
    assert!(foreign.contains("for their certificate alone"), "{foreign}");
}
