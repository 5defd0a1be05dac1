//! Headers that a client repeats.

use peergate_sandbox::{Client, Request};
use policy_schema::matching::header::{JOINED_BY_ENVOY, repeat_separator};
use policy_schema::plugin_config::PluginConfig;
use policy_schema::rule_spec::RuleSpec;
use serde_json::json;

use crate::mesh::{Mesh, WEB, plugin_config};

/// Headers whose repeats reach filters separately.
const APART: [&str; 20] = [
    "accept-language",
    "b3",
    "baggage",
    "content-language",
    "forwarded",
    "grpc-encoding",
    "proxy-authorization",
    "range",
    "sec-fetch-site",
    "traceparent",
    "tracestate",
    "x-api-key",
    "x-b3-traceid",
    "x-envoy-original-dst-host",
    "x-envoy-peer-metadata",
    "x-forwarded",
    "x-http-method-override",
    "x-original-url",
    "x-real-ip",
    "x-tenant",
];

/// Only rules with a header allow this path.
const PATH: &str = "/joined";

/// A rule that allows requests with exactly this value in the header.
fn allowance(id: &str, name: &str, value: &str) -> RuleSpec {
    let rule = json!({
        "id": id,
        "effect": "Allow",
        "to": [{"paths": [PATH]}],
        "when": [{"key": format!("request.headers[{name}]"), "values": [value]}],
    });
    serde_json::from_value(rule).unwrap()
}

/// The workload's policy with these additional rules.
fn with_rules(rules: Vec<RuleSpec>) -> String {
    plugin_config(|config: &mut PluginConfig| config.rules.extend(rules))
}

/// Whether a request with the repeated header is allowed. Envoy accepts most `x-envoy-` headers
/// only from internal addresses.
fn allows_twice(client: &Client, name: &str) -> bool {
    let mut request = Request::get(PATH).header(name, "1").header(name, "2");
    if name != "x-forwarded-for" {
        request = request.header("x-forwarded-for", "10.0.0.1");
    }
    let response = client.send(&request).unwrap();
    assert!(
        [200, 403].contains(&response.status),
        "{name}: {response:?}"
    );
    response.status == 200
}

/// The filter sees joined values as `1,2`. In an `Allow` rule, each value must match.
#[test]
fn envoy_joins_repeats_of_exactly_the_listed_headers() {
    let listed = JOINED_BY_ENVOY.into_iter();
    let rules = listed.chain(APART).enumerate().map(|(index, name)| {
        let separator = repeat_separator(name).map_or(",", |separator| separator.text());
        allowance(&format!("joined-{index}"), name, &format!("1{separator}2"))
    });
    let mesh = Mesh::with_internal_clients(with_rules(rules.collect()));
    let mut wrong = Vec::new();
    for http2 in [false, true] {
        let client = mesh.client_as(WEB);
        let client = if http2 { client.http2() } else { client };
        for name in JOINED_BY_ENVOY.into_iter().chain(APART) {
            let is_joined = match name {
                // HTTP/2 rejects a `host` that differs from `:authority`.
                "host" if http2 => continue,
                // The proxy adds its own value.
                "x-forwarded-client-cert" => continue,
                "cookie" => http2,
                name => !APART.contains(&name),
            };
            if allows_twice(&client, name) != is_joined {
                wrong.push((name, http2));
            }
        }
    }
    assert_eq!(wrong, []);
    mesh.assert_still_serves();
}
