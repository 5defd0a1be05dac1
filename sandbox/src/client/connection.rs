//! A connection for sequential requests.

use std::convert::Infallible;
use std::error::Error as StdError;
use std::future::{Ready, ready};
use std::io;

use http_body_util::combinators::WithTrailers;
use http_body_util::{BodyExt as _, Either, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::{http1, http2};
use hyper::ext::Protocol as ConnectProtocol;
use hyper::header::{HOST, HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, Uri, Version};
use hyper_util::rt::{TokioExecutor, TokioIo};

use super::endpoint::{Endpoint, Protocol};
use super::message::{Request, Response};
use crate::CallError;

/// More than any proxy sends.
const MAX_RESPONSE_HEADER_BYTES: u32 = 1 << 20;

/// A body with or without trailers, which differ on the wire.
type Body = Either<Full<Bytes>, WithTrailers<Full<Bytes>, Trailers>>;
type Trailers = Ready<Option<Result<HeaderMap, Infallible>>>;

/// An open connection of a [`Client`](super::Client). It is closed when dropped.
#[derive(Debug)]
pub struct Connection<'a> {
    endpoint: &'a Endpoint,
    sender: Sender,
}

#[derive(Debug)]
enum Sender {
    Http1(http1::SendRequest<Body>),
    Http2(http2::SendRequest<Body>),
}

impl<'a> Connection<'a> {
    pub(super) async fn open(endpoint: &'a Endpoint) -> Result<Self, CallError> {
        let io = TokioIo::new(endpoint.open().await?);
        // Requests report connection errors, so this result is redundant.
        let sender = match endpoint.protocol {
            Protocol::Http1 => {
                let (sender, driver) = http1::handshake(io)
                    .await
                    .map_err(|error| CallError::from_http(&error))?;
                tokio::spawn(driver.with_upgrades());
                Sender::Http1(sender)
            }
            Protocol::Http2 => {
                let mut builder = http2::Builder::new(TokioExecutor::new());
                builder.max_header_list_size(MAX_RESPONSE_HEADER_BYTES);
                let (sender, driver) = builder
                    .handshake(io)
                    .await
                    .map_err(|error| CallError::from_http(&error))?;
                tokio::spawn(driver);
                Sender::Http2(sender)
            }
        };
        Ok(Self { endpoint, sender })
    }

    /// Sends a request and waits for its response.
    pub fn send(&mut self, request: &Request) -> Result<Response, CallError> {
        let endpoint = self.endpoint;
        let request = build(endpoint, request)?;
        endpoint.block_on(async {
            let response = match &mut self.sender {
                Sender::Http1(sender) => {
                    sender
                        .ready()
                        .await
                        .map_err(|error| CallError::from_http(&error))?;
                    sender.send_request(request).await
                }
                Sender::Http2(sender) => {
                    sender
                        .ready()
                        .await
                        .map_err(|error| CallError::from_http(&error))?;
                    sender.send_request(request).await
                }
            };
            read(response.map_err(|error| CallError::from_http(&error))?).await
        })
    }
}

async fn read(response: hyper::Response<Incoming>) -> Result<Response, CallError> {
    let (head, body) = response.into_parts();
    let body = body
        .collect()
        .await
        .map_err(|error| CallError::from_http(&error))?;
    Ok(Response {
        status: head.status.as_u16(),
        headers: head
            .headers
            .iter()
            .map(|(name, value)| (name.to_string(), value.as_bytes().into()))
            .collect(),
        body: body.to_bytes().into(),
    })
}

fn build(endpoint: &Endpoint, request: &Request) -> Result<hyper::Request<Body>, CallError> {
    // The parser silently drops fragments, which would invalidate tests of fragments.
    if request.target.contains('#') {
        return Err(invalid("a fragment in", &request.target));
    }
    let method = Method::from_bytes(request.method.as_bytes())
        .map_err(|_| invalid("method", &request.method))?;
    // HTTP/2 derives `:scheme` and `:authority` from an absolute URI.
    let absolute = endpoint.protocol == Protocol::Http2 && request.target.starts_with('/');
    let target = if absolute {
        let scheme = if endpoint.tls.is_some() {
            "https"
        } else {
            "http"
        };
        format!("{scheme}://{}{}", request.authority, request.target)
    } else {
        request.target.clone()
    };
    let uri: Uri = target.parse().map_err(|_| invalid("target", &target))?;

    let mut built = hyper::Request::new(body(endpoint, request)?);
    *built.method_mut() = method;
    *built.uri_mut() = uri;
    *built.version_mut() = match endpoint.protocol {
        Protocol::Http1 => Version::HTTP_11,
        Protocol::Http2 => Version::HTTP_2,
    };
    *built.headers_mut() = fields(&request.headers)?;
    if let Some(protocol) = request.protocol {
        let protocol = ConnectProtocol::from_static(protocol);
        built.extensions_mut().insert(protocol);
    }
    if endpoint.protocol == Protocol::Http1 && !built.headers().contains_key(HOST) {
        let host = HeaderValue::from_str(&request.authority)
            .map_err(|_| invalid("authority", &request.authority))?;
        built.headers_mut().insert(HOST, host);
    }
    Ok(built)
}

fn body(endpoint: &Endpoint, request: &Request) -> Result<Body, CallError> {
    let body = Full::from(request.body.clone());
    let trailers = fields(&request.trailers)?;
    match endpoint.protocol {
        _ if trailers.is_empty() => Ok(Either::Left(body)),
        // The library would silently drop them.
        Protocol::Http1 => Err(CallError::Invalid("trailers over HTTP/1.1".into())),
        Protocol::Http2 => Ok(Either::Right(body.with_trailers(ready(Some(Ok(trailers)))))),
    }
}

/// Headers or trailers.
fn fields(fields: &[(String, Vec<u8>)]) -> Result<HeaderMap, CallError> {
    let mut map = HeaderMap::new();
    for (name, value) in fields {
        let name =
            HeaderName::from_bytes(name.as_bytes()).map_err(|_| invalid("header name", name))?;
        let value = HeaderValue::from_bytes(value)
            .map_err(|_| invalid("value of header", name.as_str()))?;
        map.append(name, value);
    }
    Ok(map)
}

fn invalid(what: &str, value: &str) -> CallError {
    CallError::Invalid(format!("{what} {value:?}"))
}

impl CallError {
    /// Converts an HTTP error.
    fn from_http(error: &hyper::Error) -> Self {
        let transport = source::<io::Error>(error)
            // This error has no source.
            .or_else(|| source::<h2::Error>(error).and_then(h2::Error::get_io));
        if let Some(cause) = transport {
            return Self::from_io(cause);
        }
        let closed = error.is_closed() || error.is_canceled() || error.is_incomplete_message();
        if closed {
            Self::Refused(chain(error))
        } else if error.is_user() {
            Self::Invalid(chain(error))
        } else {
            Self::Protocol(chain(error))
        }
    }

    /// Converts a transport error.
    pub(super) fn from_io(error: &io::Error) -> Self {
        use rustls::Error as Tls;
        let tls = error
            .get_ref()
            .and_then(|inner| inner.downcast_ref::<Tls>());
        match tls {
            Some(Tls::InvalidCertificate(reason)) => Self::UntrustedServer(reason.to_string()),
            // Includes peers that respond to a TLS handshake with something other than TLS.
            _ => Self::Refused(chain(error)),
        }
    }
}

/// The first cause of type `T`.
fn source<'a, T: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a T> {
    causes(error).find_map(|cause| cause.downcast_ref())
}

/// Formats an error with its causes.
fn chain(error: &(dyn StdError + 'static)) -> String {
    causes(error).fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

fn causes<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(error.source(), |cause| (*cause).source())
}
