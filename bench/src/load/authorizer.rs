//! A gRPC authorizer for `ext_authz`: one look-up of the caller.

use std::collections::HashSet;
use std::sync::Arc;

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use prost::Message;
use tokio::net::TcpListener;

/// The part of `envoy.service.auth.v3.CheckRequest` that the decision needs.
#[derive(Clone, PartialEq, Message)]
struct CheckRequest {
    #[prost(message, optional, tag = "1")]
    attributes: Option<Attributes>,
}

#[derive(Clone, PartialEq, Message)]
struct Attributes {
    #[prost(message, optional, tag = "1")]
    source: Option<Peer>,
}

#[derive(Clone, PartialEq, Message)]
struct Peer {
    /// The first URI SAN of the certificate.
    #[prost(string, tag = "4")]
    principal: String,
}

/// `envoy.service.auth.v3.CheckResponse`.
#[derive(Clone, PartialEq, Message)]
struct CheckResponse {
    #[prost(message, optional, tag = "1")]
    status: Option<Status>,
}

/// `google.rpc.Status`.
#[derive(Clone, PartialEq, Message)]
struct Status {
    #[prost(int32, tag = "1")]
    code: i32,
}

const OK: i32 = 0;
const PERMISSION_DENIED: i32 = 7;

/// The compression flag and the length of a gRPC message.
const PREFIX_BYTES: usize = 5;

/// Serves gRPC until the runtime ends. Lets the callers with these SPIFFE IDs pass.
pub(super) async fn serve(listener: TcpListener, callers: HashSet<String>) {
    let callers = Arc::new(callers);
    while let Ok((stream, _)) = listener.accept().await {
        let callers = Arc::clone(&callers);
        tokio::spawn(async move {
            // Without it, answers wait for acknowledgements.
            let _ = stream.set_nodelay(true);
            let service = service_fn(move |request| check(request, Arc::clone(&callers)));
            // The proxy denies the requests of broken connections, which the client reports.
            let _ = hyper::server::conn::http2::Builder::new(TokioExecutor::new())
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

async fn check(
    request: Request<Incoming>,
    callers: Arc<HashSet<String>>,
) -> Result<
    Response<impl hyper::body::Body<Data = Bytes, Error = std::convert::Infallible>>,
    hyper::Error,
> {
    let body = request.into_body().collect().await?.to_bytes();
    let message = body.get(PREFIX_BYTES..).unwrap_or_default();
    let source = CheckRequest::decode(message)
        .ok()
        .and_then(|request| request.attributes?.source);
    let is_allowed = source.is_some_and(|source| callers.contains(&source.principal));
    let answer = CheckResponse {
        status: Some(Status {
            code: if is_allowed { OK } else { PERMISSION_DENIED },
        }),
    };
    let body = Full::from(framed(&answer)).with_trailers(async {
        let mut trailers = HeaderMap::new();
        trailers.insert("grpc-status", HeaderValue::from_static("0"));
        Some(Ok(trailers))
    });
    let mut response = Response::new(body);
    let content_type = HeaderValue::from_static("application/grpc");
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    Ok(response)
}

/// A message with its prefix.
fn framed(message: &impl Message) -> Bytes {
    let bytes = message.encode_to_vec();
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    let mut framed = vec![0];
    framed.extend(length.to_be_bytes());
    framed.extend(bytes);
    framed.into()
}
