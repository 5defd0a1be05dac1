//! Every kind of caller.

use peergate_sandbox::{
    Authority, INBOUND_OPTIONAL_TLS, INBOUND_PERMISSIVE, INBOUND_STRICT, Leaf, Request,
};

use crate::mesh::{Mesh, WEB, assert_allowed, assert_denied, assert_denied_throughout};

#[test]
fn allows_the_right_identity() {
    let mesh = Mesh::start();
    let response = mesh.client_as(WEB).send(&Request::get("/orders/17?full=1"));
    let received = response.unwrap().received().unwrap();
    assert_eq!(
        (&*received.method, &*received.path),
        ("GET", "/orders/17?full=1")
    );
}

#[test]
fn allows_the_right_identity_in_a_trust_domain_alias() {
    let mesh = Mesh::start();
    let client = mesh.client_as("spiffe://old.example/ns/shop/sa/web");
    assert_allowed(&client.send(&Request::get("/orders")).unwrap());
}

#[test]
fn a_wrong_identity_is_denied() {
    let mesh = Mesh::start();
    let client = mesh.client_as("spiffe://cluster.local/ns/shop/sa/ads");
    assert_denied(
        &client.send(&Request::get("/orders")).unwrap(),
        "no-rule-matched",
    );
    assert_eq!(mesh.upstream.requests(), 0);
}

#[test]
fn the_same_name_in_another_namespace_is_denied() {
    let mesh = Mesh::start();
    let client = mesh.client_as("spiffe://cluster.local/ns/shop2/sa/web");
    assert_denied(
        &client.send(&Request::get("/orders")).unwrap(),
        "no-rule-matched",
    );
}

#[test]
fn another_trust_domain_is_denied() {
    let mesh = Mesh::start();
    let client = mesh.client_as("spiffe://evil.example/ns/shop/sa/web");
    assert_denied(
        &client.send(&Request::get("/orders")).unwrap(),
        "foreign-trust-domain",
    );
}

#[test]
fn the_trust_domain_in_upper_case_is_denied() {
    let mesh = Mesh::start();
    let client = mesh.client_as("spiffe://CLUSTER.LOCAL/ns/shop/sa/web");
    assert_denied(
        &client.send(&Request::get("/orders")).unwrap(),
        "malformed-identity",
    );
}

#[test]
fn rejects_a_foreign_root_in_the_handshake() {
    let mesh = Mesh::start();
    let foreign = Authority::new().unwrap().issue(&Leaf::spiffe(WEB)).unwrap();
    let error = mesh
        .client(&foreign)
        .send(&Request::get("/orders"))
        .unwrap_err();
    assert!(error.is_refused(), "{error}");
    mesh.assert_still_serves();
}

#[test]
fn rejects_plaintext_with_strict_mtls() {
    let mesh = Mesh::start();
    let error = mesh
        .at(INBOUND_STRICT)
        .send(&Request::get("/status"))
        .unwrap_err();
    assert!(error.is_refused(), "{error}");
}

#[test]
fn denies_plaintext_with_permissive_mtls() {
    let mesh = Mesh::start();
    let response = mesh.at(INBOUND_PERMISSIVE).send(&Request::get("/orders"));
    assert_denied(&response.unwrap(), "no-identity");
}

#[test]
fn allows_plaintext_for_anonymous_rules() {
    let mesh = Mesh::start();
    let client = mesh.plaintext_client();
    assert_allowed(&client.send(&Request::get("/status")).unwrap());
    assert_denied(
        &client.send(&Request::new("POST", "/status")).unwrap(),
        "no-identity",
    );
}

#[test]
fn anonymous_rules_do_not_match_identities() {
    let mesh = Mesh::start();
    let response = mesh.client_as(WEB).send(&Request::get("/status")).unwrap();
    assert_denied(&response, "no-rule-matched");
}

#[test]
fn rejects_a_missing_certificate_with_strict_mtls() {
    let mesh = Mesh::start();
    let client = mesh.at(INBOUND_STRICT).tls(&mesh.authority, None).unwrap();
    let error = client.send(&Request::get("/status")).unwrap_err();
    assert!(error.is_refused(), "{error}");
}

#[test]
fn denies_a_missing_certificate_with_optional_mtls() {
    let mesh = Mesh::start();
    let client = mesh.client_without_certificate();
    assert_denied(
        &client.send(&Request::get("/orders")).unwrap(),
        "no-identity",
    );
}

#[test]
fn accepts_a_certificate_with_optional_mtls() {
    let mesh = Mesh::start();
    let web = mesh.identity([WEB]);
    let client = mesh
        .at(INBOUND_OPTIONAL_TLS)
        .tls(&mesh.authority, Some(&web))
        .unwrap();
    assert_allowed(&client.send(&Request::get("/orders")).unwrap());
}

#[test]
fn a_certificate_without_any_name_is_malformed_and_not_anonymous() {
    let mesh = Mesh::start();
    let client = mesh.client(&mesh.authority.issue(&Leaf::default()).unwrap());
    let response = client.send(&Request::get("/status")).unwrap();
    assert_denied(&response, "malformed-identity");
}

#[test]
fn a_certificate_with_other_names_than_a_uri_is_malformed_and_not_anonymous() {
    let mesh = Mesh::start();
    let dns = Leaf {
        dns_sans: vec!["web.shop.svc".to_owned()],
        ..Leaf::default()
    };
    let subject = Leaf {
        subject: vec![("CN".to_owned(), "web".to_owned())],
        ..Leaf::default()
    };
    for leaf in [dns, subject] {
        let client = mesh.client(&mesh.authority.issue(&leaf).unwrap());
        let response = client.send(&Request::get("/status")).unwrap();
        assert_denied(&response, "malformed-identity");
    }
}

#[test]
fn several_uri_names_in_a_certificate_are_no_identity() {
    let mesh = Mesh::start();
    let admin = "spiffe://cluster.local/ns/shop/sa/admin";
    for names in [
        [WEB, admin],
        [admin, WEB],
        [WEB, WEB],
        [WEB, "https://example.com"],
    ] {
        let client = mesh.client(&mesh.identity(names));
        let mut connection = client.connect().unwrap();
        assert_denied_throughout(
            &mut connection,
            &Request::get("/orders"),
            "malformed-identity",
        );
    }
    mesh.assert_still_serves();
}

#[test]
fn an_empty_uri_name_is_malformed_and_not_anonymous() {
    let mesh = Mesh::start();
    for names in [&[""][..], &["", WEB], &[WEB, ""], &["", ""]] {
        let client = mesh.client(&mesh.identity(names.iter().copied()));
        let response = client.send(&Request::get("/status")).unwrap();
        assert_denied(&response, "malformed-identity");
    }
}

#[test]
fn names_that_are_no_spiffe_ids_are_no_identity() {
    let mesh = Mesh::start();
    let names = [
        "https://cluster.local/ns/shop/sa/web",
        "spiffe://cluster.local",
        "spiffe://cluster.local/",
        "spiffe://cluster.local/ns/shop/sa/web/",
        "spiffe://cluster.local/ns/shop/../shop/sa/web",
        "spiffe://cluster.local//ns/shop/sa/web",
        "spiffe://cluster.local/ns/shop/sa/web?admin",
        "spiffe://cluster.local/ns/shop/sa/web,spiffe://cluster.local/ns/shop/sa/web",
        "spiffe://cluster.local/ns/shop/sa/%77eb",
        "SPIFFE://cluster.local/ns/shop/sa/web",
        "spiffe://cluster.local:443/ns/shop/sa/web",
        "urn:web",
    ];
    for name in names {
        let response = mesh.client_as(name).send(&Request::get("/orders")).unwrap();
        assert_denied(&response, "malformed-identity");
    }
    mesh.assert_still_serves();
}

#[test]
fn a_waypoint_uses_the_identity_of_the_outer_connection() {
    let mesh = Mesh::in_waypoint(WEB);
    let client = mesh.plaintext_client();
    assert_allowed(&client.send(&Request::get("/orders")).unwrap());
    assert_denied(
        &client.send(&Request::get("/admin")).unwrap(),
        "no-rule-matched",
    );
}

#[test]
fn a_waypoint_accepts_only_one_spiffe_id() {
    for left_behind in [&format!("{WEB},{WEB}"), "-", "web"] {
        let mesh = Mesh::in_waypoint(left_behind);
        let response = mesh.plaintext_client().send(&Request::get("/status"));
        assert_denied(&response.unwrap(), "malformed-identity");
    }
}

#[test]
fn a_certificate_overrides_the_filter_state() {
    let mesh = Mesh::in_waypoint(WEB);
    let ads = mesh.client_as("spiffe://cluster.local/ns/shop/sa/ads");
    assert_denied(
        &ads.send(&Request::get("/orders")).unwrap(),
        "no-rule-matched",
    );
}
