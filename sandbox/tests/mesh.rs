//! Tests of the sandbox with a real Envoy: which requests reach the upstream.

use std::net::SocketAddr;
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, Result};
use peergate_sandbox::wait::{TIMEOUT, wait_for};
use peergate_sandbox::{
    Authority, CallError, Client, Envoy, EnvoyBinary, Error, INBOUND_OPTIONAL_TLS,
    INBOUND_PERMISSIVE, INBOUND_STRICT, Identity, InboundSidecar, Leaf, OutboundSidecar, Request,
    Service,
};
use serde_json::json;
use tempfile::TempDir;

const WEB: &str = "spiffe://cluster.local/ns/shop/sa/web";
const ORDERS: &str = "spiffe://cluster.local/ns/shop/sa/orders";

/// A service with its sidecar and a caller.
struct Mesh {
    service: Service,
    web: Identity,
}

impl Mesh {
    fn start() -> Result<Self> {
        Self::start_with(|_| ())
    }

    fn start_with(change: impl FnOnce(&mut InboundSidecar)) -> Result<Self> {
        let service = Service::start(&Leaf::spiffe(ORDERS), |mut sidecar, _| {
            change(&mut sidecar);
            sidecar.bootstrap()
        })?;
        let web = service.authority.issue(&Leaf::spiffe(WEB))?;
        Ok(Self { service, web })
    }

    fn plain(&self, listener: &str) -> Result<Client> {
        Ok(self.service.at(listener)?)
    }

    fn tls(&self, listener: &str, identity: Option<&Identity>) -> Result<Client> {
        let client = self.plain(listener)?;
        Ok(client.tls(&self.service.authority, identity)?)
    }

    fn web(&self) -> Result<Client> {
        self.tls(INBOUND_STRICT, Some(&self.web))
    }
}

#[track_caller]
fn assert_refused<T: std::fmt::Debug>(result: &Result<T, CallError>) {
    let refused = result.as_ref().is_err_and(CallError::is_refused);
    assert!(refused, "not refused: {result:?}");
}

#[test]
fn calls_pass_both_sidecars() -> Result<()> {
    let mesh = Mesh::start()?;
    let files = TempDir::new()?;
    let ca = mesh.service.authority.write_to(files.path(), "ca")?;
    let mut outbound = OutboundSidecar::new(ca, mesh.service.envoy.listener(INBOUND_STRICT)?);
    outbound.server_name = Some(ORDERS.into());
    for name in ["web", "jobs"] {
        let uri = format!("spiffe://cluster.local/ns/shop/sa/{name}");
        let identity = mesh.service.authority.issue(&Leaf::spiffe(&uri))?;
        outbound = outbound.caller(name, identity.write_to(files.path(), name)?);
    }
    let callers = Envoy::start(&EnvoyBinary::find(None)?, &outbound.bootstrap())?;

    for name in ["web", "jobs"] {
        for http2 in [false, true] {
            let client = Client::new(callers.listener(name)?)?;
            let client = if http2 { client.http2() } else { client };
            // An application cannot impersonate others: its sidecar removes this header.
            let request = Request::get("/orders?page=2").header(
                "x-forwarded-client-cert",
                "URI=spiffe://cluster.local/ns/x/sa/admin",
            );
            let response = client.send(&request)?;
            assert_eq!(response.status, 200);
            let received = response.received()?;
            assert_eq!(received.method, "GET");
            assert_eq!(received.path, "/orders?page=2");
            let forwarded: Vec<_> = received.header("x-forwarded-client-cert").collect();
            let uri = format!(";URI=spiffe://cluster.local/ns/shop/sa/{name}");
            assert!(
                matches!(forwarded[..], [one] if one.ends_with(&uri) && !one.contains("admin")),
                "{forwarded:?}"
            );
        }
    }
    assert_eq!(mesh.service.upstream.requests(), 4);
    Ok(())
}

#[test]
fn outbound_sidecar_rejects_other_servers() -> Result<()> {
    let mesh = Mesh::start()?;
    let files = TempDir::new()?;
    let ca = mesh.service.authority.write_to(files.path(), "ca")?;
    let web = mesh.web.write_to(files.path(), "web")?;
    let mut outbound =
        OutboundSidecar::new(ca, mesh.service.envoy.listener(INBOUND_STRICT)?).caller("web", web);
    outbound.server_name = Some(WEB.into());
    let callers = Envoy::start(&EnvoyBinary::find(None)?, &outbound.bootstrap())?;

    let response = Client::new(callers.listener("web")?)?.send(&Request::get("/"))?;
    assert_eq!(response.status, 503);
    assert_eq!(mesh.service.upstream.requests(), 0);
    Ok(())
}

#[test]
fn strict_listener_only_accepts_certificates_of_the_root() -> Result<()> {
    let mesh = Mesh::start()?;
    let get = Request::get("/");
    assert_eq!(mesh.web()?.send(&get)?.status, 200);
    assert_eq!(mesh.web()?.http2().send(&get)?.status, 200);

    let nobody = mesh.tls(INBOUND_STRICT, None)?;
    assert_refused(&nobody.send(&get));
    assert_refused(&nobody.http2().send(&get));
    assert_refused(&mesh.plain(INBOUND_STRICT)?.send(&get));
    assert_refused(&mesh.plain(INBOUND_STRICT)?.http2().send(&get));
    let raw = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n";
    assert_refused(&mesh.plain(INBOUND_STRICT)?.send_raw(raw));

    let foreign = Authority::new()?.issue(&Leaf::spiffe(WEB))?;
    assert_refused(&mesh.tls(INBOUND_STRICT, Some(&foreign))?.send(&get));
    let expired = mesh.service.authority.issue(&Leaf {
        not_before: SystemTime::now() - Duration::from_hours(2),
        lifetime: Duration::from_hours(1),
        ..Leaf::spiffe(WEB)
    })?;
    assert_refused(&mesh.tls(INBOUND_STRICT, Some(&expired))?.send(&get));

    assert_eq!(mesh.service.upstream.requests(), 2);
    Ok(())
}

#[test]
fn permissive_listener_accepts_plaintext_too() -> Result<()> {
    let mesh = Mesh::start()?;
    let get = Request::get("/").header("x-forwarded-client-cert", format!("URI={WEB}"));

    let response = mesh.plain(INBOUND_PERMISSIVE)?.send(&get)?;
    assert_eq!(response.status, 200);
    // Without a certificate, the header is not trustworthy.
    let received = response.received()?;
    assert_eq!(received.header("x-forwarded-client-cert").count(), 0);

    let web = mesh.tls(INBOUND_PERMISSIVE, Some(&mesh.web))?;
    assert_eq!(web.send(&get)?.status, 200);
    let nobody = mesh.tls(INBOUND_PERMISSIVE, None)?;
    assert_refused(&nobody.send(&get));
    Ok(())
}

#[test]
fn optional_tls_listener_verifies_certificates() -> Result<()> {
    let mesh = Mesh::start()?;
    let get = Request::get("/");
    for identity in [None, Some(&mesh.web)] {
        let response = mesh.tls(INBOUND_OPTIONAL_TLS, identity)?.send(&get)?;
        assert_eq!(response.status, 200);
        let forwarded = response.received()?;
        assert_eq!(
            forwarded.header("x-forwarded-client-cert").count(),
            usize::from(identity.is_some())
        );
    }
    let foreign = Authority::new()?.issue(&Leaf::spiffe(WEB))?;
    let foreigner = mesh.tls(INBOUND_OPTIONAL_TLS, Some(&foreign))?;
    assert_refused(&foreigner.send(&get));
    assert_refused(&mesh.plain(INBOUND_OPTIONAL_TLS)?.send(&get));
    Ok(())
}

#[test]
fn certificates_may_have_any_names() -> Result<()> {
    let mesh = Mesh::start()?;
    let leaf = |uris: &[&str]| Leaf::uris(uris.iter().copied());
    let dns = Leaf {
        dns_sans: vec!["web.shop.svc".into()],
        ..Leaf::spiffe(WEB)
    };
    let cases = [
        (leaf(&[]), "Subject=\"\";URI="),
        (
            leaf(&["https://example.test/?a=b"]),
            ";URI=https://example.test/?a=b",
        ),
        (leaf(&["no uri at all"]), ";URI=no uri at all"),
        (leaf(&[ORDERS, WEB]), &format!(";URI={ORDERS};URI={WEB}")),
        (dns, &format!(";URI={WEB};DNS=web.shop.svc")),
    ];
    for (leaf, forwarded) in cases {
        let identity = mesh.service.authority.issue(&leaf)?;
        let client = mesh.tls(INBOUND_STRICT, Some(&identity))?;
        let received = client.send(&Request::get("/"))?.received()?;
        let header = received.header("x-forwarded-client-cert").next();
        assert!(
            header.is_some_and(|header| header.ends_with(forwarded)),
            "{leaf:?}: {header:?}"
        );
    }
    let error = mesh
        .service
        .authority
        .issue(&Leaf::spiffe("spiffe://é/"))
        .unwrap_err();
    assert!(matches!(error, Error::Pki(_)), "{error}");
    Ok(())
}

#[test]
fn trust_domains_are_enforced_in_the_handshake() -> Result<()> {
    let mesh = Mesh::start_with(|sidecar| {
        sidecar.trust_domains = vec!["cluster.local".into(), "old.local".into()];
    })?;
    let status = |uri: &str| -> Result<Result<u16, CallError>> {
        let identity = mesh.service.authority.issue(&Leaf::spiffe(uri))?;
        let client = mesh.tls(INBOUND_STRICT, Some(&identity))?;
        Ok(client.send(&Request::get("/")).map(|it| it.status))
    };
    assert_eq!(status(WEB)??, 200);
    assert_eq!(status("spiffe://old.local/ns/shop/sa/web")??, 200);
    assert_refused(&status("spiffe://other.local/ns/shop/sa/web")?);
    assert_refused(&status("spiffe://cluster.local.evil/ns/shop/sa/web")?);
    Ok(())
}

#[test]
fn client_only_trusts_its_own_root() -> Result<()> {
    let mesh = Mesh::start()?;
    let other = Authority::new()?;
    let client = mesh.plain(INBOUND_STRICT)?.tls(&other, Some(&mesh.web))?;
    let error = client.send(&Request::get("/")).unwrap_err();
    assert!(matches!(error, CallError::UntrustedServer(_)), "{error}");
    Ok(())
}

#[test]
fn header_values_are_bytes() -> Result<()> {
    let mesh = Mesh::start()?;
    let request = Request::get("/")
        .header("x-bytes", b"caf\xe9 \xff")
        .header("x-twice", "one")
        .header("x-twice", "two");
    for client in [mesh.web()?, mesh.web()?.http2()] {
        let received = client.send(&request)?.received()?;
        assert_eq!(
            received.header("x-bytes").collect::<Vec<_>>(),
            ["caf\u{fffd} \u{fffd}"]
        );
        assert_eq!(
            received.header("x-twice").collect::<Vec<_>>(),
            ["one", "two"]
        );
    }
    Ok(())
}

/// Envoy's default limit is 60 KiB for all headers.
#[test]
fn header_values_may_be_long() -> Result<()> {
    let mesh = Mesh::start()?;
    let with = |length: usize| Request::get("/").header("x-long", "x".repeat(length));
    for client in [mesh.web()?, mesh.web()?.http2()] {
        let received = client.send(&with(60_000))?.received()?;
        let long = received.header("x-long").next().context("no header")?;
        assert_eq!(long.len(), 60_000);
    }
    assert_eq!(mesh.web()?.send(&with(62_000))?.status, 431);
    // Over HTTP/2, Envoy resets the stream without a response.
    let error = mesh.web()?.http2().send(&with(62_000)).unwrap_err();
    assert!(matches!(error, CallError::Protocol(_)), "{error}");
    Ok(())
}

#[test]
fn connect_reaches_filters_but_not_the_upstream() -> Result<()> {
    let log = TempDir::new()?;
    let path = log.path().join("access.log");
    let mesh = Mesh::start_with(|sidecar| sidecar.access_log = Some(path.clone()))?;
    for client in [mesh.web()?, mesh.web()?.http2()] {
        let response = client.send(&Request::connect("orders:80"))?;
        assert_eq!(response.status, 404);
    }
    assert_eq!(mesh.service.upstream.requests(), 0);

    let lines = wait_for("the access log", TIMEOUT, || {
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        let lines: Vec<_> = text.lines().map(ToOwned::to_owned).collect();
        Ok((text.ends_with('\n') && lines.len() == 2).then_some(lines))
    })?;
    for line in lines {
        let entry: serde_json::Value = serde_json::from_str(&line)?;
        assert_eq!(entry["method"], "CONNECT");
        assert_eq!(entry["path"], json!(null));
        assert_eq!(entry["authority"], "orders:80");
        assert_eq!(entry["peer"], WEB);
    }
    Ok(())
}

#[test]
fn a_connection_serves_several_requests() -> Result<()> {
    let mesh = Mesh::start()?;
    for client in [mesh.web()?, mesh.web()?.http2()] {
        let mut connection = client.connect()?;
        for body in ["", "one", "two"] {
            let response = connection.send(&Request::new("POST", "/").body(body))?;
            assert_eq!(response.status, 200);
        }
    }
    let connections = "\nenvoy_http_inbound_strict_downstream_cx_total{} 2\n";
    assert!(mesh.service.envoy.stats()?.contains(connections));
    Ok(())
}

#[test]
fn sends_raw_bytes_unchanged() -> Result<()> {
    let mesh = Mesh::start()?;
    let raw = |head: &str| -> Result<String> {
        let answer = mesh.web()?.send_raw(head.as_bytes())?;
        Ok(String::from_utf8_lossy(&answer).into_owned())
    };
    let answer = raw("GET /a%2fb//./c HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")?;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert!(answer.contains(r#""path":"/a%2fb//c""#), "{answer}");
    for malformed in [
        "GET / HTTP/1.1\r\nno colon\r\n\r\n",
        "GET /a#b HTTP/1.1\r\nhost: x\r\n\r\n",
    ] {
        let answer = raw(malformed)?;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    }

    let error = mesh.web()?.send(&Request::get("/a#b")).unwrap_err();
    assert!(matches!(error, CallError::Invalid(_)), "{error}");
    assert_refused(
        &mesh
            .tls(INBOUND_STRICT, None)?
            .send_raw(b"GET / HTTP/1.1\r\n\r\n"),
    );
    Ok(())
}

#[test]
fn filters_run_on_every_listener_and_their_tags_become_labels() -> Result<()> {
    let lua = |code: &str| {
        json!({
            "name": "envoy.filters.http.lua",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua",
                "default_source_code": { "inline_string": code },
                "stat_prefix": "verdict=.=teapot;.;",
            },
        })
    };
    let mesh = Mesh::start_with(|sidecar| {
        let code = "function envoy_on_request(it) it:respond({[':status'] = '418'}, 'tea') end";
        sidecar.http_filters = vec![lua(code)];
        sidecar.stats_tags = vec!["verdict".into()];
    })?;
    let get = Request::get("/");
    assert_eq!(mesh.web()?.send(&get)?.status, 418);
    assert_eq!(mesh.plain(INBOUND_PERMISSIVE)?.send(&get)?.text(), "tea");
    assert_eq!(
        mesh.tls(INBOUND_OPTIONAL_TLS, None)?.send(&get)?.status,
        418
    );
    assert_eq!(mesh.service.upstream.requests(), 0);
    let stats = mesh.service.envoy.stats()?;
    assert!(stats.contains(r#"verdict="teapot""#), "{stats}");
    Ok(())
}

#[test]
fn connection_error_is_not_a_refusal() -> Result<()> {
    let unused = SocketAddr::from(([127, 0, 0, 1], 1));
    let error = Client::new(unused)?.send(&Request::get("/")).unwrap_err();
    assert!(matches!(error, CallError::Connect(_)), "{error}");
    Ok(())
}
