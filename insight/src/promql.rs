//! The filter's metrics and labels in PromQL.

use std::collections::BTreeSet;
use std::fmt::Display;

use policy_schema::telemetry::{Label, flat_value, metric};

/// The metric that counts decisions and matches of rules that have no say.
pub(crate) const DECISIONS: &str = metric::DECISIONS.name;
/// The metric that counts requests by caller, in the learning mode alone.
pub(crate) const OBSERVED: &str = metric::OBSERVED.name;
/// The revision that a proxy runs, as a number.
pub(crate) const REVISION: &str = metric::REVISION.name;
/// When rules expire, in seconds since 1970.
pub(crate) const EXPIRY: &str = metric::EXPIRY.name;
/// Counts requests by what the filter and RBAC said.
pub(crate) const COMPARISONS: &str = metric::COMPARISONS.name;
/// Counts configurations that a filter has refused.
pub(crate) const REJECTIONS: &str = metric::REJECTIONS.name;
/// Counts lines that a filter's log has left out.
pub(crate) const OMITTED: &str = metric::OMITTED.name;
/// What a filter takes of memory, in bytes.
pub(crate) const MEMORY: &str = metric::MEMORY.name;

/// The label for the policy.
pub(crate) const POLICY: &str = Label::Policy.tag();
/// The label for the rule.
pub(crate) const RULE: &str = Label::Rule.tag();
/// The label for what was done.
pub(crate) const EFFECT: &str = Label::Effect.tag();
/// The label for why.
pub(crate) const REASON: &str = Label::Reason.tag();
/// The label for what the filter and RBAC said.
pub(crate) const VERDICTS: &str = Label::Verdicts.tag();
/// The label for the caller, in the learning mode alone.
pub(crate) const CALLER: &str = Label::Caller.tag();
/// The label for the HTTP method, in the learning mode alone.
pub(crate) const METHOD: &str = Label::Method.tag();
/// The label for the path, in the learning mode alone.
pub(crate) const PATH: &str = Label::Path.tag();

/// Where a label has one of these values, in PromQL, however the proxies name their metrics. None of them has a
/// character that a regular expression would take for something else.
pub(crate) fn is_one_of(label: &str, values: impl IntoIterator<Item = impl Display>) -> String {
    format!("{label}=~\"{}\"", spellings(values))
}

/// The same where it has none of them.
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
    fn a_value_is_looked_for_in_either_spelling() {
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
