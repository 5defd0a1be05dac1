//! The named cases in `tests/corpus`: the engine, the filter in Envoy and RBAC in Envoy must all
//! decide as specified.

use std::collections::BTreeSet;
use std::fs;
use std::net::IpAddr;
use std::path::Path;

use peergate_tests::random::{Names, TestRequest};
use policy_schema::engine::PeerIp;
use policy_schema::policy::PolicySet;
use policy_schema::rule_spec::Otherwise;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::callers::Callers;
use crate::case::{documents_of, validated};
use crate::client::Answer;
use crate::compare::decisions;
use crate::proxy::Proxy;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    case: String,
    feature: String,
    istio: String,
    why: String,
    rules: Vec<Value>,
    #[serde(default)]
    otherwise: Otherwise,
    #[serde(default)]
    allowed: Vec<Asking>,
    #[serde(default)]
    denied: Vec<Asking>,
}

/// The differences from the usual request.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Asking {
    principal: Option<String>,
    #[serde(default)]
    dns_names: Vec<String>,
    common_name: Option<String>,
    #[serde(default)]
    anonymous: bool,
    method: Option<String>,
    path: Option<String>,
    host: Option<String>,
    port: Option<u16>,
    source_ip: Option<IpAddr>,
    remote_ip: Option<IpAddr>,
    forwarded_for: Option<String>,
    destination_ip: Option<IpAddr>,
    server_name: Option<String>,
    #[serde(default)]
    headers: Vec<(String, String)>,
    claims: Option<Value>,
    metadata: Option<Value>,
}

impl Asking {
    fn asked(&self) -> TestRequest {
        let bytes = |text: &Option<String>, usual: &str| {
            let text = text.clone().unwrap_or_else(|| usual.to_owned());
            Some(text.into_bytes())
        };
        let address = |address: Option<IpAddr>, usual: &str| {
            address.unwrap_or_else(|| usual.parse().unwrap())
        };
        let mut metadata = self.metadata.clone().unwrap_or_else(|| json!({}));
        if let Some(claims) = &self.claims {
            metadata["envoy.filters.http.jwt_authn"] = json!({"payload": claims});
        }
        let principal = self.principal.as_deref();
        let principal = principal.unwrap_or("spiffe://cluster.local/ns/shop/sa/web");
        let names = Names {
            dns: self.dns_names.clone(),
            common_name: self.common_name.clone(),
            ..Names::uris(principal.split(',').filter(|uri| !uri.is_empty()))
        };
        let certificate = Some(names).filter(|_| !self.anonymous);
        let is_connect = self.method.as_deref() == Some("CONNECT");
        TestRequest {
            peer: certificate.as_ref().and_then(Names::identity),
            certificate,
            is_unvalidated: false,
            method: bytes(&self.method, "GET"),
            path: bytes(&self.path, "/orders").filter(|_| !is_connect),
            host: bytes(&self.host, "orders.shop:8080"),
            port: Some(self.port.unwrap_or(8080)),
            local_ip: Some(address(self.destination_ip, "10.9.9.9")),
            peer_ip: PeerIp::Known(address(self.source_ip, "127.0.0.1")),
            remote_ip: Some(address(self.remote_ip, "10.0.0.1")),
            forwarded_for: self.forwarded_for.clone(),
            server_name: bytes(&self.server_name, "orders.shop").filter(|name| !name.is_empty()),
            headers: self
                .headers
                .iter()
                .map(|(name, value)| {
                    let name: &'static str = name.clone().leak();
                    (name, value.clone().into_bytes())
                })
                .collect(),
            metadata,
            now: 0,
        }
    }
}

fn corpus() -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "yaml")
        })
        .collect();
    files.sort();
    files
        .iter()
        .flat_map(|file| {
            let text = fs::read_to_string(file).unwrap();
            serde_saphyr::from_str::<Vec<Case>>(&text)
                .unwrap_or_else(|error| panic!("{}: {error}", file.display()))
        })
        .collect()
}

fn policy(case: &Case) -> PolicySet {
    let documents = documents_of(
        &case.rules,
        case.otherwise,
        ["cluster.local", "old.local"],
        "shop",
    );
    validated(&documents).unwrap_or_else(|| panic!("{} is not accepted", case.case))
}

#[test]
fn every_implementation_decides_each_case_as_specified() {
    let corpus = corpus();
    let sets: Vec<_> = corpus.iter().map(policy).collect();
    let mut callers = Callers::new();
    let proxy = Proxy::start(&sets.iter().collect::<Vec<_>>(), &callers);
    let mut requests = 0;
    for (number, (case, set)) in corpus.iter().zip(&sets).enumerate() {
        for (asking, is_allowed) in [(&case.allowed, true), (&case.denied, false)] {
            for asking in asking {
                let asked = asking.asked();
                let requests_of_one = std::slice::from_ref(&asked);
                let decisions = decisions(&proxy, number, set, &mut callers, requests_of_one);
                let verdict = decisions.first().unwrap();
                let context = format!("{}: {asking:?}: {verdict:?}", case.case);
                assert_eq!(verdict.policy, is_allowed, "{context}");
                assert!(!verdict.differ(), "{context}");
                let is_denied = [verdict.filter, verdict.rbac].contains(&Answer::Denied);
                assert_eq!(is_denied, !is_allowed, "{context}");
                requests += 1;
            }
        }
    }
    println!("{} cases, {requests} requests", corpus.len());
}

/// A documentation page lists the cases for each feature.
#[test]
fn the_feature_table_and_the_corpus_match() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/features.md");
    let page = fs::read_to_string(page).unwrap();
    let rows = page.lines().filter(|line| line.starts_with("| `"));
    let mut in_page = BTreeSet::new();
    for row in rows {
        let cells: Vec<_> = row.trim_matches('|').split('|').map(str::trim).collect();
        assert!(
            cells.iter().all(|cell| !cell.is_empty()),
            "an empty cell: {row}"
        );
        let [feature, .., cases] = cells.as_slice() else {
            panic!("{row}");
        };
        for case in cases.split(", ").filter(|case| case.starts_with('`')) {
            in_page.insert((
                feature.trim_matches('`').to_owned(),
                case.trim_matches('`').to_owned(),
            ));
        }
    }
    let mut names = BTreeSet::new();
    let mut in_corpus = BTreeSet::new();
    for case in corpus() {
        assert!(
            names.insert(case.case.clone()),
            "{} is there twice",
            case.case
        );
        assert!(
            !case.istio.is_empty() && !case.why.is_empty(),
            "{}",
            case.case
        );
        assert!(
            !case.allowed.is_empty() || !case.denied.is_empty(),
            "{}",
            case.case
        );
        in_corpus.insert((case.feature, case.case));
    }
    assert_eq!(in_page, in_corpus);
}
