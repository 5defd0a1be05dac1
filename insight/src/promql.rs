//! The filter's metrics and labels in PromQL.

use std::collections::BTreeSet;
use std::fmt::Display;

use policy_schema::telemetry::{Label, flat_value, metric};

/// Counts decisions, and matches of rules that only record.
pub(crate) const DECISIONS: &str = metric::DECISIONS.name;
/// Counts requests by caller in learning mode.
pub(crate) const OBSERVED: &str = metric::OBSERVED.name;
/// The revision that a proxy runs, as a number.
pub(crate) const REVISION: &str = metric::REVISION.name;
/// The expiry of rules in Unix seconds.
pub(crate) const EXPIRY: &str = metric::EXPIRY.name;
/// Counts requests by the decisions of the filter and RBAC.
pub(crate) const COMPARISONS: &str = metric::COMPARISONS.name;
/// Counts rejected plugin configs.
pub(crate) const REJECTIONS: &str = metric::REJECTIONS.name;
/// Counts omitted log lines.
pub(crate) const OMITTED: &str = metric::OMITTED.name;
/// The memory of a filter in bytes.
pub(crate) const MEMORY: &str = metric::MEMORY.name;

/// The label for the policy.
pub(crate) const POLICY: &str = Label::Policy.tag();
/// The label for the rule.
pub(crate) const RULE: &str = Label::Rule.tag();
/// The label for the effect.
pub(crate) const EFFECT: &str = Label::Effect.tag();
/// The label for the reason.
pub(crate) const REASON: &str = Label::Reason.tag();
/// The label for the decisions of the filter and RBAC.
pub(crate) const VERDICTS: &str = Label::Verdicts.tag();
/// The label for the caller, in learning mode only.
pub(crate) const CALLER: &str = Label::Caller.tag();
/// The label for the HTTP method, in learning mode only.
pub(crate) const METHOD: &str = Label::Method.tag();
/// The label for the path, in learning mode only.
pub(crate) const PATH: &str = Label::Path.tag();

/// A PromQL matcher for any of these values, in both encodings of metric tags. The values contain no regex metacharacters.
pub(crate) fn is_one_of(label: &str, values: impl IntoIterator<Item = impl Display>) -> String {
    format!("{label}=~\"{}\"", spellings(values))
}

/// A PromQL matcher for none of these values.
pub(crate) fn is_none_of(label: &str, values: impl IntoIterator<Item = impl Display>) -> String {
    format!("{label}!~\"{}\"", spellings(values))
}

fn spellings(values: impl IntoIterator<Item = impl Display>) -> String {
    let spellings = values.into_iter().flat_map(|value| {
        let value = value.to_string();
        [flat_value(&value), value]
    });
    let spellings: BTreeSet<_> = spellings.collect();
    let spellings: Vec<_> = spellings.iter().map(String::as_str).collect();
    spellings.join("|")
}

#[cfg(test)]
mod tests {
    use policy_schema::telemetry::NO_RULE;

    use super::*;

    #[test]
    fn matches_both_spellings_of_a_value() {
        for (values, expected) in [
            (&["web"][..], "peergate_rule=~\"web\""),
            (&["no-reports"], "peergate_rule=~\"no-reports|no__reports\""),
            (&["b", "a-a"], "peergate_rule=~\"a-a|a__a|b\""),
        ] {
            assert_eq!(is_one_of(RULE, values.iter().copied()), expected);
        }
        assert_eq!(is_none_of(RULE, [NO_RULE]), "peergate_rule!~\"-|NONE\"");
    }
}
