//! The service behind the proxy, which gives every request the same short answer.

use std::convert::Infallible;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::net::TcpListener;

/// Serves HTTP/1.1 and HTTP/2 without TLS until the runtime ends.
pub(super) async fn serve(listener: TcpListener) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(async move {
            // Without it, answers wait for acknowledgements.
            let _ = stream.set_nodelay(true);
            let server = auto::Builder::new(TokioExecutor::new());
            // The client reports broken connections.
            let _ = server
                .serve_connection(TokioIo::new(stream), service_fn(answer))
                .await;
        });
    }
}

async fn answer(_request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    Ok(Response::new(Full::from(Bytes::from_static(b"ok\n"))))
}
