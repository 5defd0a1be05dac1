//! A series of the filter's learning mode → an observation.
//!
//! The filter counts each request once for its decision, and once more for each rule in shadow that
//! matches it. Both may have an effect that begins with `shadow_`, so of these only what no rule
//! decided is sure to be a decision: that of a policy in shadow.

use std::collections::BTreeMap;

use policy_schema::metric::{self, Label};
use policy_schema::plugin_config::PolicyName;
use thiserror::Error;

use super::access_log::policy_name;
use super::observed::{Observation, Outcome, Tally};
use super::workload::SetAside;

/// The counter of the learning mode.
pub(crate) const OBSERVED: &str = metric::OBSERVED.name;

/// Its labels that tell one series from another, wherever it was counted.
pub(crate) const LABELS: [&str; 6] = [
    Label::Policy.tag(),
    Label::Rule.tag(),
    Label::Effect.tag(),
    Label::Caller.tag(),
    Label::Method.tag(),
    Label::Path.tag(),
];

/// Stands for what there is none of.
const ABSENT: &str = "-";
/// Stands for all requests past the filter's bound.
const OTHER: &str = "-other-";

/// Why a series is none of the learning mode.
#[derive(Debug, Error, PartialEq, Eq)]
pub(crate) enum InvalidSeries {
    #[error("`{0}` is no name of a policy")]
    PolicyName(String),
    #[error("there is no effect `{0}`")]
    Effect(String),
    #[error("`{0}` is not encoded as the filter does it")]
    Encoding(String),
}

/// What a series tells.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Counted {
    /// Requests that are alike.
    Requests(Observation),
    /// Requests of a policy that are not told apart, and why.
    NotTold(PolicyName, SetAside),
    /// What is counted beside the decision.
    Beside,
}

/// Reads a series.
pub(crate) fn read(
    labels: &BTreeMap<String, String>,
    tally: Tally,
) -> Result<Counted, InvalidSeries> {
    let [policy, rule, effect, caller, method, path] =
        LABELS.map(|label| labels.get(label).map_or("", String::as_str));
    let policy = policy_name(policy).map_err(|_| InvalidSeries::PolicyName(policy.to_owned()))?;
    let rule = (rule != ABSENT).then(|| rule.to_owned());
    let (outcome, allowed_by) = match (effect, rule) {
        ("allow", rule) => (Outcome::LetThrough, rule),
        ("deny", _) => (Outcome::Denied, None),
        ("shadow_allow" | "shadow_deny", None) => (Outcome::LetThrough, None),
        (
            "shadow_allow" | "shadow_deny" | "audit" | "shadow_audit" | "custom" | "shadow_custom",
            _,
        ) => {
            return Ok(Counted::Beside);
        }
        (other, _) => return Err(InvalidSeries::Effect(other.to_owned())),
    };
    if [caller, method, path] == [OTHER; 3] {
        return Ok(Counted::NotTold(policy, SetAside::PastBound));
    }
    if caller == ABSENT {
        return Ok(Counted::NotTold(policy, SetAside::Nobody));
    }
    Ok(Counted::Requests(Observation {
        policy,
        peer: decoded(caller)?,
        method: decoded(method)?,
        path: decoded(path)?,
        host: None,
        outcome,
        allowed_by,
        tally,
    }))
}

/// Reads a label: `_` and two hexadecimal digits stand for a byte, all else for itself.
fn decoded(label: &str) -> Result<Option<String>, InvalidSeries> {
    let invalid = || InvalidSeries::Encoding(label.to_owned());
    if label == ABSENT {
        return Ok(None);
    }
    let bytes = metric::decoded(label).ok_or_else(invalid)?;
    // A path that is not UTF-8 stands for itself as little as one with a `*`.
    Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
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
    fn labels_are_decoded() {
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
    fn only_decisions_are_requests() {
        for (effect, rule, outcome) in [
            ("allow", "web", Some(Outcome::LetThrough)),
            ("allow", "-", Some(Outcome::LetThrough)),
            ("deny", "-", Some(Outcome::Denied)),
            ("deny", "no-admin", Some(Outcome::Denied)),
            ("shadow_deny", "-", Some(Outcome::LetThrough)),
            // These may be matches beside a denial.
            ("shadow_allow", "new", None),
            ("shadow_deny", "other-hosts", None),
            ("audit", "all", None),
            ("shadow_custom", "all", None),
        ] {
            let counted = counted(["shop_cart", rule, effect, WEB, "GET", "_2f"]).unwrap();
            let found = match counted {
                Counted::Requests(seen) => Some(seen.outcome),
                Counted::Beside => None,
                Counted::NotTold(..) => panic!("{effect}"),
            };
            assert_eq!(found, outcome, "{effect} by {rule}");
        }
    }

    #[test]
    fn what_is_counted_together_is_of_nobody() {
        for (labels, why) in [
            (["-other-", "-other-", "-other-"], SetAside::PastBound),
            (["-", "GET", "_2f"], SetAside::Nobody),
        ] {
            let [caller, method, path] = labels;
            let counted = counted(["shop_cart", "-", "allow", caller, method, path]);
            let Ok(Counted::NotTold(_, found)) = counted else {
                panic!("{labels:?}")
            };
            assert_eq!(found, why);
        }
    }

    #[test]
    fn what_the_filter_never_writes_is_refused() {
        for label in ["_2", "_2F", "_", "/cart", "_zz", "a.b"] {
            let encoding = InvalidSeries::Encoding(label.to_owned());
            assert_eq!(
                counted(["shop_cart", "-", "allow", WEB, "GET", label]),
                Err(encoding)
            );
        }
        assert!(counted(["cart", "-", "allow", WEB, "GET", "_2f"]).is_err());
        assert!(counted(["shop_cart", "-", "permit", WEB, "GET", "_2f"]).is_err());
    }
}
