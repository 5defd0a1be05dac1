//! Random conditions of rules.

use policy_schema::rule_spec::ConditionSpec;
use proptest::option::weighted;
use proptest::prelude::*;

use super::operation::port;
use super::source::{account, block, namespace, principal, request_principal, trust_domain};
use super::values::{list, pattern};
use crate::random::alphabet::PATHS;

/// A key with `values`, `notValues`, or both.
pub(super) fn condition() -> impl Strategy<Value = ConditionSpec> {
    fn on<V: Strategy<Value = String> + Clone + 'static>(
        key: &'static str,
        value: V,
    ) -> BoxedStrategy<ConditionSpec> {
        (
            weighted(0.7, list(value.clone())),
            weighted(0.4, list(value)),
        )
            .prop_map(move |(values, not_values)| {
                let has_either = values.is_some() || not_values.is_some();
                ConditionSpec {
                    key: key.to_owned(),
                    values: values.or_else(|| (!has_either).then(|| vec![String::new()])),
                    not_values,
                }
            })
            .prop_filter("has values", |condition| {
                condition.values.as_deref() != Some(&[String::new()])
            })
            .boxed()
    }
    let groups = pattern(&["a", "ab", "b"]);
    let element = (groups.clone(), any::<bool>()).prop_map(|(text, is_element)| {
        if is_element {
            format!("[{text}]")
        } else {
            text
        }
    });
    prop_oneof![
        on("source.principal", principal()),
        on("source.serviceAccount", account()),
        on("source.namespace", namespace()),
        on("source.trustDomain", trust_domain()),
        on("source.ip", block()),
        on("remote.ip", block()),
        on("destination.ip", block()),
        on("destination.port", port().prop_map(|port| port.to_string())),
        on("connection.sni", pattern(&["a.b", "ab"])),
        on("request.auth.principal", request_principal()),
        on("request.auth.audiences", groups.clone()),
        on("request.auth.presenter", groups.clone()),
        on("request.auth.claims[groups]", groups.clone()),
        on("request.auth.claims[realm][roles]", groups),
        on("request.headers[X-a]", pattern(&["a", "ab", "A", "a,b"])),
        on("request.headers[cookie]", pattern(&["a=b", "b", "a;b"])),
        on("request.headers[:path]", pattern(&PATHS)),
        on("request.headers[host]", pattern(&["a.b", "ab"])),
        on("experimental.envoy.filters.f[k]", element),
    ]
}
