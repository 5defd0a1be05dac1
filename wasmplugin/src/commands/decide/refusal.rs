//! Why a proxy answers a request itself, or takes no connection, before any rule sees it.

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
    #[error("the proxy answers 403: it upgrades connections to `websocket` only, not to `{0}`")]
    Upgrade(String),
    #[error(
        "the sidecar accepts connections with mutual TLS only: `mtls.mode` of the `Mesh` is `Strict`, and no exception \
         is for this workload and port"
    )]
    NoMutualTls,
    #[error(
        "the sidecar accepts plaintext only, by the exception `{0}` of the `Mesh`: callers come without a certificate; \
         ask with `anonymous`"
    )]
    OnlyPlaintext(String),
}

impl From<RefusedPath> for Refusal {
    fn from(reason: RefusedPath) -> Self {
        Self::Path(reason)
    }
}
