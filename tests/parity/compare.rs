//! Compares three implementations on the same requests.

use std::collections::BTreeMap;
use std::fmt;

use peergate_tests::random::TestRequest;
use policy_schema::engine::{CompiledPolicy, PeerIp};
use policy_schema::policy::PolicySet;
use policy_schema::rule_spec::Otherwise;
use serde_json::Value;

use crate::callers::Callers;
use crate::case::{documents, validated};
use crate::client::{Answer, ask_all};
use crate::known_difference::KnownDifference;
use crate::proxy::{EnforcementPoint, Proxy};
use crate::shrink::shrink;

/// The rules of a policy, its default, and the requests by connection.
pub(crate) type Case = ((Vec<Value>, Otherwise), Vec<Vec<TestRequest>>);

/// How much was compared.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) policies: u32,
    pub(crate) requests: u32,
    allowed: u32,
    denied: u32,
    refused: u32,
    known_differences: BTreeMap<KnownDifference, u32>,
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "parity: {} requests of {} policies: {} allowed, {} denied, {} refused by the proxy; 0 differences, known ones: {:?}",
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
    /// Asserts that the proxy itself rejected few requests, for which nothing is compared.
    pub(crate) fn assert_hardly_refused(&self) {
        assert!(self.refused < self.requests / 20, "{self}");
    }
}

/// The decisions on one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Decisions {
    /// By the engine with all attributes.
    pub(crate) policy: bool,
    /// By the engine with the attributes that the filter sees.
    pub(crate) policy_in_filter: bool,
    pub(crate) filter: Answer,
    pub(crate) rbac: Answer,
    /// Reasons why RBAC may decide differently from the policy.
    pub(crate) known_differences: Vec<KnownDifference>,
}

impl Decisions {
    pub(crate) fn is_refused(&self) -> bool {
        self.filter == Answer::Refused && self.rbac == Answer::Refused
    }

    /// Whether an enforcement point decides in an undocumented way.
    pub(crate) fn differ(&self) -> bool {
        // If one of two rules depends on the peer's address and clients can evade the other by
        // spelling, `validate` warns.
        let is_warned_of =
            self.policy_in_filter && self.explanations().any(KnownDifference::is_evasion);
        !self.is_refused()
            && (self.filter != Answer::of(self.policy_in_filter)
                || (self.rbac_differs() && self.explanations().next().is_none())
                // Together they only let requests pass that the policy allows.
                || (self.filter == Answer::Allowed
                    && self.rbac == Answer::Allowed
                    && !self.policy
                    && !is_warned_of))
    }

    /// The documented reasons for RBAC's decision, if it differs.
    fn explanations(&self) -> impl Iterator<Item = KnownDifference> {
        let is_allowed = self.rbac == Answer::Allowed;
        let known = self.known_differences.iter().copied();
        known.filter(move |known| self.rbac_differs() && known.explains(is_allowed))
    }

    /// Whether RBAC decides differently from the policy.
    fn rbac_differs(&self) -> bool {
        !self.is_refused() && self.rbac != Answer::of(self.policy)
    }
}

impl Answer {
    fn of(is_allowed: bool) -> Self {
        if is_allowed {
            Self::Allowed
        } else {
            Self::Denied
        }
    }
}

/// Compares the decisions on a batch of policies, in one Envoy. Panics at the first difference,
/// minimized.
pub(crate) fn compare(batch: &[Case], callers: &mut Callers, counts: &mut Counts) {
    let understood: Vec<_> = batch
        .iter()
        .filter_map(|((rules, otherwise), connections)| {
            let set = validated(&documents(rules, *otherwise))?;
            Some((rules, *otherwise, connections, set))
        })
        .collect();
    let sets: Vec<_> = understood.iter().map(|(.., set)| set).collect();
    let proxy = Proxy::start(&sets, callers);
    for (number, (rules, otherwise, connections, set)) in understood.iter().enumerate() {
        counts.policies += 1;
        for requests in *connections {
            let decisions = decisions(&proxy, number, set, callers, requests);
            for (asked, decisions) in requests.iter().zip(decisions) {
                counts.requests += 1;
                match decisions.policy {
                    _ if decisions.is_refused() => counts.refused += 1,
                    true => counts.allowed += 1,
                    false => counts.denied += 1,
                }
                if decisions.differ() {
                    shrink(rules, *otherwise, asked, callers);
                }
                if let Some(known) = decisions.explanations().next() {
                    *counts.known_differences.entry(known).or_default() += 1;
                }
            }
        }
    }
}

/// The first policy of a set, for the engine.
pub(crate) fn compiled(set: &PolicySet) -> CompiledPolicy {
    let policy = set.policies().first().unwrap();
    CompiledPolicy::try_from(set.plugin_config(policy)).unwrap()
}

/// Gets all decisions on the requests of one connection.
pub(crate) fn decisions(
    proxy: &Proxy,
    number: usize,
    set: &PolicySet,
    callers: &mut Callers,
    requests: &[TestRequest],
) -> Vec<Decisions> {
    let compiled = compiled(set);
    let mut ask = |plane| {
        let listener = proxy.listener(number, plane);
        ask_all(listener, callers, requests)
            .unwrap_or_else(|error| panic!("{plane:?}: {error}: {requests:#?}"))
    };
    let (filter, rbac) = (ask(EnforcementPoint::Filter), ask(EnforcementPoint::Rbac));
    let decide =
        |asked: &TestRequest| asked.with_request(|request| compiled.evaluate(request).lets_pass());
    requests
        .iter()
        .zip(filter.into_iter().zip(rbac))
        .map(|(asked, (filter, rbac))| {
            let without_peer_ip = TestRequest {
                peer_ip: PeerIp::Hidden,
                ..asked.clone()
            };
            Decisions {
                policy: decide(asked),
                policy_in_filter: decide(&without_peer_ip),
                filter,
                rbac,
                known_differences: KnownDifference::of(set, asked),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_rbac_may_differ_and_only_as_documented() {
        use KnownDifference::{JoinedHosts, NoSingleId};
        let (allowed, denied) = (Answer::Allowed, Answer::Denied);
        let cases: [(_, _, _, &[_], _); 14] = [
            (true, allowed, allowed, &[], false),
            (false, denied, denied, &[], false),
            (false, denied, allowed, &[], true),
            (true, allowed, denied, &[], true),
            (false, allowed, denied, &[], true),
            (true, denied, allowed, &[], true),
            (false, denied, allowed, &[NoSingleId], false),
            (true, allowed, denied, &[NoSingleId], false),
            (false, allowed, denied, &[NoSingleId], true),
            (false, allowed, allowed, &[NoSingleId], true),
            (false, denied, allowed, &[JoinedHosts], false),
            (true, allowed, denied, &[JoinedHosts], true),
            (false, Answer::Refused, Answer::Refused, &[], false),
            (false, Answer::Refused, denied, &[], true),
        ];
        for (policy, filter, rbac, known_differences, differ) in cases {
            let decisions = Decisions {
                policy,
                policy_in_filter: policy,
                filter,
                rbac,
                known_differences: known_differences.to_vec(),
            };
            assert_eq!(decisions.differ(), differ, "{decisions:?}");
        }
    }
}
