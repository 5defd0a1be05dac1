//! What stands in the labels of the filter's metrics, and what it means.

use std::collections::BTreeSet;

use policy_schema::metric::{self, Label};
use policy_schema::plugin_config::PolicyName;

/// The metric that counts decisions and matches of rules that have no say.
pub(crate) const DECISIONS: &str = metric::DECISIONS.name;
/// The metric that counts requests by caller, in the learning mode alone.
pub(crate) const OBSERVED: &str = metric::OBSERVED.name;
/// The revision that a proxy runs, as a number.
pub(crate) const REVISION: &str = metric::REVISION.name;

pub(crate) const POLICY: &str = Label::Policy.tag();
pub(crate) const RULE: &str = Label::Rule.tag();
pub(crate) const EFFECT: &str = Label::Effect.tag();
pub(crate) const REASON: &str = Label::Reason.tag();
pub(crate) const CALLER: &str = Label::Caller.tag();
pub(crate) const METHOD: &str = Label::Method.tag();
pub(crate) const PATH: &str = Label::Path.tag();

/// Stands for what there is not.
const ABSENT: &str = "-";

/// Stands for all that came after there was no room for more.
const OTHER: &str = "-other-";

/// A text that a request brought, as it brought it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Observed {
    /// The request had none.
    Absent,
    Text(String),
    /// One that the proxy had no room for.
    Other,
}

impl Observed {
    /// Reads a label: bytes that are not plain stand as `_` and two hexadecimal digits.
    pub(crate) fn decode(label: &str) -> Self {
        match label {
            "" | ABSENT => Self::Absent,
            OTHER => Self::Other,
            encoded => Self::Text(decoded(encoded)),
        }
    }
}

fn decoded(encoded: &str) -> String {
    let mut bytes = Vec::with_capacity(encoded.len());
    let mut rest = encoded.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let escaped = after
            .split_at_checked(2)
            .filter(|_| *first == b'_')
            .and_then(|(digits, after)| {
                let digits = str::from_utf8(digits).ok()?;
                Some((u8::from_str_radix(digits, 16).ok()?, after))
            });
        // What is not encoded as it should be stands for itself.
        let (byte, after) = escaped.unwrap_or((*first, after));
        bytes.push(byte);
        rest = after;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// What a policy is called in labels: `NAMESPACE_NAME`, with `_` for each dot of the name.
pub(crate) fn of_policy(policy: &PolicyName) -> String {
    [&*policy.namespace, "_", &policy.name.replace('.', "_")].concat()
}

/// Where a label has one of these values, in PromQL, however the proxies name their metrics. None of them has a
/// character that a regular expression would take for something else.
pub(crate) fn is_one_of<'v>(label: &str, values: impl IntoIterator<Item = &'v str>) -> String {
    format!("{label}=~\"{}\"", spellings(values))
}

/// The same where it has none of them.
pub(crate) fn is_none_of<'v>(label: &str, values: impl IntoIterator<Item = &'v str>) -> String {
    format!("{label}!~\"{}\"", spellings(values))
}

fn spellings<'v>(values: impl IntoIterator<Item = &'v str>) -> String {
    let spellings = values
        .into_iter()
        .flat_map(|value| [value.to_owned(), metric::flat_value(value)]);
    let spellings: BTreeSet<_> = spellings.collect();
    let spellings: Vec<_> = spellings.iter().map(String::as_str).collect();
    spellings.join("|")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_request_brought_is_read_back() {
        let text = |text: &str| Observed::Text(text.to_owned());
        for (label, expected) in [
            ("-", Observed::Absent),
            ("", Observed::Absent),
            ("-other-", Observed::Other),
            ("GET", text("GET")),
            ("_2fcart", text("/cart")),
            ("spiffe_3a_2f_2fa_2fns_2fb", text("spiffe://a/ns/b")),
            ("_c3_b6", text("ö")),
            ("_ff", text("\u{fffd}")),
            ("_1b_5b2J", text("\u{1b}[2J")),
            ("_", text("_")),
            ("_zz", text("_zz")),
            ("a_2", text("a_2")),
        ] {
            assert_eq!(Observed::decode(label), expected, "{label}");
        }
    }

    #[test]
    fn a_policys_label_has_no_dot() {
        let policy = PolicyName {
            namespace: "shop".to_owned(),
            name: "orders.v1".to_owned(),
        };
        assert_eq!(of_policy(&policy), "shop_orders_v1");
    }

    #[test]
    fn a_value_is_looked_for_in_either_spelling() {
        for (values, expected) in [
            (&["web"][..], "peergate_rule=~\"web\""),
            (&["no-reports"], "peergate_rule=~\"no-reports|no__reports\""),
            (&["b", "a-a"], "peergate_rule=~\"a-a|a__a|b\""),
        ] {
            assert_eq!(is_one_of(RULE, values.iter().copied()), expected);
        }
        assert_eq!(is_none_of(RULE, ["-"]), "peergate_rule!~\"-|NONE\"");
    }
}
