//! Published attacks on authorization by proxies, each against both enforcement points separately:
//! the filter in one Envoy, RBAC in another. `docs/advisories.md` has the list.

mod connections;
mod headers;
mod names;
mod paths;

use peergate_sandbox::{Client, INBOUND_OPTIONAL_TLS, INBOUND_STRICT, Leaf, Request};
use peergate_tests::module;
use policy_schema::diagnostic::SourceText;
use policy_schema::envoy::{HttpFilter, http_filters};
use policy_schema::policy::PolicySet;
use policy_schema::timestamp::Timestamp;
use policy_schema::validate::{Options, validate};
use serde_json::Value;

use crate::mesh::{Mesh, WEB};

/// A policy of the workload `shop/orders`, to which the rules are added.
const DOCUMENTS: &str = "\
apiVersion: peergate.dev/v1alpha1
kind: Mesh
metadata: {name: test}
spec: {trustDomain: cluster.local, istioVersion: \"1.31\", filter: {image: \"file:///peergate_filter.wasm\"}, mtls: {mode: Permissive}}
---
apiVersion: peergate.dev/v1alpha1
kind: ServicePolicy
metadata: {name: orders, namespace: shop}
spec:
  selector: {matchLabels: {app: orders}}
  rules:
";

/// The same rules at each enforcement point.
struct EnforcementPoints {
    filter: Mesh,
    rbac: Mesh,
}

/// The HTTP filters with which each of the two enforces these rules.
pub(crate) fn filters(rules: &[&str]) -> (Vec<Value>, Vec<Value>) {
    let rules = rules.iter().map(|rule| format!("    - {rule}\n"));
    let source = SourceText {
        name: "policy.yaml".to_owned(),
        text: DOCUMENTS.to_owned() + &rules.collect::<String>(),
    };
    let options = Options {
        at: Timestamp::from_unix_nanoseconds(0),
        istio_version: None,
    };
    let validated = validate(&[source], options);
    let set: PolicySet = validated
        .policies
        .unwrap_or_else(|| panic!("{:#?}", validated.diagnostics));
    let policy = set.policies().first().unwrap();
    let (filter, rbac): (Vec<_>, Vec<_>) =
        http_filters(&set.rollout(policy), module().to_str().unwrap())
            .unwrap()
            .into_iter()
            .partition(|filter| matches!(filter, HttpFilter::Wasm(_)));
    let values = |filters: Vec<HttpFilter>| {
        let filters = filters.iter();
        filters
            .map(|filter| serde_json::to_value(filter).unwrap())
            .collect()
    };
    (values(filter), values(rbac))
}

impl EnforcementPoints {
    fn enforcing(rules: &[&str]) -> Self {
        let (filter, rbac) = filters(rules);
        Self {
            filter: Mesh::with_filters(filter),
            rbac: Mesh::with_filters(rbac),
        }
    }

    /// Calls `send` with a client for each point, with this certificate, if any.
    fn answers<T>(&self, caller: Option<&Leaf>, send: impl Fn(Client) -> T) -> [T; 2] {
        [&self.filter, &self.rbac].map(|mesh| send(client(mesh, caller)))
    }

    /// The status of each response.
    fn statuses(&self, caller: Option<&Leaf>, protocol: Protocol, request: &Request) -> [u16; 2] {
        self.answers(caller, |client| {
            let client = match protocol {
                Protocol::Http1 => client,
                Protocol::Http2 => client.http2(),
            };
            client.send(request).unwrap().status
        })
    }

    /// Asserts that both points answer `web` with this status, over both protocols.
    #[track_caller]
    fn assert_web_gets(&self, status: u16, request: &Request) {
        for protocol in [Protocol::Http1, Protocol::Http2] {
            let statuses = self.statuses(Some(&Leaf::spiffe(WEB)), protocol, request);
            assert_eq!(statuses, [status; 2], "{protocol:?}: {request:?}");
        }
    }

    /// Asserts that both points answer a caller with this certificate with this status.
    #[track_caller]
    fn assert_caller_gets(&self, status: u16, caller: &Leaf) {
        let statuses = self.statuses(Some(caller), Protocol::Http1, &Request::get("/"));
        assert_eq!(statuses, [status; 2], "{caller:?}");
    }

    /// The status lines of both points for these bytes from `web`.
    fn answers_to_bytes(&self, bytes: &[u8]) -> [Vec<String>; 2] {
        self.answers(Some(&Leaf::spiffe(WEB)), |client| {
            let answer = client.send_raw(bytes).unwrap();
            let answer = String::from_utf8_lossy(&answer).into_owned();
            let lines = answer.lines();
            lines
                .filter(|line| line.starts_with("HTTP/1.1 "))
                .map(|line| line.split(' ').nth(1).unwrap_or_default().to_owned())
                .collect()
        })
    }
}

#[derive(Clone, Copy, Debug)]
enum Protocol {
    Http1,
    Http2,
}

fn client(mesh: &Mesh, caller: Option<&Leaf>) -> Client {
    match caller {
        Some(leaf) => {
            let identity = mesh.authority.issue(leaf).unwrap();
            let client = mesh.at(INBOUND_STRICT);
            client.tls(&mesh.authority, Some(&identity)).unwrap()
        }
        None => mesh
            .at(INBOUND_OPTIONAL_TLS)
            .tls(&mesh.authority, None)
            .unwrap(),
    }
}
