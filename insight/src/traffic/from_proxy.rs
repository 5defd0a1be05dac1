//! Reads the counters of one proxy from `/stats/prometheus`.

use peergate_mesh::series::{scrape, series};
use policy_schema::telemetry::{ObservedValue, RevisionNumber, metric};
use policy_schema::timestamp::Timestamp;

use crate::promql::{
    CALLER, EFFECT, MEMORY, METHOD, OMITTED, PATH, POLICY, REASON, REJECTIONS, RULE, VERDICTS,
};
use crate::traffic::reading::{Count, Decision, Memory, ObservedRequest, Reading, quantity};

/// Parses a scrape. None if it is not in Prometheus' text format.
pub fn read(text: &str, at: Timestamp) -> Option<Reading> {
    let metrics = scrape(text)?;
    let mut reading = Reading::new(at);
    reading.proxies = Some(1);
    for series in series(&metrics, &metric::DECISIONS) {
        let decision = Decision {
            policy: series.label(POLICY),
            rule: series.label(RULE),
            effect: series.label(EFFECT),
            reason: series.label(REASON),
        };
        if let Some(number) = quantity(series.number) {
            reading.decisions.entry(decision).or_default().total += number;
        }
    }
    for series in series(&metrics, &metric::OBSERVED) {
        let text = |name| ObservedValue::from_label(&series.label(name));
        let request = ObservedRequest {
            policy: series.label(POLICY),
            rule: series.label(RULE),
            effect: series.label(EFFECT),
            caller: text(CALLER),
            method: text(METHOD),
            path: text(PATH),
        };
        if let Some(number) = quantity(series.number) {
            let count: &mut Count = reading.observed.entry(request).or_default();
            count.total += number;
        }
    }
    for series in series(&metrics, &metric::REVISION) {
        let of_policy = reading.revisions.entry(series.label(POLICY)).or_default();
        *of_policy
            .entry(RevisionNumber::sample_text(series.number))
            .or_default() += 1;
    }
    for series in series(&metrics, &metric::EXPIRY) {
        let (rule, at) = ((series.label(POLICY), series.label(RULE)), series.number);
        // A rule that no longer expires reports 0.
        if at > 0.0 {
            reading.expiries.insert(rule, at);
        }
    }
    for series in series(&metrics, &metric::COMPARISONS) {
        let key = (series.label(POLICY), series.label(VERDICTS));
        *reading.comparisons.entry(key).or_default() += quantity(series.number).unwrap_or_default();
    }
    let alone = |name| metrics.value(name, &[]).and_then(quantity);
    reading.rejections = alone(REJECTIONS);
    reading.omitted_log_lines = alone(OMITTED);
    reading.memory = alone(MEMORY).map(|bytes| Memory {
        all: bytes,
        largest: bytes,
    });
    // Labels flattened into such a name cannot be separated.
    let unlabelled = [metric::DECISIONS.name, "_"].concat();
    reading.is_unlabelled = metrics
        .all()
        .any(|sample| sample.metric.starts_with(&unlabelled));
    Some(reading)
}
