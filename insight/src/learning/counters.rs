//! A learning mode series → an observation.
//!
//! The filter counts each request once for its decision, and once for each shadow rule that matches. Both may have an
//! effect that starts with `shadow_`. Of these, only counts without a rule are decisions for certain: those of a policy
//! in shadow.

use std::collections::BTreeMap;

use policy_schema::plugin_config::PolicyName;
use policy_schema::telemetry::{
    DecisionEffect, InvalidEncoding, InvalidPolicyLabel, ObservedValue, PolicyLabel, UnknownWord,
    rule_id,
};
use thiserror::Error;

use super::observed::{Observation, Outcome, Tally};
use super::workload::Exclusion;
use crate::promql::{CALLER, EFFECT, METHOD, PATH, POLICY, RULE};

/// The labels that distinguish series, apart from the proxy.
pub(crate) const LABELS: [&str; 6] = [POLICY, RULE, EFFECT, CALLER, METHOD, PATH];

/// Why a series is not from the learning mode.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum InvalidSeries {
    /// The policy label is invalid.
    #[error(transparent)]
    Policy(#[from] InvalidPolicyLabel),
    /// The effect is unknown.
    #[error(transparent)]
    Effect(#[from] UnknownWord),
    /// A value is not in the filter's encoding.
    #[error(transparent)]
    Encoding(#[from] InvalidEncoding),
}

/// The content of a series.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Counted {
    /// Requests with the same attributes.
    Requests(Observation),
    /// Requests that are counted together, and why.
    Aggregate(PolicyName, Exclusion),
    /// Matches of shadow rules, which are not decisions.
    NotDecision,
}

/// Parses a series.
pub(crate) fn read(
    labels: &BTreeMap<String, String>,
    tally: Tally,
) -> Result<Counted, InvalidSeries> {
    let [policy, rule, effect, caller, method, path] =
        LABELS.map(|label| labels.get(label).map_or("", String::as_str));
    let policy = policy.parse::<PolicyLabel>()?.policy();
    let rule = rule_id(rule).map(str::to_owned);
    let (outcome, allowed_by) = match (effect.parse()?, rule) {
        (DecisionEffect::Allow, rule) => (Outcome::Allowed, rule),
        (DecisionEffect::Deny, _) => (Outcome::Denied, None),
        (DecisionEffect::ShadowAllow | DecisionEffect::ShadowDeny, None) => {
            (Outcome::Allowed, None)
        }
        (
            DecisionEffect::ShadowAllow
            | DecisionEffect::ShadowDeny
            | DecisionEffect::Audit
            | DecisionEffect::ShadowAudit
            | DecisionEffect::Custom
            | DecisionEffect::ShadowCustom,
            _,
        ) => {
            return Ok(Counted::NotDecision);
        }
    };
    let observed: [ObservedValue; 3] = [caller.parse()?, method.parse()?, path.parse()?];
    if observed.iter().all(|value| *value == ObservedValue::Other) {
        return Ok(Counted::Aggregate(policy, Exclusion::PastBound));
    }
    let [caller, method, path] = observed.map(text);
    if caller.is_none() {
        return Ok(Counted::Aggregate(policy, Exclusion::NoMeshIdentity));
    }
    Ok(Counted::Requests(Observation {
        policy,
        peer: caller,
        method,
        path,
        host: None,
        outcome,
        allowed_by,
        tally,
    }))
}

/// The value of an attribute. A path that is not UTF-8 cannot be written in a rule, like one with a `*`.
fn text(observed: ObservedValue) -> Option<String> {
    match observed {
        ObservedValue::Absent => None,
        // The filter sets all three beyond the limit. A single one was sent by a client.
        ObservedValue::Other => Some(ObservedValue::OTHER.to_owned()),
        ObservedValue::Text(text) => Some(String::from_utf8_lossy(&text).into_owned()),
    }
}

#[cfg(test)]
mod tests {
    use policy_schema::timestamp::Timestamp;

    use super::*;

    const WEB: &str = "spiffe_3a_2f_2fcluster_2elocal_2fns_2fshop_2fsa_2fweb";

    fn counted(values: [&str; 6]) -> Result<Counted, InvalidSeries> {
        let labels = LABELS.iter().zip(values);
        let labels = labels.map(|(name, value)| ((*name).to_owned(), value.to_owned()));
        read(&labels.collect(), tally())
    }

    fn tally() -> Tally {
        Tally::once(Timestamp::from_unix_nanoseconds(7))
    }

    #[test]
    fn decodes_labels() {
        let Ok(Counted::Requests(seen)) =
            counted(["shop_cart_v2", "web", "allow", WEB, "GET", "_2fa_5fb_2f7"])
        else {
            panic!("requests")
        };
        assert_eq!(seen.policy.to_string(), "shop/cart.v2");
        assert_eq!(
            seen.peer.as_deref(),
            Some("spiffe://cluster.local/ns/shop/sa/web")
        );
        assert_eq!(seen.method.as_deref(), Some("GET"));
        assert_eq!(seen.path.as_deref(), Some("/a_b/7"));
        assert_eq!(seen.allowed_by.as_deref(), Some("web"));
    }

    #[test]
    fn only_decisions_count_as_requests() {
        for (effect, rule, outcome) in [
            ("allow", "web", Some(Outcome::Allowed)),
            ("allow", "-", Some(Outcome::Allowed)),
            ("deny", "-", Some(Outcome::Denied)),
            ("deny", "no-admin", Some(Outcome::Denied)),
            ("shadow_deny", "-", Some(Outcome::Allowed)),
            // These may be matches in addition to a denial.
            ("shadow_allow", "new", None),
            ("shadow_deny", "other-hosts", None),
            ("audit", "all", None),
            ("shadow_custom", "all", None),
        ] {
            let counted = counted(["shop_cart", rule, effect, WEB, "GET", "_2f"]).unwrap();
            let found = match counted {
                Counted::Requests(seen) => Some(seen.outcome),
                Counted::NotDecision => None,
                Counted::Aggregate(..) => panic!("{effect}"),
            };
            assert_eq!(found, outcome, "{effect} by {rule}");
        }
    }

    #[test]
    fn requests_counted_together_have_no_caller() {
        for (labels, why) in [
            (["-other-", "-other-", "-other-"], Exclusion::PastBound),
            (["-", "GET", "_2f"], Exclusion::NoMeshIdentity),
        ] {
            let [caller, method, path] = labels;
            let counted = counted(["shop_cart", "-", "allow", caller, method, path]);
            let Ok(Counted::Aggregate(_, found)) = counted else {
                panic!("{labels:?}")
            };
            assert_eq!(found, why);
        }
    }

    #[test]
    fn rejects_labels_that_the_filter_never_writes() {
        for label in ["_2", "_2F", "_", "/cart", "_zz", "a.b"] {
            let encoding = label.parse::<ObservedValue>().unwrap_err().into();
            assert_eq!(
                counted(["shop_cart", "-", "allow", WEB, "GET", label]),
                Err(encoding)
            );
        }
        assert!(counted(["cart", "-", "allow", WEB, "GET", "_2f"]).is_err());
        assert!(counted(["shop_cart", "-", "permit", WEB, "GET", "_2f"]).is_err());
    }
}
