//! A snapshot as JSON.

use std::borrow::Cow;
use std::collections::BTreeMap;

use peergate_insight::traffic::policy_name::policy_name;
use peergate_insight::traffic::reading::{Count, Reading, whole};
use peergate_insight::traffic::snapshot::{CallerRow, RuleRow, Snapshot};
use policy_schema::telemetry::{ObservedValue, rule_id};
use serde::Serialize;

use super::order::Order;
use crate::serialized::{self, SerializeError};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'s> {
    source: &'s str,
    at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    proxies: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    memory_bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    config_rejections: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    omitted_log_lines: Option<u64>,
    /// The number of proxies by policy and revision.
    revisions: BTreeMap<String, &'s BTreeMap<String, u64>>,
    rules: Vec<RuleEntry<'s>>,
    callers: Vec<CallerEntry<'s>>,
    /// Whether Prometheus has more callers with fewer requests.
    has_more_callers: bool,
}

#[derive(Serialize)]
struct RuleEntry<'s> {
    policy: &'s str,
    /// `null` if no rule decided.
    rule: Option<&'s str>,
    allowed: Counted,
    denied: Counted,
    shadow: Counted,
    /// Matches of `Audit` and `Custom` rules.
    recorded: Counted,
    reasons: Vec<&'s str>,
    #[serde(skip_serializing_if = "str::is_empty")]
    from: &'s str,
    #[serde(skip_serializing_if = "str::is_empty")]
    owner: &'s str,
}

#[derive(Serialize)]
struct CallerEntry<'s> {
    /// `null` for a caller without an identity, and for callers beyond `maxSeries`.
    caller: Option<Cow<'s, str>>,
    method: Option<Cow<'s, str>>,
    path: Option<Cow<'s, str>>,
    /// Whether this entry sums up all callers beyond `maxSeries`.
    others: bool,
    policy: &'s str,
    allowed: Counted,
    denied: Counted,
    shadow: Counted,
    recorded: Counted,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Counted {
    total: u64,
    /// `null` if it was only read once.
    per_second: Option<f64>,
}

/// Formats a reading and its snapshot.
pub fn json(
    reading: &Reading,
    snapshot: &Snapshot,
    source: &str,
    order: Order,
) -> Result<Vec<u8>, SerializeError> {
    let mut rules: Vec<_> = snapshot.rules.iter().collect();
    order.sort(&mut rules, |row| &row.tally);
    let mut callers: Vec<_> = snapshot.callers.iter().collect();
    order.sort(&mut callers, |row| &row.tally);
    let shown: Vec<_> = rules.iter().map(|row| row.policy.as_str()).collect();
    let revisions = reading.revisions.iter();
    let revisions = revisions.map(|(policy, revisions)| (policy_name(policy), revisions));
    serialized::json(&Document {
        source,
        at: reading.at.to_string(),
        proxies: reading.proxies,
        memory_bytes: reading.memory.map(|memory| whole(memory.all)),
        config_rejections: reading.rejections.map(whole),
        omitted_log_lines: reading.omitted_log_lines.map(whole),
        revisions: revisions
            .filter(|(policy, _)| shown.contains(&policy.as_str()))
            .collect(),
        rules: rules.into_iter().map(rule).collect(),
        callers: callers.into_iter().map(caller).collect(),
        has_more_callers: reading.has_more_observed,
    })
}

fn rule(row: &RuleRow) -> RuleEntry<'_> {
    RuleEntry {
        policy: &row.policy,
        rule: rule_id(&row.rule),
        allowed: counted(row.tally.allowed),
        denied: counted(row.tally.denied),
        shadow: counted(row.tally.shadow),
        recorded: counted(row.tally.recorded),
        reasons: row.reasons.iter().map(String::as_str).collect(),
        from: &row.facts.from,
        owner: &row.facts.owner,
    }
}

fn caller(row: &CallerRow) -> CallerEntry<'_> {
    CallerEntry {
        caller: row.caller.text(),
        method: row.method.text(),
        path: row.path.text(),
        others: row.caller == ObservedValue::Other,
        policy: &row.policy,
        allowed: counted(row.tally.allowed),
        denied: counted(row.tally.denied),
        shadow: counted(row.tally.shadow),
        recorded: counted(row.tally.recorded),
    }
}

fn counted(count: Count) -> Counted {
    Counted {
        total: whole(count.total),
        per_second: count.rate,
    }
}
