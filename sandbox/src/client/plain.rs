//! A connection without TLS that knows when the other side insists on it.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// The first byte of a TLS alert. No HTTP begins with it: a response begins with `HTTP`, and the
/// first frame of HTTP/2 with a zero.
const TLS_ALERT: u8 = 0x15;

/// A TCP connection on which a TLS alert for an answer is an error. To an HTTP library it would be
/// an odd response or a closed connection, as the timing has it, and not the refusal that it is.
pub(super) struct PlainStream {
    tcp: TcpStream,
    /// Whether anything was read so far.
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
            let error = io::Error::new(io::ErrorKind::ConnectionAborted, "the peer demands TLS");
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
