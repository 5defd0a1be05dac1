//! Learned calls of a caller → a rule that allows exactly these.

use std::collections::{BTreeMap, BTreeSet};

use policy_schema::rule_spec::{Effect, Enforcement, OperationSpec, RuleSpec};
use policy_schema::timestamp::Timestamp;

use super::caller::{LearnedCaller, RuleIds};
use super::observed::Tally;
use super::proposal::ProposedCall;

const SECOND: u64 = 1_000_000_000;

/// The rule for a caller, in a policy of this namespace.
pub(crate) fn rule(
    caller: &LearnedCaller,
    calls: &[ProposedCall],
    namespace: &str,
    enforcement: Option<Enforcement>,
    ids: &mut RuleIds,
) -> RuleSpec {
    let mut sum = None;
    for call in calls {
        call.tally.add_to(&mut sum);
    }
    RuleSpec {
        id: ids.take(&caller.label(namespace)),
        effect: Effect::Allow,
        provider: None,
        description: sum.map(|sum| format!("Learned from {}.", tally_text(sum))),
        owner: None,
        not_before: None,
        not_after: None,
        enforcement,
        from: Some(vec![caller.source(namespace)]),
        to: Some(operations(calls)),
        when: None,
    }
}

/// The operations that match these calls. An operation combines every method with every path, so only paths with the same
/// methods share one.
fn operations(calls: &[ProposedCall]) -> Vec<OperationSpec> {
    let mut methods: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for call in calls {
        let of_path = methods.entry(&call.pattern.text).or_default();
        of_path.insert(&call.method);
    }
    let mut paths: BTreeMap<BTreeSet<&str>, Vec<String>> = BTreeMap::new();
    for (path, methods) in methods {
        paths.entry(methods).or_default().push(path.to_owned());
    }
    let operations = paths.into_iter().map(|(methods, paths)| OperationSpec {
        methods: Some(methods.into_iter().map(str::to_owned).collect()),
        paths: Some(paths),
        ..OperationSpec::default()
    });
    operations.collect()
}

/// Formats a tally, in whole seconds.
pub fn tally_text(tally: Tally) -> String {
    let (first, last) = (second(tally.period.first), second(tally.period.last));
    let count = request_count(tally.count);
    if first == last {
        format!("{count} at {first}")
    } else {
        format!("{count} from {first} to {last}")
    }
}

/// Formats a number of requests.
pub fn request_count(count: u64) -> String {
    format!("{count} request{}", if count == 1 { "" } else { "s" })
}

fn second(at: Timestamp) -> Timestamp {
    let nanoseconds = at.unix_nanoseconds();
    Timestamp::from_unix_nanoseconds(nanoseconds - nanoseconds % SECOND)
}
