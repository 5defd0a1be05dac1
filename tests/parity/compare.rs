//! What three deciders say of the same requests.

use std::fmt;

use peergate_tests::random::Asked;
use policy_schema::engine::{CompiledPolicy, PeerIp};
use policy_schema::plugin_config::PluginConfig;
use policy_schema::policy::PolicySet;
use policy_schema::rule_spec::Otherwise;
use serde_json::Value;

use crate::callers::Callers;
use crate::case::{documents, understand};
use crate::client::{Answer, ask_all};
use crate::proxy::{Plane, Proxy};
use crate::shrink::shrink;

/// The rules of a policy, what becomes of other requests, and the requests by connection.
pub(crate) type Case = ((Vec<Value>, Otherwise), Vec<Vec<Asked>>);

/// How much was compared.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) policies: u32,
    pub(crate) requests: u32,
    allowed: u32,
    denied: u32,
    refused: u32,
    known_differences: u32,
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "parity: {} requests of {} policies: {} allowed, {} denied, {} refused by the proxy; 0 differences, {} known ones",
            self.requests,
            self.policies,
            self.allowed,
            self.denied,
            self.refused,
            self.known_differences
        )
    }
}

impl Counts {
    /// Fails where the proxy itself refused much: of that, nothing is compared.
    pub(crate) fn assert_hardly_refused(&self) {
        assert!(self.refused < self.requests / 20, "{self}");
    }
}

/// What is said of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Verdicts {
    /// By the engine, that knows everything.
    pub(crate) policy: bool,
    /// By the engine, that knows what the filter does.
    pub(crate) policy_in_filter: bool,
    pub(crate) filter: Answer,
    pub(crate) rbac: Answer,
    /// Whether the caller has other names than one SPIFFE ID: RBAC goes by any of them, the filter
    /// by none.
    pub(crate) has_odd_identity: bool,
    /// Whether the request has spellings that RBAC does not see through, so that it may stop fewer.
    pub(crate) is_spelled_oddly: bool,
}

impl Verdicts {
    pub(crate) fn is_refused(&self) -> bool {
        self.filter == Answer::Refused && self.rbac == Answer::Refused
    }

    /// Whether somebody decides otherwise than the policy says.
    pub(crate) fn differ(&self) -> bool {
        let says = |allowed| {
            if allowed {
                Answer::Allowed
            } else {
                Answer::Denied
            }
        };
        let rbac_differs = self.rbac != says(self.policy) && !self.has_odd_identity;
        let stops_fewer = self.is_spelled_oddly && self.rbac == Answer::Allowed;
        // Where one of two rules is about the peer's address and clients can get round the other,
        // `validate` warns.
        let is_warned_of = stops_fewer && self.policy_in_filter != self.policy;
        !self.is_refused()
            && (self.filter != says(self.policy_in_filter)
                || (rbac_differs && !stops_fewer)
                // Together they let through what the policy allows, and nothing else.
                || (self.filter == Answer::Allowed
                    && self.rbac == Answer::Allowed
                    && !self.policy
                    && !is_warned_of))
    }
}

/// Compares the verdicts of a batch of policies, in one Envoy. Panics at the first difference, made
/// small.
pub(crate) fn compare(batch: &[Case], callers: &mut Callers, counts: &mut Counts) {
    let understood: Vec<_> = batch
        .iter()
        .filter_map(|((rules, otherwise), connections)| {
            let set = understand(&documents(rules, *otherwise))?;
            Some((rules, *otherwise, connections, set))
        })
        .collect();
    let sets: Vec<_> = understood.iter().map(|(.., set)| set).collect();
    let proxy = Proxy::start(&sets, callers);
    for (number, (rules, otherwise, connections, set)) in understood.iter().enumerate() {
        counts.policies += 1;
        for requests in *connections {
            let verdicts = verdicts(&proxy, number, set, callers, requests);
            for (asked, verdicts) in requests.iter().zip(verdicts) {
                counts.requests += 1;
                match verdicts.policy {
                    _ if verdicts.is_refused() => counts.refused += 1,
                    true => counts.allowed += 1,
                    false => counts.denied += 1,
                }
                if verdicts.differ() {
                    shrink(rules, *otherwise, asked, callers);
                }
                let expected = verdicts.policy == (verdicts.rbac == Answer::Allowed);
                counts.known_differences += u32::from(!verdicts.is_refused() && !expected);
            }
        }
    }
}

/// Whether a client wrote something in a way that [`Reading`](policy_schema::matching::Reading) is about.
fn is_spelled_oddly(asked: &Asked) -> bool {
    let names: Vec<_> = asked
        .headers
        .iter()
        .map(|(name, _)| name.to_ascii_lowercase())
        .collect();
    let is_repeated = |name: &String| names.iter().filter(|other| *other == name).count() > 1;
    let has = |bytes: &[u8], odd: &[u8]| bytes.iter().any(|byte| odd.contains(byte));
    let path = asked.path.as_deref().unwrap_or_default();
    let host = asked.host.as_deref().unwrap_or_default();
    let name = asked.server_name.as_deref().unwrap_or_default();
    names.iter().any(is_repeated)
        || asked.headers.iter().any(|(_, value)| has(value, b",;"))
        || !path.is_ascii()
        || has(path, b"[]|^{}\"<>\\`")
        || has(host, b"@,")
        || host.ends_with(b":")
        || host.ends_with(b".")
        || host.windows(2).any(|pair| pair == b".:" || pair == b":0")
        || name.ends_with(b".")
}

/// Whether the host has capital letters, which RBAC tells from small ones in conditions on headers.
fn has_capitals(asked: &Asked) -> bool {
    let mut bytes = asked.host.iter().flatten();
    bytes.any(u8::is_ascii_uppercase)
}

/// The first policy of a set, for the engine.
pub(crate) fn compiled(set: &PolicySet) -> CompiledPolicy {
    let policy = set.policies().first().unwrap();
    CompiledPolicy::try_from(PluginConfig::of_policy(set, policy)).unwrap()
}

/// Asks everybody about the requests of one connection.
pub(crate) fn verdicts(
    proxy: &Proxy,
    number: usize,
    set: &PolicySet,
    callers: &mut Callers,
    requests: &[Asked],
) -> Vec<Verdicts> {
    let compiled = compiled(set);
    let asks_for_host = set.policies().first().is_some_and(|policy| {
        let rules = PluginConfig::of_policy(set, policy).rules;
        let mut conditions = rules.iter().flat_map(|rule| rule.when.iter().flatten());
        conditions.any(|condition| condition.key == "request.headers[host]")
    });
    let mut ask = |plane| {
        let listener = proxy.listener(number, plane);
        ask_all(listener, callers, requests)
            .unwrap_or_else(|error| panic!("{plane:?}: {error}: {requests:#?}"))
    };
    let (filter, rbac) = (ask(Plane::Filter), ask(Plane::Rbac));
    let decide =
        |asked: &Asked| asked.with_request(|request| compiled.evaluate(request).lets_pass());
    requests
        .iter()
        .zip(filter.into_iter().zip(rbac))
        .map(|(asked, (filter, rbac))| {
            let without_peer_ip = Asked {
                peer_ip: PeerIp::Hidden,
                ..asked.clone()
            };
            let code = asked.with_request(|request| compiled.evaluate(request).reason().code());
            Verdicts {
                policy: decide(asked),
                policy_in_filter: decide(&without_peer_ip),
                filter,
                rbac,
                has_odd_identity: code == "malformed-identity",
                is_spelled_oddly: is_spelled_oddly(asked) || (asks_for_host && has_capitals(asked)),
            }
        })
        .collect()
}
