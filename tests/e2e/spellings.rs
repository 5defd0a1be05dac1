//! Alternative spellings of requests that a rule denies, at the filter and at RBAC.

use peergate_sandbox::{Request, Response};
use policy_schema::envoy::rbac;
use policy_schema::istio::authorization_policies;
use policy_schema::policy::PolicySet;
use serde_json::Value;

use crate::mesh::{Mesh, WEB, http_filter, policies_of};

const ADS: &str = "spiffe://cluster.local/ns/shop/sa/ads";

const POLICY: &str = r#"
apiVersion: peergate.dev/v1alpha1
kind: Mesh
metadata: {name: test}
spec: {trustDomain: cluster.local, istioVersion: "1.31", filter: {image: "file:///peergate_filter.wasm"}}
---
apiVersion: peergate.dev/v1alpha1
kind: ServicePolicy
metadata: {name: orders, namespace: shop}
spec:
  selector: {matchLabels: {app: orders}}
  service: {ports: [{port: 80, targetPort: 8080}]}
  rules:
    - {id: web, effect: Allow, from: [{serviceAccounts: [web]}]}
    - id: ads
      effect: Allow
      from: [{serviceAccounts: [ads]}]
      to: [{paths: ["/ads/{*}"], notPaths: ["/ads/private/{**}"], notHosts: [private.shop]}]
      when: [{key: "request.headers[x-team]", values: [ads, "ads-*"], notValues: [ads-old]}]
    - {id: bots, effect: Deny, when: [{key: "request.headers[User-Agent]", values: ["evil*"]}]}
    - {id: sessions, effect: Deny, when: [{key: "request.headers[cookie]", values: ["session=evil"]}]}
    - id: tenants
      effect: Deny
      to: [{paths: ["/tenants*"]}]
      when: [{key: "request.headers[x-tenant]", notValues: [good]}]
    - {id: admin-host, effect: Deny, to: [{hosts: [admin.shop, "admin.shop:*"]}]}
    - {id: admin, effect: Deny, to: [{paths: ["/admin/{**}", "/a/{*}/b"]}]}
"#;

fn policies() -> PolicySet {
    policies_of(POLICY)
}

fn filter_of(set: &PolicySet) -> Value {
    let policy = set.policy("shop", "orders").unwrap();
    http_filter(serde_json::to_string(&set.plugin_config(policy)).unwrap())
}

fn rbac_of(set: &PolicySet) -> Vec<Value> {
    let policy = set.policy("shop", "orders").unwrap();
    let objects = authorization_policies(&set.rollout(policy));
    let filters = rbac::http_filters(&objects, set.mesh().trust_domains());
    let filters = filters
        .iter()
        .map(|filter| serde_json::to_value(filter).unwrap());
    filters.collect()
}

/// How to send a request.
enum Sent {
    Http1(Request),
    Http2(Request),
    /// These hosts, each in its own header.
    Hosts(&'static [&'static str]),
}

impl Sent {
    fn status(&self, mesh: &Mesh, caller: &str) -> u16 {
        let client = mesh.client_as(caller);
        let of = |response: Response| response.status;
        match self {
            Self::Http1(request) => of(client.send(request).unwrap()),
            Self::Http2(request) => of(client.http2().send(request).unwrap()),
            Self::Hosts(hosts) => {
                let hosts = hosts.iter().map(|host| format!("host: {host}\r\n"));
                let hosts: String = hosts.collect();
                let raw = format!("GET /orders HTTP/1.1\r\n{hosts}connection: close\r\n\r\n");
                let answer = client.send_raw(raw.as_bytes()).unwrap();
                let answer = String::from_utf8_lossy(&answer).into_owned();
                let status = answer.split_whitespace().nth(1).unwrap();
                status.parse().unwrap()
            }
        }
    }
}

fn get(path: &str, headers: &[(&str, &str)]) -> Request {
    let headers = headers.iter();
    headers.fold(Request::get(path), |request, (name, value)| {
        request.header(name, value)
    })
}

/// Each with its caller, and whether RBAC by itself denies it too.
fn denied() -> Vec<(&'static str, &'static str, Sent, bool)> {
    let orders = |headers: &[(&str, &str)]| get("/orders", headers);
    let agents = || orders(&[("user-agent", "x"), ("User-Agent", "evil/1")]);
    let tenants = |values: [&str; 2]| get("/tenants", &values.map(|value| ("x-tenant", value)));
    let team = |path, teams: &[&str]| {
        let teams = teams.iter();
        teams.fold(Request::get(path), |request, team| {
            request.header("x-team", team)
        })
    };
    let crumbs = || orders(&[("cookie", "a=b"), ("cookie", "session=evil")]);
    vec![
        (
            "plain header",
            WEB,
            Sent::Http1(orders(&[("user-agent", "evil/1")])),
            true,
        ),
        ("second header", WEB, Sent::Http1(agents()), false),
        ("second header", WEB, Sent::Http2(agents()), false),
        (
            "joined header",
            WEB,
            Sent::Http1(orders(&[("user-agent", "x , evil/1")])),
            false,
        ),
        ("cookies", WEB, Sent::Http1(crumbs()), true),
        ("cookies", WEB, Sent::Http2(crumbs()), false),
        (
            "one good value",
            WEB,
            Sent::Http1(tenants(["good", "evil"])),
            false,
        ),
        (
            "one good value",
            WEB,
            Sent::Http2(tenants(["evil", "good"])),
            false,
        ),
        (
            "joined good value",
            WEB,
            Sent::Http1(get("/tenants", &[("x-tenant", "good,evil")])),
            true,
        ),
        (
            "one allowed value",
            ADS,
            Sent::Http1(team("/ads/1", &["ads", "x"])),
            false,
        ),
        (
            "excluded value",
            ADS,
            Sent::Http1(team("/ads/1", &["ads-old"])),
            true,
        ),
        (
            "joined excluded value",
            ADS,
            Sent::Http1(team("/ads/1", &["ads-a,ads-old"])),
            false,
        ),
        (
            "excluded host",
            ADS,
            Sent::Http1(team("/ads/1", &["ads"]).authority("private.shop.")),
            true,
        ),
        ("plain host", WEB, Sent::Hosts(&["admin.shop"]), true),
        (
            "host with a port",
            WEB,
            Sent::Hosts(&["ADMIN.shop:8080"]),
            true,
        ),
        ("host with a dot", WEB, Sent::Hosts(&["admin.shop."]), true),
        (
            "host with a dot and a port",
            WEB,
            Sent::Hosts(&["admin.shop.:80"]),
            true,
        ),
        (
            "host with a dot",
            WEB,
            Sent::Http2(orders(&[]).authority("admin.shop.")),
            true,
        ),
        ("host with dots", WEB, Sent::Hosts(&["admin.shop.."]), false),
        (
            "user information",
            WEB,
            Sent::Hosts(&["x@admin.shop"]),
            false,
        ),
        (
            "percent-encoded host",
            WEB,
            Sent::Hosts(&["admin%2Eshop"]),
            false,
        ),
        (
            "percent-encoded host",
            WEB,
            Sent::Hosts(&["%61DMIN.shop%2e:80"]),
            false,
        ),
        (
            "two hosts",
            WEB,
            Sent::Hosts(&["admin.shop", "orders.shop"]),
            false,
        ),
        (
            "two hosts",
            WEB,
            Sent::Hosts(&["orders.shop", "admin.shop"]),
            false,
        ),
        (
            "plain path",
            WEB,
            Sent::Http1(Request::get("/admin/users")),
            true,
        ),
        (
            "bracket",
            WEB,
            Sent::Http1(Request::get("/admin/users[")),
            true,
        ),
        (
            "bracket",
            WEB,
            Sent::Http2(Request::get("/admin/]/x")),
            true,
        ),
        (
            "bracket in a segment",
            WEB,
            Sent::Http1(Request::get("/a/[/b")),
            false,
        ),
        (
            "bracket in an excluded path",
            ADS,
            Sent::Http1(team("/ads/[", &["ads"])),
            true,
        ),
    ]
}

/// Requests of honest clients.
fn allowed() -> Vec<(&'static str, &'static str, Sent)> {
    let orders = |headers: &[(&str, &str)]| get("/orders", headers);
    let browser = "Mozilla/5.0 (X11) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130";
    vec![
        (
            "browser",
            WEB,
            Sent::Http1(orders(&[("user-agent", browser)])),
        ),
        (
            "cookies",
            WEB,
            Sent::Http2(orders(&[("cookie", "a=b"), ("cookie", "session=1")])),
        ),
        (
            "tenant",
            WEB,
            Sent::Http1(get("/tenants", &[("x-tenant", "good")])),
        ),
        (
            "tenant twice",
            WEB,
            Sent::Http1(get(
                "/tenants",
                &[("x-tenant", "good"), ("x-tenant", "good")],
            )),
        ),
        ("host", WEB, Sent::Hosts(&["orders.shop"])),
        ("host with a dot", WEB, Sent::Hosts(&["orders.shop."])),
        // To a proxy these are two headers, but CGI and WSGI give both the same name.
        (
            "underscore in the name of a header",
            WEB,
            Sent::Http1(orders(&[("user_agent", "evil/1")])),
        ),
        ("path", WEB, Sent::Http1(Request::get("/admins/["))),
        (
            "team",
            ADS,
            Sent::Http1(get("/ads/1", &[("x-team", "ads-a")])),
        ),
    ]
}

#[test]
fn the_filter_denies_alternative_spellings() {
    let set = policies();
    let mesh = Mesh::with_filters(vec![filter_of(&set)]);
    for (what, caller, sent, _) in denied() {
        assert_eq!(sent.status(&mesh, caller), 403, "{what} of {caller}");
    }
    for (what, caller, sent) in allowed() {
        assert_eq!(sent.status(&mesh, caller), 200, "{what} of {caller}");
    }
    mesh.assert_still_serves();
}

#[test]
fn rbac_misses_only_documented_spellings() {
    let mesh = Mesh::with_filters(rbac_of(&policies()));
    for (what, caller, sent, is_seen) in denied() {
        let expected = if is_seen { 403 } else { 200 };
        assert_eq!(sent.status(&mesh, caller), expected, "{what} of {caller}");
    }
    for (what, caller, sent) in allowed() {
        assert_eq!(sent.status(&mesh, caller), 200, "{what} of {caller}");
    }
}

/// CVE-2026-73550: a `host` in addition to `:authority`.
#[test]
fn a_host_besides_authority_does_not_reach_the_workload() {
    let mesh = Mesh::with_filters(vec![filter_of(&policies())]);
    let client = mesh.client_as(WEB).http2();
    let request = |authority: &str, host: &str| {
        Request::get("/orders")
            .authority(authority)
            .header("host", host)
    };
    let response = client.send(&request("orders.shop", "admin.shop")).unwrap();
    let received = response.received().unwrap();
    let hosts: Vec<_> = received.header("host").collect();
    assert_eq!(hosts, [""; 0]);
    let denied = client.send(&request("admin.shop", "orders.shop")).unwrap();
    assert_eq!(denied.status, 403);
    mesh.assert_still_serves();
}

/// CVE-2026-73552: regular expressions that do not match invalid UTF-8, which bypasses exclusions.
#[test]
fn invalid_utf_8_does_not_bypass_exclusions() {
    let set = policies();
    let both = std::iter::once(filter_of(&set)).chain(rbac_of(&set));
    let mesh = Mesh::with_filters(both.collect());
    let web = mesh.client_as(WEB);
    for header in ["user-agent", "cookie"] {
        let value: &[u8] = if header == "cookie" {
            b"\xff; session=evil"
        } else {
            b"evil\xff"
        };
        let response = web.send(&Request::get("/orders").header(header, value));
        assert_eq!(response.unwrap().status, 403, "{header}");
    }
    let tenant = Request::get("/tenants").header("x-tenant", b"good\xff");
    assert_eq!(web.send(&tenant).unwrap().status, 403);
    let ads = mesh.client_as(ADS);
    let team = Request::get("/ads/1").header("x-team", b"ads-\xff,ads-old");
    assert_eq!(ads.send(&team).unwrap().status, 403);
    mesh.assert_still_serves();
}
