//! What Prometheus has of all proxies → a reading.
//!
//! It is asked for sums, so that thousands of proxies cost no more to look at than one.

use policy_schema::telemetry::{ObservedValue, RevisionNumber, plain_value};
use policy_schema::timestamp::Timestamp;

use super::metric_name::{COMPARISONS, EXPIRY, MEMORY, OMITTED, REJECTIONS, VERDICTS};
use super::reading::{Count, Decision, Memory, ObservedRequest, Reading, quantity, whole};
use crate::prometheus::{Prometheus, PrometheusError, Sample};
use crate::promotion::label::{
    CALLER, DECISIONS, EFFECT, METHOD, OBSERVED, PATH, POLICY, REASON, REVISION, RULE,
};

/// More callers than these are not asked for: those who call most are.
const MOST_CALLERS: usize = 200;

/// Asks for everything, with rates over the stretch of time that PromQL calls `over`.
pub async fn read(
    prometheus: &Prometheus,
    over: &str,
    at: Timestamp,
) -> Result<Reading, PrometheusError> {
    let ask = async |query: String| {
        let samples = prometheus.query(&query, at).await?;
        let samples = samples.into_iter().filter_map(|sample| {
            let value = quantity(sample.value)?;
            Some(Sample { value, ..sample })
        });
        Ok::<Vec<_>, PrometheusError>(samples.collect())
    };
    let mut reading = Reading::new(at);
    let by = format!("{POLICY}, {RULE}, {EFFECT}, {REASON}");
    for sample in ask(format!("sum by ({by}) ({DECISIONS})")).await? {
        let count = reading.decisions.entry(decision(&sample)).or_default();
        *count = count.plus(Count::of(sample.value));
    }
    for sample in ask(format!("sum by ({by}) (rate({DECISIONS}[{over}]))")).await? {
        let count = reading.decisions.entry(decision(&sample)).or_default();
        *count = count.plus(Count::at(sample.value));
    }
    let by = format!("{POLICY}, {RULE}, {EFFECT}, {CALLER}, {METHOD}, {PATH}");
    // One more tells whether there are more.
    let observed = format!("topk({}, sum by ({by}) ({OBSERVED}))", MOST_CALLERS + 1);
    let mut observed = ask(observed).await?;
    observed.sort_by(|a, b| b.value.total_cmp(&a.value));
    reading.has_more_observed = observed.len() > MOST_CALLERS;
    observed.truncate(MOST_CALLERS);
    for sample in observed {
        reading.observed.entry(request(&sample)).or_default().total = sample.value;
    }
    if !reading.observed.is_empty() {
        for sample in ask(format!("sum by ({by}) (rate({OBSERVED}[{over}]))")).await? {
            if let Some(count) = reading.observed.get_mut(&request(&sample)) {
                let count: &mut Count = count;
                count.rate = Some(sample.value);
            }
        }
    }
    // A number as a label is the same number in text.
    for sample in ask(format!(
        "count_values by ({POLICY}) (\"revision\", {REVISION})"
    ))
    .await?
    {
        let Ok(number) = sample.label("revision").parse() else {
            continue;
        };
        let of_policy = reading.revisions.entry(text(&sample, POLICY)).or_default();
        *of_policy
            .entry(RevisionNumber::from_sample(number).to_string())
            .or_default() += whole(sample.value);
    }
    // 0 is told of a rule that has no end any more.
    for sample in ask(format!("min by ({POLICY}, {RULE}) ({EXPIRY} > 0)")).await? {
        let rule = (text(&sample, POLICY), text(&sample, RULE));
        let first = reading.expiries.entry(rule).or_insert(sample.value);
        *first = first.min(sample.value);
    }
    for sample in ask(format!("sum by ({POLICY}, {VERDICTS}) ({COMPARISONS})")).await? {
        let key = (text(&sample, POLICY), text(&sample, VERDICTS));
        *reading.comparisons.entry(key).or_default() += sample.value;
    }
    let first = |samples: Vec<Sample>| samples.first().map(|sample| sample.value);
    reading.rejections = first(ask(format!("sum({REJECTIONS})")).await?);
    reading.omitted_log_lines = first(ask(format!("sum({OMITTED})")).await?);
    let all = first(ask(format!("sum({MEMORY})")).await?);
    let largest = first(ask(format!("max({MEMORY})")).await?);
    reading.memory = all
        .zip(largest)
        .map(|(all, largest)| Memory { all, largest });
    // A proxy is what is the same but for the metrics' own labels.
    let proxies =
        format!("count(group without ({POLICY}, {RULE}, {EFFECT}, {REASON}) ({DECISIONS}))");
    reading.proxies = first(ask(proxies).await?).map(whole);
    if reading.decisions.is_empty() {
        reading.is_unlabelled = prometheus.has_unlabelled(at).await?;
    }
    Ok(reading)
}

fn decision(sample: &Sample) -> Decision {
    Decision {
        policy: text(sample, POLICY),
        rule: text(sample, RULE),
        effect: text(sample, EFFECT),
        reason: text(sample, REASON),
    }
}

fn request(sample: &Sample) -> ObservedRequest {
    let observed = |name| ObservedValue::from_label(sample.label(name));
    ObservedRequest {
        policy: text(sample, POLICY),
        rule: text(sample, RULE),
        effect: text(sample, EFFECT),
        caller: observed(CALLER),
        method: observed(METHOD),
        path: observed(PATH),
    }
}

/// A label as it is meant, however the proxies name their metrics.
fn text(sample: &Sample, name: &str) -> String {
    plain_value(sample.label(name))
}
