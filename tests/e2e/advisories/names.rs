//! Names in certificates that are truncated, in the wrong field, or read as patterns.

use peergate_sandbox::{INBOUND_STRICT, Leaf, Request};

use super::{EnforcementPoints, Protocol, client, filters};
use crate::mesh::{Mesh, WEB, http_filter, plugin_config};

const ALLOW: &str = "{id: web, effect: Allow, from: [{serviceAccounts: [web]}]}";
const ANY_CALLER: &str = "{id: any-caller, effect: Allow, from: [{anonymous: true}, {notPrincipals: [cluster.local/ns/shop/sa/ads]}]}";

/// A certificate with only these DNS names.
fn dns(names: &[&str]) -> Leaf {
    Leaf {
        dns_sans: names.iter().map(ToString::to_string).collect(),
        ..Leaf::default()
    }
}

#[test]
fn cve_2026_47778_a_nul_does_not_end_a_name() {
    let planes = EnforcementPoints::enforcing(&[ALLOW]);
    planes.assert_caller_gets(200, &Leaf::spiffe(WEB));
    for end in ["\0", "\0.evil", "\0/sa/evil"] {
        let name = format!("{WEB}{end}");
        planes.assert_caller_gets(403, &Leaf::spiffe(&name));
        planes.assert_caller_gets(403, &dns(&[&name]));
        let beside_another = Leaf {
            dns_sans: vec![name],
            ..Leaf::spiffe("spiffe://cluster.local/ns/shop/sa/ads")
        };
        planes.assert_caller_gets(403, &beside_another);
    }
    planes.assert_caller_gets(403, &Leaf::spiffe(&format!("\0{WEB}")));
}

#[test]
fn cve_2026_47778_a_name_with_a_nul_does_not_pass_a_deny() {
    let deny = "{id: evil, effect: Deny, from: [{notServiceAccounts: [web]}]}";
    let planes = EnforcementPoints::enforcing(&["{id: all, effect: Allow}", deny]);
    planes.assert_caller_gets(200, &Leaf::spiffe(WEB));
    planes.assert_caller_gets(403, &Leaf::spiffe(&format!("{WEB}\0.evil")));
    planes.assert_caller_gets(
        403,
        &Leaf::spiffe("spiffe://cluster.local/ns/shop/sa/we\0b"),
    );
}

#[test]
fn cve_2025_66220_an_other_name_is_no_identity_with_or_without_a_nul() {
    let planes = EnforcementPoints::enforcing(&[ALLOW]);
    for name in [WEB.to_owned(), format!("{WEB}\0"), format!("{WEB}\0.evil")] {
        let only = Leaf {
            other_names: vec![name],
            ..Leaf::default()
        };
        planes.assert_caller_gets(403, &only);
        let beside_another = Leaf {
            uri_sans: vec!["spiffe://cluster.local/ns/shop/sa/ads".to_owned()],
            ..only.clone()
        };
        planes.assert_caller_gets(403, &beside_another);
        let beside_web = Leaf {
            uri_sans: vec![WEB.to_owned()],
            ..only
        };
        planes.assert_caller_gets(200, &beside_web);
    }
}

#[test]
fn grpc_go_9111_a_subject_is_no_identity() {
    let planes = EnforcementPoints::enforcing(&[ALLOW]);
    for name in [WEB, "cluster.local/ns/shop/sa/web", "web"] {
        let only = Leaf {
            subject: vec![("CN".to_owned(), name.to_owned())],
            ..Leaf::default()
        };
        planes.assert_caller_gets(403, &only);
        let beside_another = Leaf {
            uri_sans: vec!["spiffe://cluster.local/ns/shop/sa/ads".to_owned()],
            ..only
        };
        planes.assert_caller_gets(403, &beside_another);
    }
}

/// Only RBAC reads the DNS name as an identity. In Istio, the handshake rejects it.
#[test]
fn grpc_go_9111_a_dns_name_is_no_identity() {
    let planes = EnforcementPoints::enforcing(&[ALLOW]);
    planes.assert_caller_gets(403, &dns(&["cluster.local/ns/shop/sa/web"]));
    planes.assert_caller_gets(403, &dns(&["web.shop.svc", "x.spiffe://cluster.local"]));
    let caller = Some(dns(&[WEB]));
    let statuses = planes.statuses(caller.as_ref(), Protocol::Http1, &Request::get("/"));
    assert_eq!(
        statuses,
        [403, 200],
        "docs/language.md lists the difference"
    );

    let (_, rbac) = filters(&[ALLOW]);
    let istio = Mesh::where_names_are_required(rbac, &["cluster.local"]);
    let error = client(&istio, caller.as_ref()).send(&Request::get("/"));
    assert!(error.unwrap_err().is_refused());
    let web = client(&istio, Some(&Leaf::spiffe(WEB)));
    assert_eq!(web.send(&Request::get("/")).unwrap().status, 200);
}

#[test]
fn grpc_go_9111_other_names_are_not_anonymous() {
    let planes = EnforcementPoints::enforcing(&[ANY_CALLER]);
    let named = [
        dns(&["web.shop.svc"]),
        dns(&["web.shop.svc", "web"]),
        Leaf {
            subject: vec![("CN".to_owned(), "web".to_owned())],
            ..Leaf::default()
        },
        Leaf {
            email_sans: vec!["web@shop".to_owned()],
            ..dns(&["web.shop.svc"])
        },
    ];
    for caller in &named {
        planes.assert_caller_gets(403, caller);
    }
    let without_names = [
        Leaf::default(),
        Leaf {
            email_sans: vec!["web@shop".to_owned()],
            ip_sans: vec![[10, 0, 0, 1].into()],
            ..Leaf::default()
        },
    ];
    for caller in without_names {
        let statuses = planes.statuses(Some(&caller), Protocol::Http1, &Request::get("/"));
        assert_eq!(
            statuses,
            [403, 200],
            "docs/language.md lists the difference"
        );
    }
    let statuses = planes.statuses(None, Protocol::Http1, &Request::get("/"));
    assert_eq!(statuses, [200; 2]);
}

/// A source, a caller that it matches, and one that it would match if a dot were a wildcard.
const DOTS: [(&str, &str, &str); 7] = [
    (
        "serviceAccounts: [shop/w.b]",
        "ns/shop/sa/w.b",
        "ns/shop/sa/wxb",
    ),
    (
        "principals: [cluster.local/ns/shop/sa/w.b]",
        "ns/shop/sa/w.b",
        "ns/shop/sa/wxb",
    ),
    (
        "principals: [\"cluster.local/ns/shop/sa/w.b*\"]",
        "ns/shop/sa/w.b-7",
        "ns/shop/sa/wxb-7",
    ),
    (
        "principals: [\"*/sa/w.b\"]",
        "ns/any/sa/w.b",
        "ns/any/sa/wxb",
    ),
    ("principals: [\"*.b\"]", "ns/any/sa/w.b", "ns/any/sa/wxb"),
    (
        "namespaces: [\"*op\"], principals: [\"*/sa/w.b\"]",
        "ns/shop/sa/w.b",
        "ns/shop/sa/wxb",
    ),
    (
        "trustDomains: [\"cluster.*\"], serviceAccounts: [shop/w.b]",
        "ns/shop/sa/w.b",
        "ns/shop/sa/wxb",
    ),
];

/// Both points with a rule for each of the sources, whose path is its number.
fn with_dots(effect: &str, others: &[&str]) -> EnforcementPoints {
    let rules = DOTS.iter().enumerate().map(|(number, (source, ..))| {
        format!(
            "{{id: r{number}, effect: {effect}, from: [{{{source}}}], to: [{{paths: [/{number}]}}]}}"
        )
    });
    let rules: Vec<_> = rules.collect();
    let rules: Vec<_> = rules.iter().map(String::as_str).collect();
    EnforcementPoints::enforcing(&[others, &rules].concat())
}

/// Asserts the status of both points for this caller, in the service's trust domain, at the path of
/// a source.
fn assert_dots(planes: &EnforcementPoints, number: usize, caller: &str, status: u16) {
    let caller = Leaf::spiffe(&format!("spiffe://cluster.local/{caller}"));
    let request = Request::get(&format!("/{number}"));
    let statuses = planes.statuses(Some(&caller), Protocol::Http1, &request);
    assert_eq!(statuses, [status; 2], "{caller:?}: {request:?}");
}

#[test]
fn cve_2026_39350_and_istio_59992_dots_in_names_are_dots() {
    let planes = with_dots("Allow", &[]);
    for (number, (_, caller, near_miss)) in DOTS.into_iter().enumerate() {
        assert_dots(&planes, number, caller, 200);
        assert_dots(&planes, number, near_miss, 403);
        let foreign = Leaf::spiffe(&format!("spiffe://cluster-local/{caller}"));
        planes.assert_caller_gets(403, &foreign);
    }
}

#[test]
fn cve_2026_39350_and_istio_59992_dots_in_names_of_a_deny_are_dots() {
    let planes = with_dots("Deny", &["{id: all, effect: Allow}"]);
    for (number, (_, caller, near_miss)) in DOTS.into_iter().enumerate() {
        assert_dots(&planes, number, caller, 403);
        assert_dots(&planes, number, near_miss, 200);
    }
}

#[test]
fn the_filter_denies_names_like_ids_with_a_reason() {
    let mesh = Mesh::with_filters(vec![http_filter(plugin_config(|_| {}))]);
    let identity = mesh.authority.issue(&dns(&[WEB])).unwrap();
    let client = mesh.at(INBOUND_STRICT);
    let client = client.tls(&mesh.authority, Some(&identity)).unwrap();
    let response = client.send(&Request::get("/status")).unwrap();
    crate::mesh::assert_denied(&response, "malformed-identity");
}
