//! An Envoy with a listener for each of Istio's normalization modes. It responds with the path that its filters saw.

use std::collections::BTreeMap;

use peergate_sandbox::{CallError, Client, Envoy, EnvoyBinary, Request};
use policy_schema::document::PathNormalization;
use serde_json::{Value, json};

use crate::{Answer, MODES};

/// The response header with the path.
const SEEN: &str = "x-seen-path";

pub(crate) struct Proxy {
    http1: BTreeMap<PathNormalization, Client>,
    http2: BTreeMap<PathNormalization, Client>,
    _envoy: Envoy,
}

impl Proxy {
    pub(crate) fn start() -> Self {
        let listeners: Vec<_> = MODES.into_iter().map(listener).collect();
        let bootstrap = json!({
            "admin": {"address": any_port()},
            "layered_runtime": runtime(),
            "static_resources": {"listeners": listeners},
        });
        let binary = EnvoyBinary::find(None).unwrap();
        let envoy = Envoy::start(&binary, &bootstrap).unwrap();
        let client = |mode| Client::new(envoy.listener(&name(mode)).unwrap()).unwrap();
        Self {
            http1: MODES.map(|mode| (mode, client(mode))).into(),
            http2: MODES.map(|mode| (mode, client(mode).http2())).into(),
            _envoy: envoy,
        }
    }

    /// The outcomes of the path in each HTTP version that can carry it.
    pub(crate) fn answers(
        &self,
        mode: PathNormalization,
        path: &[u8],
    ) -> Vec<(&'static str, Answer)> {
        let mut answers = Vec::new();
        // An HTTP/1.1 request line is ASCII.
        if path.is_ascii() {
            let request = [
                b"GET ",
                path,
                b" HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
            ]
            .concat();
            answers.push(("HTTP/1.1", self.answer(mode, &request)));
        }
        let target = std::str::from_utf8(path).ok();
        if let Some(target) = target {
            let request = Request::new("GET", target).authority("a");
            match self.http2.get(&mode).unwrap().send(&request) {
                Ok(response) => {
                    let seen = response.header(SEEN).map(without_query);
                    let answer = seen.map_or(Answer::Refused(response.status), Answer::Path);
                    answers.push(("HTTP/2", answer));
                }
                // The client library refuses invalid URIs.
                Err(CallError::Invalid(_)) => {}
                Err(error) => panic!("{target}: {error}"),
            }
        }
        answers
    }

    /// The outcome of a raw request.
    pub(crate) fn answer(&self, mode: PathNormalization, request: &[u8]) -> Answer {
        let response = self.http1.get(&mode).unwrap().send_raw(request).unwrap();
        let header = format!("\r\n{SEEN}: ").into_bytes();
        let start = response
            .windows(header.len())
            .position(|part| part == header)
            .map(|position| position + header.len());
        if let Some(rest) = start.and_then(|start| response.get(start..)) {
            let line = rest.split(|byte| *byte == b'\r').next().unwrap();
            return Answer::Path(without_query(line));
        }
        let status = response.get(9..12).unwrap();
        Answer::Refused(std::str::from_utf8(status).unwrap().parse().unwrap())
    }
}

/// The runtime flags of Istio's proxies.
pub(crate) fn runtime() -> Value {
    json!({"layers": [{
        "name": "istio",
        "static_layer": {"envoy.reloadable_features.http_reject_path_with_fragment": false},
    }]})
}

fn without_query(path: &[u8]) -> Vec<u8> {
    let mut parts = path.splitn(2, |byte| *byte == b'?');
    parts.next().unwrap_or_default().to_vec()
}

fn name(mode: PathNormalization) -> String {
    format!("{mode:?}")
}

fn any_port() -> Value {
    json!({"socket_address": {"address": "127.0.0.1", "port_value": 0}})
}

/// Istio's settings for a mode (`pilot/pkg/networking/core`, `buildHTTPConnectionManager`).
fn listener(mode: PathNormalization) -> Value {
    let slashes = match mode {
        PathNormalization::DecodeAndMergeSlashes => "UNESCAPE_AND_FORWARD",
        _ => "KEEP_UNCHANGED",
    };
    let seen = json!({"header": {"key": SEEN, "value": "%REQ(:PATH)%"}});
    let manager = json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "paths",
        // Close connections after the response.
        "delayed_close_timeout": "0s",
        "normalize_path": mode != PathNormalization::None,
        "merge_slashes": mode >= PathNormalization::MergeSlashes,
        "path_with_escaped_slashes_action": slashes,
        "route_config": {"virtual_hosts": [{
            "name": "all",
            "domains": ["*"],
            "response_headers_to_add": [seen],
            "routes": [{"match": {"prefix": "/"}, "direct_response": {"status": 200}}],
        }]},
        "http_filters": [{
            "name": "envoy.filters.http.router",
            "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"},
        }],
    });
    json!({
        "name": name(mode),
        "address": any_port(),
        "filter_chains": [{"filters": [{
            "name": "envoy.filters.network.http_connection_manager",
            "typed_config": manager,
        }]}],
    })
}
