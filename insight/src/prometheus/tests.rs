//! Tests of queries with a fake server and a real one.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "the test runs its own server"
)]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::thread::JoinHandle;

use peergate_fault::{ExitStatus, Fault};
use policy_schema::timestamp::Timestamp;
use rustls::pki_types::PrivateKeyDer;

use super::{Prometheus, PrometheusError, Sample};

/// A server for one request.
struct Server {
    address: SocketAddr,
    asked: JoinHandle<String>,
}

impl Server {
    fn answering(answer: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let asked = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut asked = Vec::new();
            let mut buffer = [0; 4096];
            while !is_whole(&asked) {
                let read = stream.read(&mut buffer).unwrap();
                assert!(read > 0, "the request ends early");
                asked.extend_from_slice(&buffer[..read]);
            }
            stream.write_all(answer.as_bytes()).unwrap();
            String::from_utf8(asked).unwrap()
        });
        Self { address, asked }
    }

    fn json(status: &str, body: &str) -> Self {
        Self::answering(format!(
            "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
            body.len()
        ))
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request).to_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    body.len() >= length.map_or(0, |length| length.parse().unwrap())
}

fn at() -> Timestamp {
    Timestamp::parse("2026-06-01T00:00:00.5Z").unwrap()
}

fn query(prometheus: Result<Prometheus, PrometheusError>) -> Result<Vec<Sample>, PrometheusError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async { prometheus?.query("up{job=\"a b\"}", at()).await })
}

fn asked(server: Server) -> Result<Vec<Sample>, PrometheusError> {
    let answer = query(Prometheus::new(&server.url(), None, &[]));
    server.asked.join().unwrap();
    answer
}

const NOTHING: &str = r#"{"status":"success","data":{"resultType":"vector","result":[]}}"#;

#[test]
fn reads_labels_value_and_time_of_samples() {
    let server = Server::json(
        "200 OK",
        r#"{"status":"success","data":{"resultType":"vector","result":[
            {"metric":{"__name__":"up","job":"a b"},"value":[1780272000.5,"3.5"]},
            {"metric":{},"value":[1780272000,"+Inf"]}]},"infos":["PromQL info: nothing"]}"#,
    );
    let samples = asked(server).unwrap();
    let [first, second] = samples.as_slice() else {
        panic!("{samples:?}")
    };
    assert_eq!((first.label("job"), first.label("none")), ("a b", ""));
    assert!((first.value - 3.5).abs() < f64::EPSILON);
    assert_eq!(first.at, at());
    assert!(second.value.is_infinite());
}

#[test]
fn reads_a_scalar_as_a_sample_without_labels() {
    let server = Server::json(
        "200 OK",
        r#"{"status":"success","data":{"resultType":"scalar","result":[1780272000.5,"7"]}}"#,
    );
    let samples = asked(server).unwrap();
    assert_eq!(samples.len(), 1);
    assert!(samples[0].labels.is_empty());
    assert!((samples[0].value - 7.0).abs() < f64::EPSILON);
}

#[test]
fn posts_queries_under_the_path_of_the_url() {
    let server = Server::json("200 OK", NOTHING);
    let url = format!("{}/prometheus/", server.url());
    assert_eq!(query(Prometheus::new(&url, None, &[])).unwrap(), []);
    let request = server.asked.join().unwrap();
    assert!(
        request.starts_with("POST /prometheus/api/v1/query HTTP/1.1\r\n"),
        "{request}"
    );
    assert!(
        request.ends_with(
            "\r\n\r\nquery=up%7Bjob%3D%22a+b%22%7D&time=1780272000.500&partial_response=false"
        ),
        "{request}"
    );
    assert!(
        !request.to_lowercase().contains("authorization"),
        "{request}"
    );
}

#[test]
fn sends_credentials_and_never_shows_them() {
    let server = Server::json("401 Unauthorized", "");
    let url = server.url().replace("http://", "http://reader:s3cret@");
    let prometheus = Prometheus::new(&url, None, &[]).unwrap();
    assert!(!format!("{prometheus:?}").contains("s3cret"));
    let refused = query(Ok(prometheus)).unwrap_err();
    let request = server.asked.join().unwrap();
    // The base64 of `reader:s3cret`.
    assert!(
        request.contains("authorization: Basic cmVhZGVyOnMzY3JldA=="),
        "{request}"
    );
    assert!(!format!("{refused} {refused:?}").contains("s3cret"));

    let server = Server::json("403 Forbidden", "");
    let prometheus = Prometheus::new(&server.url(), Some("t0ken"), &[]).unwrap();
    assert!(!format!("{prometheus:?}").contains("t0ken"));
    let refused = query(Ok(prometheus)).unwrap_err();
    let request = server.asked.join().unwrap();
    assert!(request.contains("authorization: Bearer t0ken"), "{request}");
    assert!(!format!("{refused} {refused:?}").contains("t0ken"));
    assert!(refused.help().unwrap().contains("are valid"));
}

#[test]
fn rejects_invalid_arguments_before_any_request() {
    let cases = [
        ("localhost:9090", None, "must begin with"),
        ("metrics", None, "relative URL"),
        (
            "http://localhost:9090/graph?g0.expr=up",
            None,
            "must not have a query",
        ),
        (
            "http://a:b@localhost:9090",
            Some("token"),
            "a token is given too",
        ),
        ("http://localhost:9090", Some("to\nken"), "token"),
    ];
    for (url, token, expected) in cases {
        let error = Prometheus::new(url, token, &[]).unwrap_err();
        assert_eq!(error.status(), ExitStatus::Invalid, "{url}: {error:?}");
        assert!(error.to_string().contains(expected), "{url}: {error}");
        assert!(error.help().is_some(), "{url}");
    }
}

#[test]
fn errors_have_help() {
    let cases = [
        (
            "401 Unauthorized",
            "",
            "answered 401 Unauthorized",
            Some("--prometheus-token-file"),
        ),
        (
            "404 Not Found",
            "<html>not\n  here</html>",
            "not Prometheus: 404 Not Found, `<html>not here</html>`",
            Some("/api/v1/query"),
        ),
        ("200 OK", "", "an empty body", Some("/api/v1/query")),
        ("200 OK", "a\u{1b}[2Jb", "`a[2Jb`", Some("/api/v1/query")),
        (
            "400 Bad Request",
            r#"{"status":"error","errorType":"bad_data","error":"parse error"}"#,
            "rejected the query `up{job=\"a b\"}`: parse error",
            None,
        ),
        (
            "503 Service Unavailable",
            r#"{"status":"error","errorType":"timeout","error":"query timed out"}"#,
            "query timed out",
            Some("--window"),
        ),
        (
            "200 OK",
            r#"{"status":"success","data":{"resultType":"vector","result":[]},"warnings":["no store"]}"#,
            "a partial result: no store",
            Some("try again"),
        ),
        (
            "200 OK",
            r#"{"status":"success","data":{"resultType":"matrix","result":[]}}"#,
            "returned a matrix",
            None,
        ),
        (
            "200 OK",
            r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,"many"]}]}}"#,
            "expected a number, found `many`",
            Some("/api/v1/query"),
        ),
    ];
    for (status, body, message, help) in cases {
        let error = asked(Server::json(status, body)).unwrap_err();
        assert_eq!(error.status(), ExitStatus::Failure, "{error}");
        assert!(error.to_string().contains(message), "{error}");
        match help {
            Some(help) => assert!(error.help().unwrap().contains(help), "{error}"),
            None => assert_eq!(error.help(), None, "{error}"),
        }
    }
}

#[test]
fn expensive_queries_get_the_hint_of_the_command() {
    let timeout = r#"{"status":"error","errorType":"timeout","error":"query timed out"}"#;
    let server = Server::json("503 Service Unavailable", timeout);
    let prometheus = Prometheus::new(&server.url(), None, &[]).unwrap();
    let error = query(Ok(prometheus.with_narrow_help("ask for less"))).unwrap_err();
    server.asked.join().unwrap();
    assert_eq!(error.help(), Some("ask for less"));
}

#[test]
fn does_not_follow_redirects() {
    let server = Server::answering(
        "HTTP/1.1 302 Found\r\nlocation: https://login.example/start?state=s3cret\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
            .to_owned(),
    );
    let error = asked(server).unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("redirects to `https://login.example/start`"),
        "{error}"
    );
}

/// A TLS server with a certificate from an unknown CA.
fn server_with_unknown_ca() -> SocketAddr {
    let issued = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::Pkcs8(issued.signing_key.serialize_der().into());
    peergate_mesh::network::install_crypto_provider();
    let config = rustls::ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![issued.cert.into()], key)
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut session = rustls::ServerConnection::new(config.into()).unwrap();
        // The client closes the connection.
        session.complete_io(&mut stream).unwrap_err();
    });
    address
}

#[test]
fn unknown_ca_error_names_the_ca_option() {
    let url = format!("https://localhost:{}", server_with_unknown_ca().port());
    let error = query(Prometheus::new(&url, None, &[])).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("cannot reach Prometheus at {url}/: its certificate is from an unknown CA")
    );
    assert!(error.help().unwrap().contains("--prometheus-ca-file"));
}

#[test]
fn connection_error_has_the_reason() {
    let url = "http://127.0.0.1:1";
    let error = query(Prometheus::new(url, None, &[])).unwrap_err();
    let message = error.to_string();
    assert!(
        message.starts_with(&format!("cannot reach Prometheus at {url}/")),
        "{message}"
    );
    assert!(message.to_lowercase().contains("refused"), "{message}");
    assert!(error.help().unwrap().contains("port-forward"));
}
