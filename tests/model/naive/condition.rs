//! The conditions of a rule.

use peergate_tests::random::TestRequest;
use policy_schema::plugin_config::PluginConfig;
use policy_schema::rule_spec::{ConditionSpec, Effect, SourceSpec};
use serde_json::Value;

use super::caller::Caller;
use super::field::{Stops, field};
use super::host::{host_matches, takes_host};
use super::source::{block_matches, identity_matches, other_fields_match};
use super::text::{bytes_of, header_matches, latin1, list_matches, parts, text_matches};

pub(super) fn condition_matches(
    config: &PluginConfig,
    effect: Effect,
    condition: &ConditionSpec,
    caller: &Caller,
    asked: &TestRequest,
) -> bool {
    let values = || condition.values.clone();
    let not_values = || condition.not_values.clone();
    let source = |source: SourceSpec| identity_matches(config, effect, &source, caller);
    let beyond = |source: SourceSpec| other_fields_match(effect, &source, asked);
    let default = SourceSpec::default;
    // An attribute with any number of values, each compared by itself.
    let each = |texts: Vec<Vec<u8>>, matches: fn(&str, &[u8]) -> bool| {
        let has = |values: &[String]| {
            values
                .iter()
                .any(|value| texts.iter().any(|text| matches(value, text)))
        };
        condition.values.as_deref().is_none_or(has)
            && !condition.not_values.as_deref().is_some_and(has)
    };
    // A header that a client may repeat: for the request to pass, all values must match, and all
    // parts of values that are not listed as a whole.
    let in_parts =
        |texts: Vec<Vec<u8>>, separators: &str, matches: &dyn Fn(&str, &[u8], Stops) -> bool| {
            let has = |values: &[String], stops: Stops| {
                let has_text = |text: &[u8]| values.iter().any(|value| matches(value, text, stops));
                let mut matching = texts.iter().map(|text| {
                    let is_listed = || values.iter().any(|value| value.as_bytes() == *text);
                    let parts = || parts(text, separators);
                    has_text(text)
                        && (stops
                            || separators.is_empty()
                            || is_listed()
                            || parts().all(|part| has_text(&part)))
                });
                if stops {
                    let mut lists = values.iter();
                    matching.any(|is_match| is_match)
                        || lists.any(|value| list_matches(value, &texts, separators))
                } else {
                    !texts.is_empty() && matching.all(|is_match| is_match)
                }
            };
            let is_allow = effect == Effect::Allow;
            condition
                .values
                .as_deref()
                .is_none_or(|values| has(values, !is_allow))
                && !condition
                    .not_values
                    .as_deref()
                    .is_some_and(|values| has(values, is_allow))
        };
    let spelled =
        |texts, matches: &dyn Fn(&str, &[u8], Stops) -> bool| in_parts(texts, "", matches);
    let header = |name: &str| -> Vec<Vec<u8>> {
        let headers = asked.headers.iter();
        let headers = headers.filter(|(other, _)| other.to_ascii_lowercase() == name);
        headers.map(|(_, value)| value.clone()).collect()
    };
    let claim = |path: &[&str]| {
        let mut value = &asked.metadata["envoy.filters.http.jwt_authn"]["payload"];
        for key in path {
            value = &value[key];
        }
        let (mut whole, elements) = texts_of(value);
        whole.extend(elements);
        each(whole, text_matches)
    };
    match condition.key.as_str() {
        "source.principal" => source(SourceSpec {
            principals: values(),
            not_principals: not_values(),
            ..default()
        }),
        "source.serviceAccount" => source(SourceSpec {
            service_accounts: values(),
            not_service_accounts: not_values(),
            ..default()
        }),
        "source.namespace" => source(SourceSpec {
            namespaces: values(),
            not_namespaces: not_values(),
            ..default()
        }),
        "source.trustDomain" => source(SourceSpec {
            trust_domains: values(),
            not_trust_domains: not_values(),
            ..default()
        }),
        "source.ip" => beyond(SourceSpec {
            ip_blocks: values(),
            not_ip_blocks: not_values(),
            ..default()
        }),
        "remote.ip" => beyond(SourceSpec {
            remote_ip_blocks: values(),
            not_remote_ip_blocks: not_values(),
            ..default()
        }),
        "request.auth.principal" => beyond(SourceSpec {
            request_principals: values(),
            not_request_principals: not_values(),
            ..default()
        }),
        "destination.ip" => field(
            effect,
            condition.values.as_deref(),
            condition.not_values.as_deref(),
            asked.local_ip,
            |block, address, _| block_matches(block, address),
        ),
        "destination.port" => field(
            effect,
            condition.values.as_deref(),
            condition.not_values.as_deref(),
            asked.port,
            |value, port, _| *value == port.to_string(),
        ),
        "connection.sni" => spelled(
            asked.server_name.clone().into_iter().collect(),
            &|pattern, name, stops| {
                let latin1 = latin1(name);
                let without_dots = latin1.trim_end_matches('.');
                text_matches(pattern, name)
                    || (stops && text_matches(pattern, &bytes_of(without_dots)))
            },
        ),
        "request.auth.audiences" => claim(&["aud"]),
        "request.auth.presenter" => claim(&["azp"]),
        "request.auth.claims[groups]" => claim(&["groups"]),
        "request.auth.claims[realm][roles]" => claim(&["realm", "roles"]),
        "request.headers[X-a]" => in_parts(header("x-a"), ",", &|pattern, value, stops| {
            header_matches(pattern, value)
                || (stops && parts(value, ",").any(|part| header_matches(pattern, &part)))
        }),
        "request.headers[cookie]" => in_parts(header("cookie"), ",;", &|pattern, value, stops| {
            header_matches(pattern, value)
                || (stops && parts(value, ",;").any(|part| header_matches(pattern, &part)))
        }),
        "request.headers[:path]" => spelled(
            asked.path.clone().into_iter().collect(),
            &|pattern, path, _| header_matches(pattern, path),
        ),
        "request.headers[host]" => in_parts(
            asked
                .host
                .clone()
                .into_iter()
                .chain(header("host"))
                .collect(),
            ",",
            &|pattern, host, stops| {
                (header_matches(pattern, host) && (stops || takes_host(pattern, host)))
                    || (stops && parts(host, ",").any(|part| header_matches(pattern, &part)))
                    || (stops && host_matches(pattern, host, stops))
            },
        ),
        "experimental.envoy.filters.f[k]" => {
            let (whole, elements) = texts_of(&asked.metadata["f"]["k"]);
            let has = |values: &[String]| {
                values.iter().any(|value| {
                    match value.strip_prefix('[').and_then(|v| v.strip_suffix(']')) {
                        Some(value) => elements.iter().any(|text| text_matches(value, text)),
                        None => whole.iter().any(|text| text_matches(value, text)),
                    }
                })
            };
            condition.values.as_deref().is_none_or(has)
                && !condition.not_values.as_deref().is_some_and(has)
        }
        other => panic!("a key that is never generated: {other}"),
    }
}

/// The text of a value, and the texts in it if it is a list.
fn texts_of(value: &Value) -> (Vec<Vec<u8>>, Vec<Vec<u8>>) {
    let bytes = |text: &str| text.as_bytes().to_vec();
    let whole = value.as_str().map(bytes).into_iter().collect();
    let elements = value.as_array().into_iter().flatten();
    (
        whole,
        elements.filter_map(Value::as_str).map(bytes).collect(),
    )
}
