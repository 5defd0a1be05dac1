//! The table of decisions: policies as plugin config JSON, requests and expected results. It runs
//! natively and, compiled to WebAssembly, on Node.

mod callers;
mod certificates;
mod configs;
mod requests;
mod rules;
mod spellings;

use peergate_engine::engine::{CompiledPolicy, Request};
use peergate_engine::identity::PeerIdentity;
use peergate_engine::timestamp::Timestamp;
use serde_json::{Value, json};

pub(crate) use callers::{
    checks_the_caller_before_any_rule, matches_callers_by_account_namespace_and_trust_domain,
    matches_principals_in_every_spelling,
};
pub(crate) use certificates::{
    an_unvalidated_certificate_gives_no_identity,
    client_certificates_are_neither_mesh_identities_nor_anonymous,
    client_certificates_count_only_at_gateways, excludes_client_certificates_by_any_name,
    matches_client_certificates_by_any_name,
};
pub(crate) use configs::rejects_configs_with_unknown_or_invalid_parts;
pub(crate) use requests::{
    matches_requests_by_method_path_host_and_port, missing_attributes_count_against_the_caller,
};
pub(crate) use rules::{
    a_shadow_policy_lets_every_request_pass, applies_rules_within_their_validity,
    deny_precedes_allow_and_the_first_rule_is_reported, distinguishes_a_thousand_rules,
    distinguishes_templates_with_a_common_prefix_or_suffix,
    shadow_rules_are_recorded_and_never_decide,
};
pub(crate) use spellings::{
    a_repeated_header_is_denied_by_any_value_and_allowed_by_all,
    allows_an_ambiguous_host_only_as_listed, denies_a_host_in_every_spelling,
    templates_deny_every_character_and_allow_istios,
};

const CART: &str = "spiffe://cluster.local/ns/shop/sa/cart";
const WEB: &str = "spiffe://cluster.local/ns/shop/sa/web";
const OLD_CART: &str = "spiffe://old.local/ns/shop/sa/cart";
const BATCH: &str = "spiffe://cluster.local/ns/batch/sa/run";
const VM: &str = "spiffe://cluster.local/vm/7";

/// A request, by its differences from the usual one.
#[derive(Clone, Copy)]
struct TestRequest {
    peer: Option<&'static str>,
    method: Option<&'static str>,
    path: Option<&'static str>,
    host: Option<&'static str>,
    port: Option<u16>,
    headers: &'static [(&'static str, &'static str)],
    server_name: Option<&'static str>,
    now: &'static str,
}

const USUAL: TestRequest = TestRequest {
    peer: Some(CART),
    method: Some("GET"),
    path: Some("/orders"),
    host: Some("orders.shop:8080"),
    port: Some(8080),
    headers: &[],
    server_name: None,
    now: "2026-06-01T00:00:00Z",
};

const fn by(peer: &'static str) -> TestRequest {
    TestRequest {
        peer: Some(peer),
        ..USUAL
    }
}

const fn to(method: &'static str, path: &'static str) -> TestRequest {
    TestRequest {
        method: Some(method),
        path: Some(path),
        ..USUAL
    }
}

const fn path(path: &'static str) -> TestRequest {
    to("GET", path)
}

const fn host(host: &'static str) -> TestRequest {
    TestRequest {
        host: Some(host),
        ..USUAL
    }
}

const fn port(port: u16) -> TestRequest {
    TestRequest {
        port: Some(port),
        ..USUAL
    }
}

const fn at(now: &'static str) -> TestRequest {
    TestRequest { now, ..USUAL }
}

const ANONYMOUS: TestRequest = TestRequest {
    peer: None,
    ..USUAL
};

/// A request with only a caller.
const BARE: TestRequest = TestRequest {
    method: None,
    path: None,
    host: None,
    port: None,
    ..USUAL
};

fn config(rules: &Value) -> Value {
    json!({
        "apiVersion": "peergate.dev/v1alpha1",
        "mesh": {"trustDomain": "cluster.local", "trustDomainAliases": ["old.local"]},
        "policy": {"namespace": "shop", "name": "orders"},
        "rules": rules,
    })
}

fn compile(rules: &Value) -> CompiledPolicy {
    CompiledPolicy::from_json(config(rules).to_string().as_bytes())
        .unwrap_or_else(|error| panic!("{error}: {rules}"))
}

/// The reason code, its rule, then the shadow rules that match.
fn answer(policy: &CompiledPolicy, asked: TestRequest) -> String {
    let headers = asked.headers.iter();
    let headers: Vec<_> = headers
        .map(|(name, value)| (*name, value.as_bytes()))
        .collect();
    let request = Request {
        headers: &headers,
        server_name: asked.server_name.map(str::as_bytes),
        method: asked.method.map(str::as_bytes),
        path: asked.path.map(str::as_bytes),
        authority: asked.host.map(str::as_bytes),
        port: asked.port,
        ..Request::from_peer(
            PeerIdentity::from_uri_san(asked.peer.map(str::as_bytes)),
            Timestamp::parse(asked.now).expect("a time"),
        )
    };
    let reason = policy.evaluate(&request).reason();
    let rule = reason.rule().map(|rule| format!(" {}", rule.id()));
    let shadow = policy.recorded_matches(&request);
    let shadow = shadow.map(|rule| format!(" ~{}", rule.id()));
    let parts = std::iter::once(reason.code().to_string());
    parts.chain(rule).chain(shadow).collect()
}

fn assert_answers(rules: &Value, cases: &[(TestRequest, &str)]) {
    let policy = compile(rules);
    for &(asked, expected) in cases {
        let TestRequest {
            peer,
            method,
            path,
            host,
            port,
            headers,
            server_name,
            now,
        } = asked;
        assert_eq!(
            answer(&policy, asked),
            expected,
            "{peer:?} {method:?} {path:?} {host:?} {port:?} {headers:?} {server_name:?} {now} on {rules}"
        );
    }
}

const OK: &str = "allowed-by-rule r";
const NONE: &str = "no-rule-matched";

/// Checks the same rule with `Allow` and with `Deny`.
fn assert_matches(rule: &Value, matching: &[TestRequest], others: &[TestRequest]) {
    for (effect, code) in [("Allow", OK), ("Deny", "denied-by-rule r")] {
        let mut rule = rule.clone();
        rule["id"] = json!("r");
        rule["effect"] = json!(effect);
        let cases = matching.iter().map(|&asked| (asked, code));
        let cases: Vec<_> = cases
            .chain(others.iter().map(|&asked| (asked, NONE)))
            .collect();
        assert_answers(&json!([rule]), &cases);
    }
}
