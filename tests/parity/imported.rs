//! Istio policies and their imports decide alike.
//!
//! Each input is evaluated three times in Envoy: with RBAC as Istio builds it from the input, and
//! with both enforcement points of the import. Requests are all combinations of a few values,
//! including those in the inputs.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::{env, fs};

use peergate_tests::random::{Names, TestRequest};
use policy_schema::diagnostic::SourceText;
use policy_schema::engine::PeerIp;
use policy_schema::envoy::{HttpFilter, rbac};
use policy_schema::import::{Options, import};
use policy_schema::istio::AuthorizationPolicy;
use policy_schema::policy::PolicySet;
use serde_json::{Value, json};

use crate::callers::Callers;
use crate::case::validated;
use crate::client::{Answer, ask_all};
use crate::proxy::{Proxy, filters, http_chain};

#[test]
fn imported_policies_decide_like_istios() {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("parity/import");
    let mut inputs = inputs_of(&own);
    assert!(inputs.len() > 5);
    match env::var_os("ISTIO_AUTHZ_EXAMPLES") {
        Some(folder) => inputs.extend(inputs_of(Path::new(&folder))),
        None => println!("skipped: set ISTIO_AUTHZ_EXAMPLES to the folder with Istio's examples"),
    }
    let mut callers = Callers::new();
    for input in inputs {
        compare(&input, &mut callers);
    }
}

fn inputs_of(folder: &Path) -> Vec<PathBuf> {
    let mut inputs: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_str().unwrap().ends_with("-in.yaml"))
        .collect();
    inputs.sort();
    inputs
}

fn compare(input: &Path, callers: &mut Callers) {
    let text = fs::read_to_string(input).unwrap();
    let objects: Vec<Value> = serde_saphyr::from_multiple(&text).unwrap();
    let objects: Vec<AuthorizationPolicy> = objects
        .into_iter()
        .map(|object| serde_json::from_value(object).unwrap())
        .collect();
    let set = imported(input, text);
    // Every input is for one workload, so the leader enforces all other policies.
    let leading = set
        .policies()
        .iter()
        .max_by_key(|policy| policy.followers().count());
    let (wasm, rbac): (Vec<_>, Vec<_>) = filters(&set, leading.unwrap())
        .into_iter()
        .partition(|filter| matches!(filter, HttpFilter::Wasm(_)));
    let istio = rbac::http_filters(&objects, set.mesh().trust_domains());
    let istio: Vec<_> = istio.into_iter().map(HttpFilter::Rbac).collect();
    let listeners = [("istio", istio), ("rbac", rbac), ("filter", wasm)]
        .map(|(name, filters)| (name.to_owned(), http_chain(&filters)));
    let proxy = Proxy::start_with(&listeners, callers);
    let mut allowed = 0;
    let mut all = 0;
    for requests in requests() {
        let mut ask = |name| ask_all(proxy.named(name), callers, &requests).unwrap();
        let (istio, rbac, filter) = (ask("istio"), ask("rbac"), ask("filter"));
        for (position, asked) in requests.iter().enumerate() {
            assert_eq!(
                rbac[position],
                istio[position],
                "{}: {asked:#?}",
                input.display()
            );
            // Each enforcement point may leave conditions that it does not see to the other, but no
            // others.
            let both = [rbac[position], filter[position]].contains(&Answer::Denied);
            assert_eq!(
                both,
                istio[position] == Answer::Denied,
                "{}: {asked:#?}",
                input.display()
            );
            allowed += usize::from(istio[position] == Answer::Allowed);
            all += 1;
        }
    }
    println!("{}: {allowed} of {all} requests allowed", input.display());
    // One of Istio's examples allows only a name that no caller can have.
    let can_allow = !input.ends_with("http-deny-and-allow-in.yaml");
    assert!(
        (allowed > 0 || !can_allow) && allowed < all,
        "{}",
        input.display()
    );
}

fn imported(input: &Path, text: String) -> PolicySet {
    let source = SourceText {
        name: input.display().to_string(),
        text,
    };
    let imported = import(&[source], &Options::default());
    let documents = imported
        .documents
        .unwrap_or_else(|| panic!("{:#?}", imported.findings));
    let mesh = serde_json::to_value(&documents.mesh).unwrap();
    let policies = documents.policies.iter();
    let policies = policies.map(|policy| serde_json::to_value(&policy.document).unwrap());
    let all: Vec<Value> = std::iter::once(mesh).chain(policies).collect();
    validated(&all).unwrap_or_else(|| panic!("{all:#?}"))
}

/// Requests, by connection.
fn requests() -> Vec<Vec<TestRequest>> {
    let peers = [
        None,
        Some("spiffe://cluster.local/ns/foo/sa/httpbin"),
        Some("spiffe://cluster.local/ns/default/sa/sleep"),
        Some("spiffe://cluster.local/ns/ns-1/sa/a"),
        Some("spiffe://cluster.local/ns/namespaces2/sa/b"),
    ];
    let address = |text: &str| text.parse::<IpAddr>().unwrap();
    let connections = [
        (80, address("10.0.0.1"), address("127.0.0.1")),
        (8080, address("1.2.3.4"), address("127.0.0.2")),
        (9090, address("203.0.113.7"), address("127.0.0.1")),
    ];
    let jwts = [
        None,
        Some(
            json!({"iss": "testing@secure.istio.io", "sub": "testing@secure.istio.io", "groups": ["group1", "group2"]}),
        ),
        Some(
            json!({"iss": "https://accounts.example", "sub": "bob", "groups": "group2", "scope": "read"}),
        ),
    ];
    let mut all = Vec::new();
    for peer in peers {
        for (port, remote_ip, peer_ip) in connections {
            let mut requests = Vec::new();
            for jwt in &jwts {
                for (method, path) in [
                    ("GET", "/v1"),
                    ("GET", "/headers"),
                    ("POST", "/admin/x"),
                    ("PUT", "/healthz"),
                    ("GET", "/info/1?a=b"),
                    ("HEAD", "/"),
                ] {
                    for (host, header) in [
                        ("httpbin.org", None),
                        ("Admin.example:8080", Some("abc1")),
                        ("x", Some("admin")),
                    ] {
                        requests.push(TestRequest {
                            peer: peer.map(|peer| peer.as_bytes().to_vec()),
                            certificate: peer.map(|peer| Names::uris([peer])),
                            is_unvalidated: false,
                            method: Some(method.into()),
                            path: Some(path.into()),
                            host: Some(host.into()),
                            port: Some(port),
                            local_ip: Some(address("10.9.9.9")),
                            peer_ip: PeerIp::Known(peer_ip),
                            remote_ip: Some(remote_ip),
                            forwarded_for: None,
                            server_name: Some(b"httpbin.org".to_vec()),
                            headers: header
                                .map(|value| ("X-abc", value.as_bytes().to_vec()))
                                .into_iter()
                                .collect(),
                            metadata: match jwt {
                                Some(jwt) => {
                                    json!({"envoy.filters.http.jwt_authn": {"payload": jwt}})
                                }
                                None => json!({}),
                            },
                            now: 0,
                        });
                    }
                }
            }
            all.push(requests);
        }
    }
    all
}
