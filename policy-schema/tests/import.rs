//! What Istio resources are imported as, and what is refused.

#![cfg(all(feature = "authoring", not(target_arch = "wasm32")))]
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

use policy_schema::diagnostic::SourceText;
use policy_schema::import::{ExceptionPlan, Imported, Options, import};
use policy_schema::policy::IstioVersion;
use policy_schema::timestamp::Timestamp;
use serde_json::{Value, json};

/// A mesh with an alias.
const MESH: &str = "apiVersion: install.istio.io/v1alpha1
kind: IstioOperator
metadata: {name: m}
spec: {meshConfig: {trustDomain: td1, trustDomainAliases: [td2]}}
";

fn imported(texts: &[&str], options: &Options) -> Imported {
    let sources: Vec<_> = texts
        .iter()
        .map(|text| SourceText {
            name: "istio.yaml".to_owned(),
            text: (*text).to_owned(),
        })
        .collect();
    import(&sources, options)
}

fn messages(imported: &Imported) -> String {
    let findings = imported.findings.iter();
    let messages: Vec<_> = findings.map(|found| found.message.as_str()).collect();
    messages.join("\n")
}

/// `spec.mtls` of the mesh, and all that is said of it.
fn mutual_tls(objects: &[(&str, &str, &str)]) -> (Value, String) {
    let objects: Vec<_> = objects
        .iter()
        .map(|(namespace, name, spec)| {
            format!(
                "apiVersion: security.istio.io/v1\nkind: PeerAuthentication\n\
                 metadata: {{name: {name}, namespace: {namespace}}}\nspec: {spec}\n"
            )
        })
        .collect();
    let options = Options {
        exceptions: Some(ExceptionPlan {
            owner: "o".to_owned(),
            not_after: Timestamp::parse("2030-01-01T00:00:00Z").unwrap(),
        }),
        ..Options::default()
    };
    let imported = imported(&[&objects.join("---\n")], &options);
    let told = [messages(&imported), imported.open.join("\n")].join("\n");
    let mesh = imported.documents.expect(&told).mesh;
    (serde_json::to_value(mesh.spec.mtls).unwrap(), told)
}

/// The mesh of the cases, as a whole.
const STRICT: (&str, &str, &str) = ("istio-system", "default", "{mtls: {mode: STRICT}}");

fn exception(name: &str, more: &Value) -> Value {
    let mut exception = json!({
        "name": name,
        "namespace": "shop",
        "owner": "o",
        "notAfter": "2030-01-01T00:00:00Z",
    });
    for (key, value) in more.as_object().unwrap() {
        exception[key] = value.clone();
    }
    exception
}

#[test]
fn plaintext_in_a_strict_mesh_stays_an_exception_at_its_level() {
    let selector = json!({"matchLabels": {"app": "a"}});
    let of = |spec| ("shop", "a", spec);
    for (object, more) in [
        (of("{mtls: {mode: PERMISSIVE}}"), json!({})),
        (of("{mtls: {mode: DISABLE}}"), json!({"mode": "Disable"})),
        (of("{selector: {}, mtls: {mode: PERMISSIVE}}"), json!({})),
        (
            of("{selector: {matchLabels: {app: a}}, mtls: {mode: PERMISSIVE}}"),
            json!({"selector": selector}),
        ),
        (
            of(
                "{selector: {matchLabels: {app: a}}, portLevelMtls: {\"9100\": {mode: PERMISSIVE}, \"80\": {mode: STRICT}, \"81\": {}}}",
            ),
            json!({"selector": selector, "ports": [9100]}),
        ),
        (
            of(
                "{selector: {matchLabels: {app: a}}, mtls: {mode: STRICT}, portLevelMtls: {\"1\": {mode: DISABLE}, \"2\": {mode: DISABLE}}}",
            ),
            json!({"selector": selector, "ports": [1, 2], "mode": "Disable"}),
        ),
        (
            of(
                "{selector: {matchLabels: {app: a}}, mtls: {mode: PERMISSIVE}, portLevelMtls: {\"1\": {mode: UNSET}}}",
            ),
            json!({"selector": selector}),
        ),
    ] {
        let (mtls, _) = mutual_tls(&[STRICT, object]);
        let expected = json!({"mode": "Strict", "exceptions": [exception("a", &more)]});
        assert_eq!(mtls, expected, "{object:?}");
    }
}

/// Callers without identity reach the workloads of an exception, and no others.
#[test]
fn an_exception_lets_anonymous_callers_in_where_it_is() {
    let objects = "apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: default, namespace: istio-system}
spec: {mtls: {mode: STRICT}}
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: open, namespace: foo}
spec: {selector: {matchLabels: {app: open}}, mtls: {mode: PERMISSIVE}}
";
    let everybody = |name: &str| {
        format!(
            "apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\n\
             metadata: {{name: {name}, namespace: foo}}\n\
             spec: {{selector: {{matchLabels: {{app: {name}}}}}, rules: [{{}}]}}\n"
        )
    };
    let texts = [objects, &everybody("open"), &everybody("closed")];
    let documents = imported(&texts, &Options::default()).documents.unwrap();
    let rules: Vec<_> = documents
        .policies
        .iter()
        .map(|policy| {
            let rules = policy.document.spec.rules.iter();
            rules.map(|rule| rule.id.as_str()).collect::<Vec<_>>()
        })
        .collect();
    assert_eq!(
        rules,
        [vec!["closed-0"], vec!["open-0", "open-0-anonymous"]]
    );
}

#[test]
fn what_inherits_strict_is_no_exception() {
    for spec in [
        "{}",
        "{mtls: {mode: STRICT}}",
        "{mtls: {mode: UNSET}}",
        "{selector: {matchLabels: {app: a}}}",
        "{selector: {matchLabels: {app: a}}, portLevelMtls: {\"80\": {mode: UNSET}}}",
    ] {
        let (mtls, _) = mutual_tls(&[STRICT, ("shop", "a", spec)]);
        assert_eq!(mtls, json!({"mode": "Strict"}), "{spec}");
    }
    // In the root namespace Istio ignores a selector, and plaintext there is none.
    let root = "{selector: {matchLabels: {app: a}}, mtls: {mode: PERMISSIVE}}";
    let (mtls, told) = mutual_tls(&[STRICT, ("istio-system", "a", root)]);
    assert_eq!(mtls, json!({"mode": "Strict"}));
    assert!(told.contains("Istio ignores"), "{told}");
}

/// No mode is rendered, so that no object is replaced: what is not known, or cannot be said, is never
/// the widest.
#[test]
fn what_exceptions_cannot_say_leaves_the_mode_to_the_cluster() {
    let workload = "{selector: {matchLabels: {app: a}}, mtls: {mode: PERMISSIVE}";
    let with_port = format!("{workload}, portLevelMtls: {{\"80\": {{mode: STRICT}}}}}}");
    let workload = format!("{workload}}}");
    let other = "{selector: {matchLabels: {version: v1}}, mtls: {mode: STRICT}}";
    let mixed = "{selector: {matchLabels: {app: a}}, portLevelMtls: {\"1\": {mode: DISABLE}, \"2\": {mode: PERMISSIVE}}}";
    let strict = "{selector: {matchLabels: {app: a}}, mtls: {mode: STRICT}}";
    for (objects, reason) in [
        (&[][..], "no PeerAuthentication for the whole mesh"),
        (
            &[("shop", "default", "{mtls: {mode: STRICT}}")],
            "no PeerAuthentication for the whole mesh",
        ),
        (
            &[("istio-system", "default", "{mtls: {mode: DISABLE}}")],
            "`DISABLE`",
        ),
        (
            &[STRICT, ("istio-system", "b", "{mtls: {mode: PERMISSIVE}}")],
            "takes the older one",
        ),
        (
            &[
                STRICT,
                ("shop", "a", "{}"),
                ("shop", "b", "{mtls: {mode: PERMISSIVE}}"),
            ],
            "takes the older one",
        ),
        (
            &[STRICT, ("shop", "a", &with_port)],
            "some of its ports have another mode",
        ),
        (&[STRICT, ("shop", "a", mixed)], "other modes than others"),
        (
            &[STRICT, ("shop", "a", &workload), ("shop", "b", other)],
            "may select the same pods",
        ),
        (
            &[
                STRICT,
                ("shop", "a", strict),
                ("shop", "b", "{mtls: {mode: PERMISSIVE}}"),
            ],
            "strict in a namespace that is not",
        ),
        (
            &[STRICT, ("shop", "a.b", &workload)],
            "cannot have the name `a.b`",
        ),
    ] {
        let (mtls, told) = mutual_tls(objects);
        assert_eq!(mtls, Value::Null, "{objects:?}");
        assert!(told.contains(reason), "{objects:?}: {told}");
        assert!(told.contains("`mtls.mode` is left out"), "{told}");
    }
}

#[test]
fn a_mesh_that_says_so_is_permissive() {
    for spec in ["{mtls: {mode: PERMISSIVE}}", "{}", "{selector: {}}"] {
        let (mtls, told) = mutual_tls(&[
            ("istio-system", "default", spec),
            ("shop", "default", "{mtls: {mode: STRICT}}"),
        ]);
        assert_eq!(mtls, json!({"mode": "Permissive"}), "{spec}");
        assert!(told.contains("stays in force"), "{told}");
    }
}

/// A policy of `action` with this rule, in flow style.
fn policy(action: &str, rule: &str) -> String {
    format!(
        "apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\n\
         metadata: {{name: p, namespace: foo}}\n\
         spec: {{selector: {{matchLabels: {{app: a}}}}, action: {action}, rules: [{rule}]}}\n"
    )
}

/// The rules that a rule is imported as, without ids, or what refuses it.
fn rules_at(action: &str, rule: &str, minor: &str) -> Result<Value, String> {
    let options = Options {
        istio_version: IstioVersion::parse(minor),
        ..Options::default()
    };
    let strict = "apiVersion: security.istio.io/v1\nkind: PeerAuthentication\n\
                  metadata: {name: default, namespace: istio-system}\nspec: {mtls: {mode: STRICT}}\n";
    let imported = imported(&[MESH, strict, &policy(action, rule)], &options);
    let messages = messages(&imported);
    let documents = imported.documents.ok_or(messages)?;
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
fn trust_domains_are_those_that_istio_makes_of_them() {
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
        assert!(refused.contains("does not know the field"), "{refused}");
    }
}

/// Istio matches these, and the language has nothing like them: to leave them out would close, or
/// open, what they are about.
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
                refused.contains("to Istio each `*` in a namespace is any text"),
                "{refused}"
            );
        }
        let ends = "{from: [{source: {namespaces: [\"*a\"]}}]}";
        let refused = rules(action, ends).unwrap_err();
        assert!(refused.contains("would be every namespace"), "{refused}");
        let doubled = "{from: [{source: {namespaces: [\"a**\", \"**\"]}}]}";
        let expected = json!([{"from": [{"namespaces": ["a*", "*"]}]}]);
        assert_eq!(rules(action, doubled), Ok(expected));
    }
}

#[test]
fn what_says_nothing_is_refused_and_not_everybody() {
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
        assert!(refused.contains("Istio refuses"), "{rule}: {refused}");
    }
}

/// For one malformed value Istio drops a whole `ALLOW` rule: to keep the others would allow more.
#[test]
fn a_malformed_value_is_refused_beside_good_ones() {
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

/// Without a mesh config, nothing says that another trust domain is not the mesh's.
#[test]
fn a_foreign_trust_domain_is_refused_in_denials_of_an_unknown_mesh() {
    for (action, list, is_refused) in [
        ("ALLOW", "principals", false),
        ("ALLOW", "notPrincipals", true),
        ("DENY", "principals", true),
        ("DENY", "notPrincipals", true),
    ] {
        let rule = format!("{{from: [{{source: {{{list}: [old.example/ns/a/sa/b]}}}}]}}");
        let imported = imported(&[&policy(action, &rule)], &Options::default());
        assert_eq!(imported.documents.is_none(), is_refused, "{action} {list}");
        assert!(messages(&imported).contains("`old.example"));
        assert!(
            imported
                .open
                .iter()
                .any(|open| open.contains("`cluster.local`"))
        );
    }
}

/// Istio drops an `ALLOW` rule that asks for HTTP from TCP ports, and what is left of it here asks too.
#[test]
fn what_is_left_of_a_rule_that_asks_for_http_asks_for_http() {
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
fn a_denial_by_http_alone_is_noted_for_tcp_ports() {
    let is_noted = |rule: &str| {
        let imported = imported(&[MESH, &policy("DENY", rule)], &Options::default());
        messages(&imported).contains("on TCP ports it denies all traffic")
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

/// The mesh config stands in several places.
#[test]
fn the_mesh_config_is_read_wherever_it_stands() {
    for text in [
        "meshConfig: {trustDomain: prod.example, rootNamespace: mesh}\n",
        "apiVersion: sailoperator.io/v1\nkind: Istio\nmetadata: {name: a}\n\
         spec: {values: {meshConfig: {trustDomain: prod.example, rootNamespace: mesh}}}\n",
        "apiVersion: install.istio.io/v1alpha1\nkind: IstioOperator\nmetadata: {name: a}\n\
         spec: {meshConfig: {trustDomain: prod.example, rootNamespace: mesh}}\n",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: istio}\n\
         data: {mesh: \"trustDomain: prod.example\\nrootNamespace: mesh\"}\n",
    ] {
        let spec = imported(&[text], &Options::default())
            .documents
            .unwrap()
            .mesh
            .spec;
        assert_eq!(spec.trust_domain, "prod.example", "{text}");
        assert_eq!(spec.root_namespace.as_deref(), Some("mesh"), "{text}");
    }
}

#[test]
fn options_stand_in_for_a_mesh_config_and_never_contradict_it() {
    let options = Options {
        trust_domain: Some("prod.example".to_owned()),
        root_namespace: Some("mesh".to_owned()),
        ..Options::default()
    };
    let without = imported(&[&policy("ALLOW", "{}")], &options);
    assert!(
        !without
            .open
            .iter()
            .any(|open| open.contains("cluster.local"))
    );
    let spec = without.documents.unwrap().mesh.spec;
    assert_eq!(
        (spec.trust_domain.as_str(), spec.root_namespace.as_deref()),
        ("prod.example", Some("mesh"))
    );
    let beside = imported(&[MESH], &options);
    assert!(beside.documents.is_none());
    assert!(messages(&beside).contains("`trustDomain` of the mesh config is `td1`"));
}

/// The sources of the rules that a policy at a gateway becomes, and what is reported.
fn at_gateway(action: &str, rule: &str, version: &str) -> (Value, String) {
    let policy = format!(
        "apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\n\
         metadata: {{name: p, namespace: edge}}\n\
         spec: {{selector: {{matchLabels: {{istio: ingressgateway}}}}, action: {action}, rules: [{rule}]}}\n"
    );
    let strict = "apiVersion: security.istio.io/v1\nkind: PeerAuthentication\n\
                  metadata: {name: default, namespace: istio-system}\nspec: {mtls: {mode: STRICT}}\n";
    let options = Options {
        istio_version: IstioVersion::parse(version),
        ..Options::default()
    };
    let imported = imported(&[MESH, &policy, strict], &options);
    let messages = messages(&imported);
    let Some(documents) = imported.documents else {
        return (Value::Null, messages);
    };
    let rules = documents.policies[0].document.spec.rules.iter();
    let sources = rules.map(|rule| serde_json::to_value(&rule.from).unwrap());
    (sources.collect(), messages)
}

fn from(source: &str) -> String {
    format!("{{from: [{{source: {{{source}}}}}]}}")
}

#[test]
fn a_gateway_lets_in_the_certificates_from_outside_the_mesh_that_istio_does() {
    let anonymous = json!([{"anonymous": true}]);
    let any = json!([{"clientCertificates": ["*"]}]);
    let of_partner = json!([{"clientCertificates": ["uri:spiffe://partner.example/ns/a/sa/b"]}]);
    let partner = "partner.example/ns/a/sa/b";
    let by_ip = |more: &Value| {
        let mut source = more[0].clone();
        source["remoteIpBlocks"] = json!(["10.0.0.0/8"]);
        json!([source])
    };
    let mesh = json!([{"remoteIpBlocks": ["10.0.0.0/8"]}]);
    for (rule, expected) in [
        // Mutual TLS modes do not apply to clients of gateways.
        ("{}".to_owned(), json!([null, anonymous, any])),
        (
            from("remoteIpBlocks: [10.0.0.0/8]"),
            json!([mesh, by_ip(&anonymous), by_ip(&any)]),
        ),
        (
            from("principals: [\"*\"]"),
            json!([[{"principals": ["*"]}], any]),
        ),
        (from("notPrincipals: [\"*\"]"), json!([anonymous])),
        (
            from("notPrincipals: [td1/ns/a/sa/x]"),
            json!([[{"notPrincipals": ["td1/ns/a/sa/x"]}], anonymous, any]),
        ),
        (
            from("principals: [td1/ns/a/sa/x]"),
            json!([[{"principals": ["td1/ns/a/sa/x"]}]]),
        ),
        (
            from(&format!("principals: [{partner}]")),
            json!([of_partner]),
        ),
        (
            from("principals: [td1/ns/a/sa/x, partner.example/*]"),
            json!([
                [{"principals": ["td1/ns/a/sa/x"]}],
                [{"clientCertificates": ["uri:spiffe://partner.example/*"]}],
            ]),
        ),
        (
            from("trustDomains: [partner.example]"),
            json!([[{"clientCertificates": ["uri:spiffe://partner.example/*"]}]]),
        ),
        (
            format!("{{when: [{{key: source.principal, values: [{partner}]}}]}}"),
            json!([of_partner]),
        ),
        (
            "{when: [{key: source.principal, values: [\"*\"]}]}".to_owned(),
            json!([null, any]),
        ),
    ] {
        assert_eq!(
            at_gateway("ALLOW", &rule, "1.31"),
            (expected, String::new()),
            "{rule}"
        );
    }
    let excluded = from(&format!("notPrincipals: [{partner}]"));
    let (sources, _) = at_gateway("ALLOW", &excluded, "1.31");
    let others = json!([{
        "clientCertificates": ["*"],
        "notClientCertificates": ["uri:spiffe://partner.example/ns/a/sa/b"],
    }]);
    assert_eq!(sources[2], others, "{sources}");
}

#[test]
fn a_gateway_denies_the_certificates_from_outside_the_mesh_that_istio_does() {
    let any = json!([{"clientCertificates": ["*"]}]);
    for (rule, expected) in [
        ("{}".to_owned(), json!([null])),
        (
            from("principals: [\"*\"]"),
            json!([[{"principals": ["*"]}], any]),
        ),
        (
            from("principals: [partner.example/*]"),
            json!([[{"clientCertificates": ["uri:spiffe://partner.example/*"]}]]),
        ),
        // Callers without a certificate.
        (
            from("notPrincipals: [\"*\"]"),
            json!([[{"anonymous": true}]]),
        ),
        (
            from("notPrincipals: [td1/ns/a/sa/x]"),
            json!([[{"notPrincipals": ["td1/ns/a/sa/x"]}]]),
        ),
        (
            from("notPrincipals: [partner.example/*]"),
            json!([[{"notClientCertificates": ["uri:spiffe://partner.example/*"]}]]),
        ),
    ] {
        let (sources, messages) = at_gateway("DENY", &rule, "1.31");
        assert_eq!((sources, &*messages), (expected, ""), "{rule}");
    }
}

#[test]
fn what_cannot_be_said_of_certificates_at_a_gateway_is_reported_or_refused() {
    for (action, rule, version, is_refused, message) in [
        (
            "DENY",
            from("namespaces: [a]"),
            "1.31",
            true,
            "name their trust domains in `principals`",
        ),
        (
            "DENY",
            from("principals: [\"*/sa/x\"]"),
            "1.31",
            true,
            "name their trust domains",
        ),
        (
            "DENY",
            from("trustDomains: [\"*\"]"),
            "1.31",
            true,
            "name their trust domains",
        ),
        (
            "ALLOW",
            from("namespaces: [a]"),
            "1.31",
            false,
            "Name those that you expect",
        ),
        (
            "ALLOW",
            from("notNamespaces: [a]"),
            "1.31",
            false,
            "Name those that you expect",
        ),
        (
            "DENY",
            from("notNamespaces: [a]"),
            "1.31",
            false,
            "are not exempt",
        ),
        (
            "DENY",
            from("notPrincipals: [td1/ns/a/sa/x, partner.example/*]"),
            "1.31",
            false,
            "Write a rule for each",
        ),
        (
            "DENY",
            "{when: [{key: source.principal, notValues: [partner.example/*]}]}".to_owned(),
            "1.31",
            false,
            "are not exempt",
        ),
        (
            "ALLOW",
            from("principals: [\"*\"]"),
            "1.29",
            false,
            "before Istio 1.30",
        ),
    ] {
        let (sources, messages) = at_gateway(action, &rule, version);
        assert_eq!(sources.is_null(), is_refused, "{action} {rule}: {messages}");
        assert!(messages.contains(message), "{action} {rule}: {messages}");
        assert!(
            !sources.to_string().contains("ertificates"),
            "{action} {rule}: {sources}"
        );
    }
}

#[test]
fn a_policy_for_gateways_and_other_workloads_says_what_it_closes() {
    let policy = |namespace: &str, spec: &str| {
        format!(
            "apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\n\
             metadata: {{name: p{}, namespace: {namespace}}}\nspec: {spec}\n",
            spec.len()
        )
    };
    let gateway = policy(
        "edge",
        "{selector: {matchLabels: {istio: ingressgateway}}, action: DENY}",
    );
    let open = "{rules: [{to: [{operation: {paths: [/a]}}]}]}";
    let deny = "{action: DENY, rules: [{to: [{operation: {paths: [/a], ports: [\"80\"]}}]}]}";
    let closed = "{rules: [{from: [{source: {principals: [td1/ns/a/sa/x]}}]}]}";
    for (namespace, spec, is_reported) in [
        ("istio-system", open, true),
        ("istio-system", deny, true),
        ("istio-system", closed, false),
        ("edge", open, true),
        ("shop", open, false),
    ] {
        let texts = [MESH, &gateway, &policy(namespace, spec)];
        let told = messages(&imported(&texts, &Options::default()));
        assert_eq!(
            told.contains("is for gateways too"),
            is_reported,
            "{namespace} {spec}: {told}"
        );
    }
}

#[test]
fn what_matches_more_than_in_istio_is_said_once_for_each_kind() {
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
    let headers = "header values that stop a request match more";
    let hosts = "hosts that stop a request match more";
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

/// As the API server returns them: the items do not repeat the kind of their list.
#[test]
fn items_of_typed_lists_are_imported() {
    let policies = "apiVersion: security.istio.io/v1
kind: AuthorizationPolicyList
items:
- metadata: {name: a, namespace: shop}
  spec: {action: DENY, rules: [{}]}
";
    let modes = "apiVersion: security.istio.io/v1
kind: PeerAuthenticationList
items:
- metadata: {name: default, namespace: istio-system}
  spec: {mtls: {mode: STRICT}}
";
    let nested = format!(
        "apiVersion: v1\nkind: List\nitems:\n-\n{}",
        policies
            .replace('\n', "\n  ")
            .replacen("apiVersion", "  apiVersion", 1)
    );
    for policies in [policies, &nested] {
        let imported = imported(&[MESH, policies, modes], &Options::default());
        let documents = imported.documents.as_ref().expect("they are imported");
        assert_eq!(documents.policies.len(), 1, "{}", messages(&imported));
        let mesh = serde_json::to_value(&documents.mesh).unwrap();
        assert_eq!(mesh["spec"]["mtls"]["mode"], "Strict");
    }
}

#[test]
fn what_cannot_be_understood_as_an_object_is_refused() {
    for text in [
        "metadata: {name: a}\nspec: {rules: [{}]}\n",
        "apiVersion: v1\nkind: List\nitems: [{metadata: {name: a}, spec: {}}]\n",
        "[{apiVersion: security.istio.io/v1, kind: AuthorizationPolicy}]\n",
    ] {
        let imported = imported(&[MESH, text], &Options::default());
        assert!(imported.documents.is_none(), "{text}");
    }
}
