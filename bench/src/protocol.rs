//! HTTP versions.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// The HTTP version of client and upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ValueEnum)]
pub enum Protocol {
    /// HTTP/1.1: one connection per stream.
    #[serde(rename = "HTTP/1.1")]
    #[value(name = "http1")]
    Http1,
    /// HTTP/2: two connections for all streams.
    #[serde(rename = "HTTP/2")]
    #[value(name = "http2")]
    Http2,
}

impl Protocol {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Http1, Self::Http2];

    /// The name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Http1 => "HTTP/1.1",
            Self::Http2 => "HTTP/2",
        }
    }
}
