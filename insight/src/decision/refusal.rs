//! Why a proxy answers a request itself, or takes no connection, before any rule sees it.

use std::collections::BTreeSet;

use policy_schema::path_normalization::RefusedPath;
use thiserror::Error;

/// Why no rule sees a request.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub(super) enum Refusal {
    #[error("the proxy answers {}: {_0}", _0.status())]
    Path(RefusedPath),
    #[error("the proxy answers 400: a host cannot have {}", _0.escape_debug())]
    Host(char),
    #[error("the proxy answers 400: the value of `{0}` has a control character")]
    HeaderValue(String),
    #[error("the proxy answers 400: `connection` cannot name `{0}`")]
    NamedByConnection(String),
    #[error("the proxy answers 400: `connection` names more than 9 headers")]
    TooManyNamedByConnection,
    #[error("the proxy answers 400: `connection` names `te`, which has more than 255 bytes")]
    LongTeNamedByConnection,
    #[error("the proxy answers 400: a request has one `content-length`, which is a number")]
    ContentLength,
    #[error(
        "the proxy answers 400: a request has `content-length` or `transfer-encoding`, not both"
    )]
    LengthOfChunks,
    #[error("the proxy answers 501: it accepts the transfer coding `chunked` only, not `{0}`")]
    TransferEncoding(String),
    #[error(
        "the proxy answers 404: the rules do not deny the request, and Istio configures no route for `CONNECT`"
    )]
    Connect,
    #[error(
        "the proxy answers 404: only `OPTIONS` can have the path `*`; over HTTP/1.1 it answers 400"
    )]
    Asterisk,
    #[error("the proxy does not accept an extended `CONNECT`: Istio does not set `allow_connect`")]
    ExtendedConnect,
    #[error(
        "the proxy answers 404: `connect-udp` needs a path `/.well-known/masque/udp/HOST/PORT/`"
    )]
    UdpPath,
    #[error("the proxy answers 403: it upgrades connections to `websocket` only, not to `{0}`")]
    Upgrade(String),
    #[error(
        "the sidecar accepts connections with mutual TLS only: `mtls.mode` of the `Mesh` is `Strict`, and no exception \
         is for this workload and port"
    )]
    NoMutualTls,
    #[error(
        "the waypoint accepts connections of ztunnels and gateways only (HBONE, with mutual TLS): callers without a \
         certificate do not reach it"
    )]
    OnlyHbone,
    #[error(
        "gateway `{gateway}` requires client certificates (`tls.mode: Mutual`): without one, a client reaches only port \
         {}, where an allowed request is answered with a redirect to HTTPS",
        listed(ports)
    )]
    NoCertificate {
        gateway: String,
        /// Of the redirect.
        ports: BTreeSet<u16>,
    },
    #[error(
        "the sidecar accepts plaintext only, by the exception `{0}` of the `Mesh`: callers come without a certificate; \
         ask with `anonymous`"
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
