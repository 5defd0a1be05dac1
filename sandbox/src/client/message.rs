//! Requests and responses as plain data.

use hyper::body::Bytes;

use crate::{Error, Received};

/// An HTTP request. It is not validated before sending.
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
    /// Creates a request for `target`: a path with an optional query, `*`, or an absolute URI.
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

    /// Creates a `GET` of `path`.
    pub fn get(path: &str) -> Self {
        Self::new("GET", path)
    }

    /// Creates a `CONNECT` to `authority` (`host:port`). Over HTTP/2 it has no `:path`.
    pub fn connect(authority: &str) -> Self {
        Self::new("CONNECT", authority).authority(authority)
    }

    /// Creates an extended `CONNECT` (RFC 8441) for a protocol and path. Only for HTTP/2, and not as the first request of a
    /// connection, because the server has to enable it first.
    pub fn extended_connect(protocol: &'static str, path: &str) -> Self {
        Self {
            protocol: Some(protocol),
            ..Self::new("CONNECT", path)
        }
    }

    /// Sets the authority (`Host`, `:authority`). The default is `sandbox.test`.
    #[must_use]
    pub fn authority(mut self, authority: &str) -> Self {
        self.authority = authority.into();
        self
    }

    /// Adds a header, which may repeat a name. Names are converted to lower case. Values may contain any bytes except control
    /// characters.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers.push((name.into(), value.as_ref().into()));
        self
    }

    /// Adds a trailer, like [`header`](Self::header). Only for HTTP/2.
    #[must_use]
    pub fn trailer(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.trailers.push((name.into(), value.as_ref().into()));
        self
    }

    /// Sets the body and its length.
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
    /// The headers, with names in lower case and repetitions preserved.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body. Empty for a successful `CONNECT`.
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

    /// The body as text. Invalid UTF-8 is replaced by U+FFFD.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The request as received by the [`Upstream`](crate::Upstream).
    ///
    /// # Errors
    ///
    /// [`Error::Json`] if the response is not from the upstream.
    pub fn received(&self) -> Result<Received, Error> {
        Ok(serde_json::from_slice(&self.body)?)
    }
}
