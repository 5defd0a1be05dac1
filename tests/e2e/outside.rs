//! Callers from outside the mesh at a gateway that requires client certificates: the filter and
//! Envoy's RBAC, both rendered from one policy.

use peergate_sandbox::{Client, INBOUND_STRICT, Identity, Leaf, Request, Response};
use policy_schema::diagnostic::SourceText;
use policy_schema::envoy::rbac::http_filters;
use policy_schema::istio::authorization_policies;
use policy_schema::timestamp::Timestamp;
use policy_schema::validate::{Options, validate};

use crate::mesh::{Mesh, WEB, assert_allowed, assert_denied, http_filter};

const GATEWAY: &str = "router~127.0.0.1~gateway-0.edge~edge.svc.cluster.local";

const POLICY: &str = r#"
apiVersion: peergate.dev/v1alpha1
kind: Mesh
metadata: {name: test}
spec:
  trustDomain: cluster.local
  istioVersion: "1.30"
  filter: {image: "file:///peergate_filter.wasm"}
  gateways:
    - name: partners
      namespace: edge
      selector: {matchLabels: {istio: partners}}
      serviceAccount: gateway
      servers: [{hosts: [partners.example.com], tls: {secret: partners, mode: Mutual}}]
---
apiVersion: peergate.dev/v1alpha1
kind: ServicePolicy
metadata: {name: partners, namespace: edge}
spec:
  selector: {matchLabels: {istio: partners}}
  rules:
    - id: by-dns-name
      effect: Allow
      from: [{clientCertificates: ["dns:*.partner.example"]}]
      to: [{paths: [/orders]}]
    - id: by-uri
      effect: Allow
      from: [{clientCertificates: ["uri:https://partner.example/7", "uri:spiffe://partner.example/*"]}]
      to: [{paths: [/orders]}]
    - id: by-subject
      effect: Allow
      from: [{clientCertificates: ["subject:CN=client-7,O=Partner"]}]
      to: [{paths: [/orders]}]
    - id: web
      effect: Allow
      from: [{principals: [cluster.local/ns/shop/sa/web]}]
      to: [{paths: [/orders]}]
    - id: every-partner
      effect: Allow
      from: [{clientCertificates: ["*"]}]
      to: [{paths: [/status]}]
    - id: not-this-one
      effect: Deny
      from: [{clientCertificates: ["dns:banned.partner.example"]}]
"#;

/// Whether RBAC runs before the filter, as in Istio, or is omitted.
#[derive(Clone, Copy, PartialEq)]
enum Rbac {
    Before,
    None,
}

fn gateway(rbac: Rbac) -> Mesh {
    let source = SourceText {
        name: "policy.yaml".to_owned(),
        text: POLICY.to_owned(),
    };
    let options = Options {
        at: Timestamp::parse("2026-06-01T00:00:00Z").unwrap(),
        istio_version: None,
    };
    let validated = validate(&[source], options);
    assert_eq!(validated.diagnostics, []);
    let set = validated.policies.unwrap();
    let policy = set.policy("edge", "partners").unwrap();
    let mut filters = Vec::new();
    if rbac == Rbac::Before {
        let objects = authorization_policies(&set.rollout(policy));
        for filter in http_filters(&objects, set.mesh().trust_domains()) {
            filters.push(serde_json::to_value(filter).unwrap());
        }
    }
    let config = set.plugin_config(policy);
    filters.push(http_filter(serde_json::to_string(&config).unwrap()));
    Mesh::run_with(
        |sidecar, _| sidecar.http_filters = filters,
        |bootstrap| bootstrap["node"]["id"] = GATEWAY.into(),
    )
}

fn client(mesh: &Mesh, identity: &Identity) -> Client {
    let client = mesh.at(INBOUND_STRICT);
    client.tls(&mesh.authority, Some(identity)).unwrap()
}

fn get(mesh: &Mesh, leaf: &Leaf, path: &str) -> Response {
    let identity = mesh.authority.issue(leaf).unwrap();
    client(mesh, &identity).send(&Request::get(path)).unwrap()
}

fn named(dns: &[&str], uris: &[&str], subject: &[(&str, &str)]) -> Leaf {
    let pair = |(kind, value): &(&str, &str)| ((*kind).to_owned(), (*value).to_owned());
    Leaf {
        dns_sans: dns.iter().map(ToString::to_string).collect(),
        subject: subject.iter().map(pair).collect(),
        ..Leaf::uris(uris.iter().copied())
    }
}

#[test]
fn allows_partners_by_dns_name_uri_and_subject() {
    for rbac in [Rbac::None, Rbac::Before] {
        let mesh = gateway(rbac);
        for leaf in [
            named(&["client-7.partner.example"], &[], &[]),
            named(&["other.example", "a.partner.example"], &[], &[("CN", "x")]),
            named(&[], &["https://partner.example/7"], &[]),
            named(&[], &["spiffe://partner.example/ns/a/sa/b"], &[]),
            named(&[], &[], &[("O", "Partner"), ("CN", "client-7")]),
        ] {
            assert_allowed(&get(&mesh, &leaf, "/orders"));
            assert_allowed(&get(&mesh, &leaf, "/status"));
        }
    }
}

#[test]
fn allows_other_partners_only_by_wildcard() {
    for rbac in [Rbac::None, Rbac::Before] {
        let mesh = gateway(rbac);
        for leaf in [
            named(&["partner.example"], &[], &[]),
            named(&["evilpartner.example"], &[], &[]),
            named(&[], &["https://partner.example/8"], &[]),
            named(&[], &["spiffe://other.example/ns/a/sa/b"], &[]),
            named(&[], &[], &[("O", "Partner"), ("CN", "client-8")]),
            // Names of one kind that look like another.
            named(&[], &[], &[("CN", "client-7.partner.example")]),
            named(&[], &["https://client-7.partner.example"], &[]),
        ] {
            assert_denied(&get(&mesh, &leaf, "/orders"), "no-rule-matched");
            assert_allowed(&get(&mesh, &leaf, "/status"));
        }
    }
}

#[test]
fn denies_a_partner_despite_allow_rules() {
    let mesh = gateway(Rbac::None);
    let leaf = named(
        &["banned.partner.example", "client-7.partner.example"],
        &[],
        &[],
    );
    assert_denied(&get(&mesh, &leaf, "/orders"), "denied-by-rule");
}

#[test]
fn mesh_identities_are_not_partners() {
    for rbac in [Rbac::None, Rbac::Before] {
        let mesh = gateway(rbac);
        let web = named(&["client-7.partner.example"], &[WEB], &[]);
        assert_allowed(&get(&mesh, &web, "/orders"));
        let mesh_only = get(&mesh, &Leaf::uris([WEB]), "/status");
        assert_eq!(mesh_only.status, 403, "{mesh_only:?}");
    }
    let mesh = gateway(Rbac::None);
    let ads = named(
        &["client-7.partner.example"],
        &["spiffe://cluster.local/ns/shop/sa/ads"],
        &[],
    );
    assert_denied(&get(&mesh, &ads, "/orders"), "no-rule-matched");
}

#[test]
fn rejects_certificates_that_resemble_mesh_identities() {
    let mesh = gateway(Rbac::None);
    for leaf in [
        named(&[], &[WEB, "https://partner.example/7"], &[]),
        named(&[], &["https://partner.example/7", WEB], &[]),
        named(&[], &["https://partner.example/7", ""], &[]),
        // Another spelling of a name that a rule may exclude.
        named(&["client-7.partner.example."], &[], &[]),
        // A certificate without names that a rule could match.
        named(&[], &[], &[]),
        Leaf {
            email_sans: vec!["client-7@partner.example".to_owned()],
            ip_sans: vec![[10, 0, 0, 1].into()],
            ..Leaf::default()
        },
    ] {
        assert_denied(&get(&mesh, &leaf, "/status"), "malformed-identity");
    }
    let spelt = named(&[WEB], &[], &[]);
    let response = get(&mesh, &spelt, "/status");
    assert_eq!(response.status, 403, "{response:?}");
}
