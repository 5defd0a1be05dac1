//! Why a proxy rejects a request or connection before any rule.

use std::collections::BTreeSet;

use policy_schema::path_normalization::RefusedPath;
use thiserror::Error;

/// Why a proxy rejects a request or connection before any rule.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub(super) enum Refusal {
    #[error("the proxy answers {}: {_0}", _0.status())]
    Path(RefusedPath),
    #[error("the proxy answers 400: a host must not contain {}", _0.escape_debug())]
    Host(char),
    #[error("the proxy answers 400: the value of `{0}` has a control character")]
    HeaderValue(String),
    #[error("the proxy answers 400: `connection` must not name `{0}`")]
    NamedByConnection(String),
    #[error("the proxy answers 400: `connection` names more than 9 headers")]
    TooManyNamedByConnection,
    #[error("the proxy answers 400: `connection` names `te`, which has more than 255 bytes")]
    LongTeNamedByConnection,
    #[error("the proxy answers 400: a request must have a single numeric `content-length`")]
    ContentLength,
    #[error(
        "the proxy answers 400: a request must not have both `content-length` and `transfer-encoding`"
    )]
    LengthOfChunks,
    #[error("the proxy answers 501: it only accepts the transfer coding `chunked`, not `{0}`")]
    TransferEncoding(String),
    #[error(
        "the proxy answers 404: the rules do not deny the request, but Istio configures no route for `CONNECT`"
    )]
    Connect,
    #[error(
        "the proxy answers 404: the path `*` is only valid for `OPTIONS`; over HTTP/1.1 it answers 400"
    )]
    Asterisk,
    #[error("the proxy does not accept an extended `CONNECT`: Istio does not set `allow_connect`")]
    ExtendedConnect,
    #[error(
        "the proxy answers 404: `connect-udp` needs a path `/.well-known/masque/udp/HOST/PORT/`"
    )]
    UdpPath,
    #[error("the proxy answers 403: it only upgrades connections to `websocket`, not to `{0}`")]
    Upgrade(String),
    #[error(
        "the sidecar only accepts connections with mutual TLS: `mtls.mode` of the `Mesh` is `Strict`, and no exception \
         applies to this workload and port"
    )]
    NoMutualTls,
    #[error(
        "the waypoint only accepts connections from ztunnels and gateways (HBONE with mutual TLS): callers without a \
         certificate do not reach it"
    )]
    OnlyHbone,
    #[error(
        "gateway `{gateway}` requires client certificates (`tls.mode: Mutual`): without one, a client only reaches port \
         {}, which redirects allowed requests to HTTPS",
        listed(ports)
    )]
    NoCertificate {
        gateway: String,
        /// The ports of the redirect.
        ports: BTreeSet<u16>,
    },
    #[error(
        "the sidecar only accepts plaintext, because of the exception `{0}` of the `Mesh`: callers have no certificate; \
         use `anonymous`"
    )]
    OnlyPlaintext(String),
}

fn listed(ports: &BTreeSet<u16>) -> String {
    let ports: Vec<_> = ports.iter().map(u16::to_string).collect();
    ports.join(" or ")
}

impl From<RefusedPath> for Refusal {
    fn from(reason: RefusedPath) -> Self {
        Self::Path(reason)
    }
}
