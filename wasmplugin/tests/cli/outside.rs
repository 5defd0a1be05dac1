//! `peergate decide` and `explain` about callers from outside the mesh, by their certificates.

use serde_json::Value;
use tempfile::TempDir;

use super::*;

/// A gateway whose clients need certificates, one whose clients have none, and a workload.
fn documents(istio: &str, of_partners: &str, rules: &str) -> TempDir {
    let mesh = format!(
        "apiVersion: peergate.dev/v1alpha1
kind: Mesh
metadata: {{name: shop}}
spec:
  trustDomain: cluster.local
  istioVersion: \"{istio}\"
  filter: {{image: \"file:///peergate_filter.wasm\"}}
  gateways:
    - name: partners
      namespace: edge
      selector: {{matchLabels: {{istio: partners}}}}
      serviceAccount: partners
      {of_partners}
      servers: [{{hosts: [partners.example.com], tls: {{secret: partners, mode: Mutual}}}}]
    - name: public
      namespace: edge
      selector: {{matchLabels: {{istio: public}}}}
      serviceAccount: public
      servers: [{{hosts: [shop.example.com], tls: {{secret: shop}}}}]
"
    );
    let policy = |name: &str, labels: &str, rules: &str| {
        format!(
            "---
apiVersion: peergate.dev/v1alpha1
kind: ServicePolicy
metadata: {{name: {name}, namespace: edge}}
spec:
  selector: {{matchLabels: {{{labels}}}}}
  rules:{rules}
"
        )
    };
    let policies = [
        mesh,
        policy("partners", "istio: partners", rules),
        policy("public", "istio: public", OPEN),
        policy("elsewhere", "istio: othergateway", OPEN),
        policy("web", "app: web", OPEN),
    ];
    folder(&[("p.yaml", &policies.concat())])
}

const OPEN: &str = "
    - id: mesh
      effect: Allow";

const RULES: &str = "
    - id: by-name
      effect: Allow
      from:
        - clientCertificates: [\"dns:*.partner.example\", \"uri:spiffe://partner.example/*\", \"subject:CN=7,O=Partner\"]
      to:
        - paths: [/orders]
    - id: web
      effect: Allow
      from:
        - principals: [cluster.local/ns/shop/sa/web]";

const VALIDATED: &str = "unvalidatedCertificates: false";
const UNVALIDATED: &str = "unvalidatedCertificates: true";

fn decide(documents: &TempDir, to: &str, from: &[&str], more: &[&str]) -> Run {
    let from = from.iter().flat_map(|name| ["--from", name]);
    let args = ["decide", "-f", "p.yaml", "--at", NOW, "--to", to];
    let args: Vec<_> = args.into_iter().chain(from).collect();
    let mut command = command(&[&args[..], more].concat());
    command.current_dir(documents.path());
    finish(command, "")
}

const GET: [&str; 4] = ["--method", "GET", "--path", "/orders"];

fn answer(documents: &TempDir, to: &str, from: &[&str]) -> Value {
    let run = decide(
        documents,
        to,
        from,
        &[&GET[..], &["--output", "json"]].concat(),
    );
    serde_json::from_str(&run.stdout)
        .map_err(|error| format!("{error}: {}", run.stderr))
        .unwrap()
}

#[test]
fn a_certificate_is_named_by_all_of_its_names() {
    let documents = documents("1.31", VALIDATED, RULES);
    for (from, reason) in [
        (&["dns:client-7.partner.example"][..], "allowed-by-rule"),
        (
            &["dns:a.example", "dns:b.partner.example"],
            "allowed-by-rule",
        ),
        (&["dns:partner.example"], "no-rule-matched"),
        (&["subject:CN=7,O=Partner"], "allowed-by-rule"),
        (&["subject:CN=7", "dns:x.example"], "no-rule-matched"),
        (&["uri:spiffe://partner.example/7"], "allowed-by-rule"),
        // The same without the kind, which a URI shows by itself.
        (&["spiffe://partner.example/7"], "allowed-by-rule"),
        (&["https://partner.example/7"], "no-rule-matched"),
        // An identity of the mesh, whatever else the certificate says.
        (&["shop/web"], "allowed-by-rule"),
        (&["shop/web", "subject:CN=web"], "allowed-by-rule"),
        (&["shop/cart", "dns:a.partner.example"], "no-rule-matched"),
        // What might pass for one.
        (
            &["shop/web", "https://partner.example/7"],
            "malformed-identity",
        ),
        (
            &["dns:spiffe://cluster.local/ns/shop/sa/web"],
            "malformed-identity",
        ),
        // The gateway serves no client without a certificate.
        (&["anonymous"], "refused-by-proxy"),
    ] {
        let answer = answer(&documents, "edge/partners", from);
        assert_eq!(answer["reason"], reason, "{from:?}");
    }
}

#[test]
fn an_answer_says_what_it_takes_the_certificate_for() {
    let new = documents("1.31", VALIDATED, RULES);
    let old = documents("1.29", VALIDATED, OPEN);
    for (documents, to, reason, note) in [
        (
            &new,
            "edge/partners",
            "allowed-by-rule",
            "is assumed to be validated by the gateway",
        ),
        (
            &new,
            "edge/elsewhere",
            "no-rule-matched",
            "is assumed to be validated by the gateway",
        ),
        (
            &new,
            "edge/web",
            "malformed-identity",
            "sidecars reject certificates from outside the mesh",
        ),
        (
            &old,
            "edge/partners",
            "malformed-identity",
            "before Istio 1.30",
        ),
    ] {
        let answer = answer(documents, to, &["dns:7.partner.example"]);
        assert_eq!(answer["reason"], reason, "{to}");
        let notes = answer["notes"].to_string();
        assert!(notes.contains(note), "{to}: {notes}");
    }
    let of_mesh = answer(&new, "edge/partners", &["shop/web"]);
    assert!(
        !of_mesh["notes"]
            .to_string()
            .contains("assumed to be validated"),
        "{of_mesh}"
    );
}

#[test]
fn a_caller_that_cannot_come_is_refused_with_the_reason() {
    let [new, old] = ["1.31", "1.30"].map(|istio| documents(istio, VALIDATED, RULES));
    let lax = documents("1.30", UNVALIDATED, RULES);
    let partner = "dns:7.partner.example";
    for (documents, to, from, message) in [
        (
            &new,
            "edge/public",
            partner,
            "does not request client certificates (`tls.mode: Simple`)",
        ),
        (&new, "edge/public", "shop/web", "use `anonymous`"),
        (
            &new,
            "edge/public",
            "unvalidated",
            "does not request client certificates",
        ),
        (
            &new,
            "edge/partners",
            "unvalidated",
            "`unvalidatedCertificates: true`",
        ),
        (
            &new,
            "edge/web",
            "unvalidated",
            "sidecars reject certificates that they cannot validate",
        ),
        (&old, "edge/elsewhere", "unvalidated", "before Istio 1.31"),
    ] {
        let run = decide(documents, to, &[from], &GET);
        assert_eq!((run.status, &*run.stdout), (3, ""), "{to} {from}");
        assert!(run.stderr.contains(message), "{to} {from}: {}", run.stderr);
    }
    let tcp = ["--tcp", "--port", "9000"];
    let run = decide(&lax, "edge/partners", &["unvalidated"], &tcp);
    assert!(
        run.stderr
            .contains("RBAC trusts the names of an unvalidated certificate"),
        "{}",
        run.stderr
    );
    for (documents, to) in [(&lax, "edge/partners"), (&new, "edge/elsewhere")] {
        let answer = answer(documents, to, &["unvalidated"]);
        assert_eq!(answer["reason"], "unvalidated-certificate", "{to}");
    }
}

#[test]
fn callers_without_a_certificate_are_refused_where_every_server_requires_one() {
    let rules = "\n    - {id: all, effect: Allow, from: [{anonymous: true}]}";
    let two_servers = "servers: [{hosts: [a.example.com], tls: {secret: a}}, {hosts: [b.example.com], tls: {secret: b, mode: Mutual}}]";
    let mutual = documents("1.31", VALIDATED, rules);
    let answer_at = |documents: &TempDir| answer(documents, "edge/partners", &["anonymous"]);
    let refused = answer_at(&mutual);
    assert_eq!(refused["decision"], "refused");
    let explanation = refused["explanation"].as_str().unwrap();
    assert!(
        explanation.contains("gateway `partners` requires"),
        "{explanation}"
    );
    assert!(
        explanation.contains("only reaches port 80"),
        "{explanation}"
    );
    let tcp = ["--tcp", "--port", "9000", "--output", "json"];
    let run = decide(&mutual, "edge/partners", &["anonymous"], &tcp);
    assert!(
        run.stdout.contains("requires client certificates"),
        "{}",
        run.stdout
    );
    // One server of two, and listeners that may accept clients without one.
    let mesh = std::fs::read_to_string(mutual.path().join("p.yaml")).unwrap();
    let servers =
        "servers: [{hosts: [partners.example.com], tls: {secret: partners, mode: Mutual}}]";
    let either = folder(&[("p.yaml", &mesh.replace(servers, two_servers))]);
    let unvalidated = documents("1.31", UNVALIDATED, rules);
    for documents in [&either, &unvalidated] {
        assert_eq!(answer_at(documents)["reason"], "allowed-by-rule");
    }
}

#[test]
fn names_that_are_of_no_one_caller_are_refused() {
    let documents = documents("1.31", VALIDATED, RULES);
    for (from, message) in [
        (
            &["anonymous", "dns:a.example"][..],
            "`anonymous` cannot be combined",
        ),
        (&["dns:a.example", "unvalidated"], "remove the names"),
        (&["subject:7"], "as in RFC 2253"),
    ] {
        let run = decide(&documents, "edge/partners", from, &GET);
        assert_eq!((run.status, &*run.stdout), (3, ""), "{from:?}");
        assert!(run.stderr.contains(message), "{from:?}: {}", run.stderr);
    }
}

#[test]
fn without_http_rbac_takes_every_certificate_from_outside() {
    let rules = "
    - id: seven
      effect: Allow
      from:
        - clientCertificates: [\"dns:7.partner.example\"]";
    let documents = documents("1.31", VALIDATED, rules);
    let tcp = ["--tcp", "--port", "9000"];
    for (from, status) in [
        ("dns:8.partner.example", 0),
        ("shop/web", 2),
        ("anonymous", 2),
    ] {
        let run = decide(&documents, "edge/partners", &[from], &tcp);
        assert_eq!(run.status, status, "{from}: {}{}", run.stdout, run.stderr);
    }
}

#[test]
fn lines_name_certificates_too() {
    let documents = documents("1.31", VALIDATED, RULES);
    let lines = r#"{"to":"edge/partners","from":"dns:7.partner.example","method":"GET","path":"/orders","expect":"allow","rule":"by-name"}
{"to":"edge/partners","from":["dns:a.example","subject:CN=7,O=Partner"],"method":"GET","path":"/orders","expect":"allow"}
{"to":"edge/partners","from":["dns:a.example"],"method":"GET","path":"/orders","reason":"no-rule-matched"}"#;
    let ask = |lines: &str| {
        let mut command = command(&["decide", "-f", "p.yaml", "--at", NOW, "--requests", "-"]);
        command.current_dir(documents.path());
        finish(command, lines)
    };
    let run = ask(lines);
    let summary = "3 expectations, 0 not as expected\n";
    assert_eq!((run.status, &*run.stderr), (0, summary), "{}", run.stdout);
    for (from, message) in [
        ("[]", "the caller is missing"),
        ("[1]", "`from` must be a string, or a list of strings"),
        (
            r#"["anonymous","dns:a"]"#,
            "`from`: `anonymous` cannot be combined",
        ),
        (r#""unvalidated""#, "`unvalidatedCertificates: true`"),
    ] {
        let line = format!(r#"{{"to":"edge/partners","from":{from},"method":"GET","path":"/"}}"#);
        let run = ask(&line);
        assert_eq!(run.status, 3, "{from}");
        assert!(run.stdout.contains(message), "{from}: {}", run.stdout);
    }
}

#[test]
fn a_denial_names_the_certificates_that_rules_take() {
    let documents = documents("1.31", VALIDATED, RULES);
    let run = decide(
        &documents,
        "edge/partners",
        &["dns:7.partner.example"],
        &["--method", "GET", "--path", "/x"],
    );
    assert_eq!(run.status, 2);
    let near = run.stdout.split("nearest rules").nth(1).unwrap();
    assert!(
        near.contains("rule by-name of edge/partners\n    path    /orders"),
        "{near}"
    );
    let run = decide(&documents, "edge/partners", &["dns:8.other.example"], &GET);
    let near = run.stdout.split("nearest rules").nth(1).unwrap();
    assert!(
        near.contains("client certificate dns:*.partner.example"),
        "{near}"
    );
}

fn explain(documents: &TempDir, from: &[&str], path: &str) -> Run {
    let more = ["--method", "GET", "--path", path, "--output", "json"];
    let denied = decide(documents, "edge/partners", from, &more);
    let answer: Value = serde_json::from_str(&denied.stdout).unwrap();
    let id = answer.get("id").and_then(Value::as_str).unwrap();
    let mut command = command(&["explain", id, "-f", "p.yaml"]);
    command.current_dir(documents.path());
    finish(command, "")
}

#[test]
fn explain_proposes_a_rule_for_a_certificate_with_one_name() {
    let documents = documents("1.31", VALIDATED, RULES);
    for (from, source) in [
        (
            "dns:8.other.example",
            "clientCertificates: [\"dns:8.other.example\"]",
        ),
        (
            "subject:CN=8,O=Other",
            "clientCertificates: [\"subject:CN=8,O=Other\"]",
        ),
        (
            "https://other.example/8",
            "clientCertificates: [\"uri:https://other.example/8\"]",
        ),
    ] {
        let run = explain(&documents, &[from], "/orders");
        assert_eq!((run.status, &*run.stderr), (0, ""), "{from}");
        assert!(
            run.stdout.contains("this change allows the request"),
            "{}",
            run.stdout
        );
        assert!(run.stdout.contains(source), "{from}: {}", run.stdout);
    }
}

#[test]
fn explain_leaves_the_choice_among_several_names_to_people() {
    let documents = documents("1.31", VALIDATED, RULES);
    let run = explain(
        &documents,
        &["dns:8.other.example", "subject:CN=8"],
        "/orders",
    );
    let advice = run.stdout.split("next step: ").nth(1).unwrap();
    assert!(
        advice.contains("`dns:8.other.example` or `subject:CN=8`"),
        "{advice}"
    );
    // As a pattern it would take others too.
    let run = explain(&documents, &["dns:*.other.example"], "/orders");
    assert!(
        run.stdout
            .contains("next step: add the name that identifies this client"),
        "{}",
        run.stdout
    );
}

#[test]
fn explain_offers_an_exception_from_a_denial_to_a_certificate() {
    let rules = format!(
        "{RULES}\n    - id: no\n      effect: Deny\n      from:\n        - clientCertificates: [\"dns:*.partner.example\"]"
    );
    let documents = documents("1.31", VALIDATED, &rules);
    let run = explain(&documents, &["dns:7.partner.example"], "/orders");
    let advice = run.stdout.split("next step: ").nth(1).unwrap();
    assert!(advice.contains("`notClientCertificates`"), "{advice}");
}
