//! Policies at gateways, where clients come from outside the mesh.

use policy_schema::import::Options;
use policy_schema::policy::IstioVersion;
use serde_json::{Value, json};

use super::{MESH, imported, messages, whole};

/// The sources of the imported rules of a policy at a gateway, and the findings.
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
    let Some(documents) = whole(imported) else {
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
fn a_gateway_allows_the_same_external_certificates_as_istio() {
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
        // Modes of mutual TLS do not apply to clients of gateways.
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
fn a_gateway_denies_the_same_external_certificates_as_istio() {
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
fn reports_or_refuses_inexpressible_certificates_at_a_gateway() {
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
            "but this policy does not",
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
            "but this policy does not",
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
fn reports_gateway_clients_that_a_mixed_policy_denies() {
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
        let findings = messages(&imported(&texts, &Options::default()));
        assert_eq!(
            findings.contains("also applies to gateways"),
            is_reported,
            "{namespace} {spec}: {findings}"
        );
    }
}
