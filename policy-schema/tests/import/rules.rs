//! Rules and their values, and where they match more than in Istio.

use policy_schema::import::Options;
use policy_schema::policy::IstioVersion;
use serde_json::{Value, json};

use super::{MESH, imported, messages, policy, whole};

/// The rules that a rule is imported as, without IDs, or why it is refused.
fn rules_at(action: &str, rule: &str, minor: &str) -> Result<Value, String> {
    let options = Options {
        istio_version: IstioVersion::parse(minor),
        ..Options::default()
    };
    let strict = "apiVersion: security.istio.io/v1\nkind: PeerAuthentication\n\
                  metadata: {name: default, namespace: istio-system}\nspec: {mtls: {mode: STRICT}}\n";
    let imported = imported(&[MESH, strict, &policy(action, rule)], &options);
    let messages = messages(&imported);
    let documents = whole(imported).ok_or(messages)?;
    let mut rules = serde_json::to_value(&documents.policies[0].document.spec.rules).unwrap();
    for rule in rules.as_array_mut().unwrap() {
        let rule = rule.as_object_mut().unwrap();
        rule.remove("id");
        rule.remove("effect");
    }
    Ok(rules)
}

fn rules(action: &str, rule: &str) -> Result<Value, String> {
    rules_at(action, rule, "1.31")
}

/// A value that never matches adds no caller to a list and excludes none.
#[test]
fn a_principal_with_a_scheme_never_matches() {
    for list in [
        "principals: [\"spiffe://td1/ns/a/sa/b\"]",
        "principals: [\"spiffe://*\", \"*spiffe://td1/x\"]",
    ] {
        for action in ["ALLOW", "DENY", "AUDIT"] {
            let from = format!("{{from: [{{source: {{{list}}}}}]}}");
            assert_eq!(rules(action, &from), Ok(json!([])), "{action} {list}");
        }
    }
    let when = "{when: [{key: source.principal, values: [\"spiffe://td1/ns/a/sa/b\"]}]}";
    assert_eq!(rules("ALLOW", when), Ok(json!([])));
    let beside = "{from: [{source: {principals: [\"spiffe://td1/ns/a/sa/b\", td1/ns/a/sa/c]}}]}";
    let kept = json!([{"from": [{"principals": ["td1/ns/a/sa/c"]}]}]);
    assert_eq!(rules("ALLOW", beside), Ok(kept));
    let not = "{from: [{source: {notPrincipals: [\"spiffe://td1/ns/a/sa/b\"], namespaces: [x]}}]}";
    let everybody = json!([{"from": [{"namespaces": ["x"]}]}]);
    assert_eq!(rules("DENY", not), Ok(everybody));
    let when_not = "{to: [{operation: {ports: [\"80\"]}}], when: [{key: source.principal, notValues: [\"spiffe://td1/x\"]}]}";
    let told = rules("DENY", when_not);
    assert!(told.is_ok(), "{told:?}");
}

#[test]
fn expands_trust_domains_like_istio() {
    let source = |source: &str| format!("{{from: [{{source: {{{source}}}}}]}}");
    for (minor, action, written, expected) in [
        (
            "1.31",
            "DENY",
            "trustDomains: [td1]",
            json!({"trustDomains": ["td1", "td2"]}),
        ),
        (
            "1.31",
            "DENY",
            "trustDomains: [td2, \"td*\"]",
            json!({"trustDomains": ["td1", "td2", "td*"]}),
        ),
        (
            "1.30",
            "DENY",
            "trustDomains: [td1]",
            json!({"trustDomains": ["td1"]}),
        ),
        (
            "1.31",
            "ALLOW",
            "namespaces: [a], notTrustDomains: [td2]",
            json!({"namespaces": ["a"], "notTrustDomains": ["td1", "td2"]}),
        ),
        (
            "1.31",
            "ALLOW",
            "principals: [td2/ns/a/sa/b]",
            json!({"principals": ["td2/ns/a/sa/b"]}),
        ),
        (
            "1.31",
            "ALLOW",
            "principals: [cluster.local/ns/a/sa/b]",
            json!({"principals": ["td1/ns/a/sa/b"]}),
        ),
        (
            "1.31",
            "ALLOW",
            "principals: [\"td*/ns/a/sa/b\"]",
            json!({"principals": ["td1/ns/a/sa/b"]}),
        ),
    ] {
        let expected = Ok(json!([{"from": [expected]}]));
        assert_eq!(
            rules_at(action, &source(written), minor),
            expected,
            "{minor} {written}"
        );
    }
    let when = "{when: [{key: source.trustDomain, values: [td1]}]}";
    let expected = json!([{"when": [{"key": "source.trustDomain", "values": ["td1", "td2"]}]}]);
    assert_eq!(rules("ALLOW", when), Ok(expected));
    for (minor, written) in [
        ("1.29", source("trustDomains: [td1]")),
        ("1.29", when.to_owned()),
        ("1.24", source("serviceAccounts: [a]")),
    ] {
        let refused = rules_at("ALLOW", &written, minor).unwrap_err();
        assert!(refused.contains("does not support the field"), "{refused}");
    }
}

/// Istio matches these, and the language cannot express them. Leaving them out would close or open
/// the workloads.
#[test]
fn a_namespace_with_a_star_inside_is_refused() {
    for action in ["ALLOW", "DENY"] {
        for rule in [
            "{from: [{source: {namespaces: [a, \"team-*-prod\"]}}]}",
            "{from: [{source: {namespaces: [\"*a*\"]}}]}",
            "{from: [{source: {notNamespaces: [\"a*b\"]}}]}",
            "{when: [{key: source.namespace, values: [\"a*b*\"]}]}",
            "{when: [{key: source.namespace, notValues: [\"a*b\"]}]}",
        ] {
            let refused = rules(action, rule).unwrap_err();
            assert!(
                refused.contains("Istio reads each `*` in a namespace as any text"),
                "{refused}"
            );
        }
        let ends = "{from: [{source: {namespaces: [\"*a\"]}}]}";
        let refused = rules(action, ends).unwrap_err();
        assert!(refused.contains("as every namespace"), "{refused}");
        let doubled = "{from: [{source: {namespaces: [\"a**\", \"**\"]}}]}";
        let expected = json!([{"from": [{"namespaces": ["a*", "*"]}]}]);
        assert_eq!(rules(action, doubled), Ok(expected));
    }
}

#[test]
fn refuses_empty_lists() {
    for rule in [
        "{from: []}",
        "{to: []}",
        "{from: [{}]}",
        "{from: [{source: {}}]}",
        "{from: [{source: {principals: []}}]}",
        "{to: [{operation: {}}]}",
        "{when: [{key: source.ip}]}",
        "{from: [{source: {namespaces: [\"\"]}}]}",
        "{to: [{operation: {hosts: [\"\"]}}]}",
    ] {
        let refused = rules("ALLOW", rule).unwrap_err();
        assert!(refused.contains("Istio rejects"), "{rule}: {refused}");
    }
}

/// Because of one malformed value, Istio drops a whole `ALLOW` rule. Keeping the other values would
/// allow more.
#[test]
fn refuses_a_malformed_value_among_valid_ones() {
    for rule in [
        "{to: [{operation: {ports: [\"80\", http]}}]}",
        "{from: [{source: {ipBlocks: [10.0.0.1, 10.0.0.0/33]}}]}",
        "{from: [{source: {serviceAccounts: [a, \"b*\"]}}]}",
        "{when: [{key: destination.port, values: [\"80\", \"70000\"]}]}",
        "{when: [{key: remote.ip, values: [10.0.0.1, x]}]}",
        "{when: [{key: source.age, values: [x]}]}",
    ] {
        assert!(rules("ALLOW", rule).is_err(), "{rule}");
    }
}

/// Without a mesh config, another trust domain may belong to the mesh.
#[test]
fn refuses_foreign_trust_domains_in_denials_of_an_unknown_mesh() {
    for (action, list, is_refused) in [
        ("ALLOW", "principals", false),
        ("ALLOW", "notPrincipals", true),
        ("DENY", "principals", true),
        ("DENY", "notPrincipals", true),
    ] {
        let rule = format!("{{from: [{{source: {{{list}: [old.example/ns/a/sa/b]}}}}]}}");
        let imported = imported(&[&policy(action, &rule)], &Options::default());
        assert!(messages(&imported).contains("`old.example"));
        assert!(
            imported
                .open
                .iter()
                .any(|open| open.contains("`cluster.local`"))
        );
        assert_eq!(whole(imported).is_none(), is_refused, "{action} {list}");
    }
}

/// Istio drops an `ALLOW` rule that requires HTTP from TCP ports, so the imported part requires
/// HTTP too.
#[test]
fn the_imported_part_of_an_http_rule_requires_http() {
    let any_method = json!([{"methods": ["*"]}]);
    let with_token = "{from: [{source: {principals: [td1/ns/a/sa/b]}}, {source: {principals: [\"spiffe://x/y\"], requestPrincipals: [\"*\"]}}]}";
    let expected = json!([{"from": [{"principals": ["td1/ns/a/sa/b"]}], "to": any_method}]);
    assert_eq!(rules("ALLOW", with_token), Ok(expected));
    let with_method = "{from: [{source: {principals: [td1/ns/a/sa/b]}}], to: [{operation: {ports: [\"80\"]}}, {operation: {methods: [get]}}]}";
    let expected = json!([{
        "from": [{"principals": ["td1/ns/a/sa/b"]}],
        "to": [{"methods": ["*"], "ports": [80]}],
    }]);
    assert_eq!(rules("ALLOW", with_method), Ok(expected));
}

#[test]
fn notes_http_only_denials_on_tcp_ports() {
    let is_noted = |rule: &str| {
        let imported = imported(&[MESH, &policy("DENY", rule)], &Options::default());
        messages(&imported).contains("it denies all traffic on TCP ports")
    };
    assert!(is_noted("{to: [{operation: {paths: [/admin]}}]}"));
    assert!(is_noted(
        "{from: [{source: {notRequestPrincipals: [\"*\"]}}]}"
    ));
    assert!(!is_noted(
        "{to: [{operation: {paths: [/admin], ports: [\"80\"]}}]}"
    ));
    assert!(!is_noted(
        "{from: [{source: {namespaces: [a]}}], to: [{operation: {paths: [/admin]}}]}"
    ));
    assert!(!is_noted("{from: [{source: {namespaces: [a]}}]}"));
}

#[test]
fn describes_each_kind_of_wider_match_once() {
    let policy = |name: &str, action: &str, rule: &str| {
        format!(
            "apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\n\
             metadata: {{name: {name}, namespace: shop}}\n\
             spec: {{selector: {{matchLabels: {{app: {name}}}}}, action: {action}, rules: [{rule}, {rule}]}}\n"
        )
    };
    let header = |list: &str, value: &str| {
        format!("{{when: [{{key: 'request.headers[x-tenant]', {list}: ['{value}']}}]}}")
    };
    let address = |blocks: &str| format!("{{from: [{{source: {{remoteIpBlocks: [{blocks}]}}}}]}}");
    let headers = "header values that block a request match more";
    let hosts = "hosts that block a request match more";
    let blocks = "IPv4 blocks match more";
    for (action, rule, expected) in [
        ("DENY", header("values", "a"), Some(headers)),
        ("ALLOW", header("notValues", "a"), Some(headers)),
        ("ALLOW", header("values", "a"), None),
        ("DENY", header("values", "*"), None),
        ("DENY", header("notValues", "a"), None),
        (
            "DENY",
            "{to: [{operation: {hosts: [a.example]}}]}".to_owned(),
            Some(hosts),
        ),
        (
            "ALLOW",
            "{to: [{operation: {notHosts: [a.example]}}]}".to_owned(),
            Some(hosts),
        ),
        (
            "ALLOW",
            "{to: [{operation: {hosts: [a.example]}}]}".to_owned(),
            None,
        ),
        (
            "DENY",
            "{when: [{key: 'request.headers[Host]', values: [a.example]}]}".to_owned(),
            Some(hosts),
        ),
        ("ALLOW", address("10.0.0.0/8"), Some(blocks)),
        ("ALLOW", address("10.0.0.0/8, '::ffff:10.0.0.0/104'"), None),
        ("ALLOW", address("'2001:db8::/32'"), None),
        (
            "ALLOW",
            "{when: [{key: source.ip, notValues: [10.0.0.1]}]}".to_owned(),
            Some(blocks),
        ),
    ] {
        let texts = [policy("a", action, &rule), policy("b", action, &rule)];
        let imported = imported(&[MESH, &texts.join("---\n")], &Options::default());
        assert!(imported.documents.is_some(), "{}", messages(&imported));
        let found = imported.differences;
        match expected {
            None => assert!(found.is_empty(), "{rule}: {found:?}"),
            Some(kind) => {
                assert_eq!(found.len(), 1, "{rule}: {found:?}");
                assert!(found[0].starts_with(kind), "{rule}: {found:?}");
                let place = "(rule 0 of `shop/a` and 3 others)";
                assert!(found[0].ends_with(place), "{rule}: {found:?}");
            }
        }
    }
}

/// If a match lets a request pass, the language compares each part of a header.
#[test]
fn refuses_open_header_patterns_that_let_requests_pass() {
    for (action, list, is_refused) in [
        ("ALLOW", "values: [\"text/html,*\"]", true),
        ("ALLOW", "values: [\"text/html,a\", \"b*\"]", false),
        ("ALLOW", "notValues: [\"*,b\"]", false),
        ("DENY", "values: [\"a,*\"]", false),
        ("DENY", "values: [x], notValues: [\"a,*\"]", true),
    ] {
        let rule = format!(
            "{{to: [{{operation: {{ports: [\"80\"]}}}}], when: [{{key: \"request.headers[x-list]\", {list}}}]}}"
        );
        let found = rules(action, &rule);
        assert_eq!(found.is_err(), is_refused, "{action} {list}: {found:?}");
    }
}
