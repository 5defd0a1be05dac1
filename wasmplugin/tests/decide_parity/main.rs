//! Checks that `peergate decide` predicts what rules see in a real Envoy, and what Envoy answers itself.
//!
//! Hostile paths go through each of Istio's normalization modes, other requests through the sandbox's sidecar.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "what the tests share may fail as the tests do"
)]

mod case;
mod decided;
mod hostile;
mod path_proxy;
mod requests;
mod sidecar;

use std::fmt;

use policy_schema::document::PathNormalization;

use path_proxy::Proxy;

const MODES: [PathNormalization; 4] = [
    PathNormalization::None,
    PathNormalization::Base,
    PathNormalization::MergeSlashes,
    PathNormalization::DecodeAndMergeSlashes,
];

/// The outcome of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Answer {
    /// Rules see this path, without query.
    Path(Vec<u8>),
    /// Envoy answers itself, with this status.
    Refused(u16),
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => write!(f, "{}", path.escape_ascii()),
            Self::Refused(status) => write!(f, "refused with {status}"),
        }
    }
}

#[test]
fn rules_see_the_path_that_decide_predicts() {
    let paths = hostile::paths();
    let proxy = Proxy::start();
    let mut wrong = Vec::new();
    for mode in MODES {
        for (path, ours) in paths.iter().zip(decided::answers(mode, &paths)) {
            for (protocol, theirs) in proxy.answers(mode, path) {
                if ours != theirs {
                    let path = path.escape_ascii();
                    wrong.push(format!(
                        "{mode:?} {protocol}: {path}: {ours}, Envoy {theirs}"
                    ));
                }
            }
        }
    }
    let count = wrong.len();
    wrong.truncate(60);
    assert!(wrong.is_empty(), "{count} differ:\n{}", wrong.join("\n"));
}

#[test]
fn envoy_refuses_invalid_paths() {
    let proxy = Proxy::start();
    for mode in MODES {
        let request = "OPTIONS * HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
        let theirs = proxy.answer(mode, request.as_bytes());
        assert_eq!(decided::answers(mode, &[b"*".to_vec()]), [theirs]);
    }
}
