//! Requests and responses as plain data.

use hyper::body::Bytes;

use crate::{Error, Received};

/// An HTTP request. Nothing in it is checked before it is sent.
#[derive(Clone, Debug)]
pub struct Request {
    pub(super) method: String,
    pub(super) target: String,
    pub(super) authority: String,
    pub(super) protocol: Option<&'static str>,
    pub(super) headers: Vec<(String, Vec<u8>)>,
    pub(super) trailers: Vec<(String, Vec<u8>)>,
    pub(super) body: Bytes,
}

impl Request {
    /// A request for `target`: a path with or without a query, `*`, or an absolute URI.
    pub fn new(method: &str, target: &str) -> Self {
        Self {
            method: method.into(),
            target: target.into(),
            authority: "sandbox.test".into(),
            protocol: None,
            headers: Vec::new(),
            trailers: Vec::new(),
            body: Bytes::new(),
        }
    }

    /// A `GET` of `path`.
    pub fn get(path: &str) -> Self {
        Self::new("GET", path)
    }

    /// A `CONNECT` to `authority` (`host:port`); over HTTP/2 it has no `:path`.
    pub fn connect(authority: &str) -> Self {
        Self::new("CONNECT", authority).authority(authority)
    }

    /// An extended `CONNECT` (RFC 8441): it asks for another protocol at a path. For HTTP/2 only, and
    /// not as the first request of a connection, before the server has said that it takes it.
    pub fn extended_connect(protocol: &'static str, path: &str) -> Self {
        Self {
            protocol: Some(protocol),
            ..Self::new("CONNECT", path)
        }
    }

    /// Addresses `authority` (`Host`, `:authority`) instead of `sandbox.test`.
    #[must_use]
    pub fn authority(mut self, authority: &str) -> Self {
        self.authority = authority.into();
        self
    }

    /// Adds a header; a repeated name makes a further header. Names become lower case; values may
    /// hold any bytes but control characters.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers.push((name.into(), value.as_ref().into()));
        self
    }

    /// Adds a trailer, as [`header`](Self::header) does a header. For HTTP/2 only.
    #[must_use]
    pub fn trailer(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.trailers.push((name.into(), value.as_ref().into()));
        self
    }

    /// Sends `body` along, with its length.
    #[must_use]
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }
}

/// An HTTP response.
#[derive(Clone, Debug)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The headers, names in lower case, repeated ones repeatedly.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body; empty for the response to a `CONNECT` that succeeded.
    pub body: Vec<u8>,
}

impl Response {
    /// The first value of the header `name` (lower case).
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        self.headers
            .iter()
            .find(|(other, _)| other == name)
            .map(|(_, value)| value.as_slice())
    }

    /// The body as text, what is not UTF-8 replaced by U+FFFD.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// What the [`Upstream`](crate::Upstream) says it received.
    ///
    /// # Errors
    ///
    /// [`Error::Json`] when the response is not the upstream's.
    pub fn received(&self) -> Result<Received, Error> {
        Ok(serde_json::from_slice(&self.body)?)
    }
}
