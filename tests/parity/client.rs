//! One connection to a listener, with its addresses and its caller, and the requests on it.

use std::fmt::Write as _;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use peergate_mesh::any_server::AnyServer;
use peergate_sandbox::wait::TIMEOUT;
use peergate_tests::random::TestRequest;
use policy_schema::engine::PeerIp;
use ring::hmac;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use serde_json::{Value, json};
use socket2::{Domain, Socket, Type};

use crate::JWT_KEY;
use crate::callers::Callers;

/// A proxy's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Allowed,
    Denied,
    /// The proxy itself rejects the request before any filter.
    Refused,
}

/// Sends requests on one connection, whose attributes are those of the first.
pub(crate) fn ask_all(
    listener: SocketAddr,
    callers: &mut Callers,
    requests: &[TestRequest],
) -> io::Result<Vec<Answer>> {
    let mut answers = Vec::with_capacity(requests.len());
    let mut rest = requests;
    // A proxy closes the connection after a request that it rejects.
    while let [first, ..] = rest {
        let mut connection = connect(listener, callers, first)?;
        let before = answers.len();
        for asked in rest {
            connection.get_mut().write_all(&request(asked))?;
            let has_body = asked.method.as_deref() != Some(b"HEAD");
            let (answer, is_open) =
                read_answer(&mut connection, has_body && !changes_protocol(asked))?;
            answers.push(answer);
            if !is_open || changes_protocol(asked) {
                break;
            }
        }
        rest = rest.get(answers.len() - before..).unwrap_or_default();
    }
    Ok(answers)
}

/// Whether the connection switches to another protocol once the request is allowed.
fn changes_protocol(asked: &TestRequest) -> bool {
    is_connect(asked) || asked.headers.iter().any(|(name, _)| *name == "upgrade")
}

fn is_connect(asked: &TestRequest) -> bool {
    asked.method.as_deref() == Some(b"CONNECT")
}

/// Whether data on a connection without HTTP is echoed.
pub(crate) fn comes_back(
    listener: SocketAddr,
    callers: &mut Callers,
    asked: &TestRequest,
) -> io::Result<bool> {
    let mut connection = connect(listener, callers, asked)?;
    connection.get_mut().write_all(b"?")?;
    let mut answer = [0];
    match connection.read(&mut answer) {
        Ok(length) => Ok(length == 1 && answer == *b"?"),
        Err(error) => match error.kind() {
            io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset => Ok(false),
            _ => Err(error),
        },
    }
}

type Connection = BufReader<StreamOwned<ClientConnection, TcpStream>>;

fn connect(
    listener: SocketAddr,
    callers: &mut Callers,
    asked: &TestRequest,
) -> io::Result<Connection> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    if let PeerIp::Known(address) = asked.peer_ip {
        socket.bind(&SocketAddr::new(address, 0).into())?;
    }
    socket.connect(&listener.into())?;
    let mut stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_nodelay(true)?;
    stream.write_all(proxy_header(asked).as_bytes())?;

    // The server's identity does not matter here.
    let server = AnyServer::new(Arc::new(rustls::crypto::ring::default_provider()));
    let roots = ClientConfig::builder()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(server));
    let config = match callers.certificate(asked.certificate.as_ref()) {
        Some((chain, key)) => roots
            .with_client_auth_cert(chain, key)
            .map_err(io::Error::other)?,
        None => roots.with_no_client_auth(),
    };
    let name = match &asked.server_name {
        Some(name) => ServerName::try_from(String::from_utf8_lossy(name).into_owned()),
        // Addresses are not sent as server names.
        None => ServerName::try_from("127.0.0.1".to_owned()),
    };
    let name = name.map_err(io::Error::other)?;
    let session = ClientConnection::new(Arc::new(config), name).map_err(io::Error::other)?;
    Ok(BufReader::new(StreamOwned::new(session, stream)))
}

/// The PROXY protocol header (version 1) with which a load balancer reports the addresses.
fn proxy_header(asked: &TestRequest) -> String {
    let (source, destination) = (asked.remote_ip, asked.local_ip);
    let (source, destination) = source.zip(destination).expect("both addresses");
    let family = match source {
        IpAddr::V4(_) => "TCP4",
        IpAddr::V6(_) => "TCP6",
    };
    let port = asked.port.expect("a port");
    format!("PROXY {family} {source} {destination} 40000 {port}\r\n")
}

/// The request as raw bytes, because a library would normalize it.
fn request(asked: &TestRequest) -> Vec<u8> {
    let text = |bytes: &Option<Vec<u8>>| {
        let bytes = bytes.as_ref().expect("a part that every request has");
        String::from_utf8(bytes.clone()).expect("ASCII")
    };
    let target = if is_connect(asked) {
        &asked.host
    } else {
        &asked.path
    };
    let mut request = format!(
        "{} {} HTTP/1.1\r\nhost: {}\r\n",
        text(&asked.method),
        text(target),
        text(&asked.host)
    );
    let mut header = |name: &str, value: &str| {
        write!(request, "{name}: {value}\r\n").expect("a string takes all");
    };
    if let Some(addresses) = &asked.forwarded_for {
        header("x-forwarded-for", addresses);
    }
    for (name, value) in &asked.headers {
        header(name, &String::from_utf8_lossy(value));
    }
    if let Some(claims) = asked.metadata["envoy.filters.http.jwt_authn"].get("payload") {
        header("authorization", &format!("Bearer {}", jwt(claims)));
    }
    if let Some(value) = asked.metadata["f"].get("k") {
        header("x-f-k", &STANDARD.encode(protobuf_value(value)));
    }
    header("content-length", "0");
    request.push_str("\r\n");
    request.into_bytes()
}

/// A token with these claims, signed with a key that the proxy trusts (RFC 7519).
fn jwt(claims: &Value) -> String {
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let content = format!(
        "{}.{}",
        encode(&json!({"alg": "HS256", "typ": "JWT", "kid": "test"})),
        encode(claims)
    );
    let key = hmac::Key::new(hmac::HMAC_SHA256, JWT_KEY);
    let signature = hmac::sign(&key, content.as_bytes());
    format!("{content}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// A serialized `google.protobuf.Value`.
fn protobuf_value(value: &Value) -> Vec<u8> {
    let field = |number: u8, content: &[u8]| {
        let length = u8::try_from(content.len()).expect("short");
        assert!(length < 0x80, "short");
        [&[number << 3 | 2, length], content].concat()
    };
    match value {
        Value::String(text) => field(3, text.as_bytes()),
        Value::Array(elements) => {
            let elements = elements
                .iter()
                .map(|element| field(1, &protobuf_value(element)));
            field(6, &elements.collect::<Vec<_>>().concat())
        }
        Value::Bool(is_true) => vec![4 << 3, u8::from(*is_true)],
        Value::Number(number) => {
            let number = number.as_f64().expect("a number");
            [&[2 << 3 | 1][..], &number.to_le_bytes()].concat()
        }
        Value::Object(fields) => {
            let entry = |(key, value): (&String, &Value)| {
                let entry = [field(1, key.as_bytes()), field(2, &protobuf_value(value))];
                field(1, &entry.concat())
            };
            field(5, &fields.iter().map(entry).collect::<Vec<_>>().concat())
        }
        Value::Null => vec![1 << 3, 0],
    }
}

/// The answer, and whether the connection stays open.
fn read_answer(connection: &mut Connection, has_body: bool) -> io::Result<(Answer, bool)> {
    let mut line = String::new();
    connection.read_line(&mut line)?;
    let status = line.split(' ').nth(1).unwrap_or_default().to_owned();
    let mut length = 0;
    let mut is_open = true;
    loop {
        line.clear();
        if connection.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            break;
        };
        match name {
            "content-length" => length = value.parse().map_err(io::Error::other)?,
            "connection" => is_open = value != "close",
            _ => {}
        }
    }
    let mut body = vec![0; if has_body { length } else { 0 }];
    connection.read_exact(&mut body)?;
    let answer = match status.as_str() {
        "200" => Answer::Allowed,
        "403" => Answer::Denied,
        "400" | "405" | "501" => Answer::Refused,
        other => return Err(io::Error::other(format!("status {other}"))),
    };
    Ok((answer, is_open))
}
