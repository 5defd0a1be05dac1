//! A connection without TLS that detects TLS alerts.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// The first byte of a TLS alert. HTTP never starts with it: a response starts with `HTTP`, and the first HTTP/2 frame with
/// a zero.
const TLS_ALERT: u8 = 0x15;

/// A TCP connection that reports a TLS alert as an error. An HTTP library would report it as a malformed response or a closed
/// connection, depending on timing.
pub(super) struct PlainStream {
    tcp: TcpStream,
    /// Whether any data was read.
    answered: bool,
}

impl PlainStream {
    pub(super) fn new(tcp: TcpStream) -> Self {
        Self {
            tcp,
            answered: false,
        }
    }
}

impl AsyncRead for PlainStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.tcp).poll_read(cx, buf))?;
        let first = buf.filled().get(before);
        if first == Some(&TLS_ALERT) && !self.answered {
            buf.set_filled(before);
            let error = io::Error::new(io::ErrorKind::ConnectionAborted, "the peer requires TLS");
            return Poll::Ready(Err(error));
        }
        self.answered |= first.is_some();
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for PlainStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.tcp).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_shutdown(cx)
    }
}
