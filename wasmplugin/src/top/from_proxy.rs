//! What one proxy says at `/stats/prometheus` → a reading.

use peergate_sandbox::Metrics;
use policy_schema::metric::{self, Label};
use policy_schema::timestamp::Timestamp;
use prometheus_parse::{Sample, Value};

use super::reading::{Count, Decision, Memory, ObservedRequest, Reading};
use crate::promotion::label::{
    CALLER, DECISIONS, EFFECT, METHOD, OBSERVED, Observed, PATH, POLICY, REASON, REVISION, RULE,
};
use crate::promotion::revisions;

/// The metrics that nobody else reads.
pub(super) const EXPIRY: &str = metric::EXPIRY.name;
pub(super) const COMPARISONS: &str = metric::COMPARISONS.name;
pub(super) const VERDICTS: &str = Label::Verdicts.tag();
pub(super) const REJECTIONS: &str = metric::REJECTIONS.name;
pub(super) const OMITTED: &str = metric::OMITTED.name;
pub(super) const MEMORY: &str = metric::MEMORY.name;

/// Reads what a proxy said at a moment; none if it is not in Prometheus' text format.
pub(crate) fn read(text: &str, at: Timestamp) -> Option<Reading> {
    let metrics = Metrics::parse(text).ok()?;
    let mut reading = Reading::new(at);
    reading.proxies = Some(1);
    for sample in metrics.samples(DECISIONS) {
        let decision = Decision {
            policy: label(sample, POLICY),
            rule: label(sample, RULE),
            effect: label(sample, EFFECT),
            reason: label(sample, REASON),
        };
        reading.decisions.entry(decision).or_default().total += number(sample);
    }
    for sample in metrics.samples(OBSERVED) {
        let text = |name| Observed::decode(&label(sample, name));
        let request = ObservedRequest {
            policy: label(sample, POLICY),
            rule: label(sample, RULE),
            effect: label(sample, EFFECT),
            caller: text(CALLER),
            method: text(METHOD),
            path: text(PATH),
        };
        let count: &mut Count = reading.observed.entry(request).or_default();
        count.total += number(sample);
    }
    for sample in metrics.samples(REVISION) {
        let of_policy = reading.revisions.entry(label(sample, POLICY)).or_default();
        *of_policy
            .entry(revisions::of_number(number(sample)))
            .or_default() += 1;
    }
    for sample in metrics.samples(EXPIRY) {
        let (rule, at) = ((label(sample, POLICY), label(sample, RULE)), number(sample));
        // 0 is told of a rule that has no end any more.
        if at > 0.0 {
            reading.expiries.insert(rule, at);
        }
    }
    for sample in metrics.samples(COMPARISONS) {
        let key = (label(sample, POLICY), label(sample, VERDICTS));
        *reading.comparisons.entry(key).or_default() += number(sample);
    }
    reading.rejections = metrics.value(REJECTIONS, &[]);
    reading.omitted_log_lines = metrics.value(OMITTED, &[]);
    reading.memory = metrics.value(MEMORY, &[]).map(|bytes| Memory {
        all: bytes,
        largest: bytes,
    });
    Some(reading)
}

fn label(sample: &Sample, name: &str) -> String {
    sample.labels.get(name).unwrap_or_default().to_owned()
}

fn number(sample: &Sample) -> f64 {
    match sample.value {
        Value::Counter(number) | Value::Gauge(number) | Value::Untyped(number) => number,
        Value::Histogram(_) | Value::Summary(_) => 0.0,
    }
}
