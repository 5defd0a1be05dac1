//! Reads the counters of all proxies from Prometheus.
//!
//! Queries are sums, so that thousands of proxies cost as little as one.

use policy_schema::telemetry::{ObservedValue, RevisionNumber, plain_value};
use policy_schema::timestamp::Timestamp;

use super::reading::{Count, Decision, Memory, ObservedRequest, Reading, quantity, whole};
use crate::prometheus::{Prometheus, PrometheusError, Sample};
use crate::promql::{
    CALLER, COMPARISONS, DECISIONS, EFFECT, EXPIRY, MEMORY, METHOD, OBSERVED, OMITTED, PATH,
    POLICY, REASON, REJECTIONS, REVISION, RULE, VERDICTS,
};

/// The maximum number of callers, by number of requests.
const MAX_CALLERS: usize = 200;

/// Reads all counters, with rates over the PromQL duration `over`.
pub(super) async fn read(
    prometheus: &Prometheus,
    over: &str,
    at: Timestamp,
) -> Result<Reading, PrometheusError> {
    let asked = Query {
        prometheus,
        over,
        at,
    };
    let mut reading = Reading::new(at);
    asked.decisions(&mut reading).await?;
    asked.observed(&mut reading).await?;
    asked.revisions(&mut reading).await?;
    asked.expiries(&mut reading).await?;
    asked.comparisons(&mut reading).await?;
    asked.totals(&mut reading).await?;
    if reading.decisions.is_empty() {
        reading.is_unlabelled = prometheus.has_unlabelled(at).await?;
    }
    Ok(reading)
}

/// The server and time of a reading. Each method fills a part of the reading.
#[derive(Clone, Copy)]
struct Query<'p> {
    prometheus: &'p Prometheus,
    over: &'p str,
    at: Timestamp,
}

impl Query<'_> {
    /// The samples with valid quantities.
    async fn samples(self, query: String) -> Result<Vec<Sample>, PrometheusError> {
        let samples = self.prometheus.query(&query, self.at).await?;
        let samples = samples.into_iter().filter_map(|sample| {
            let value = quantity(sample.value)?;
            Some(Sample { value, ..sample })
        });
        Ok(samples.collect())
    }

    /// The value of the first sample.
    async fn value(self, query: String) -> Result<Option<f64>, PrometheusError> {
        let samples = self.samples(query).await?;
        Ok(samples.first().map(|sample| sample.value))
    }

    async fn decisions(self, reading: &mut Reading) -> Result<(), PrometheusError> {
        let over = self.over;
        let by = format!("{POLICY}, {RULE}, {EFFECT}, {REASON}");
        let totals = format!("sum by ({by}) ({DECISIONS})");
        for sample in self.samples(totals).await? {
            let count = reading.decisions.entry(decision(&sample)).or_default();
            *count = count.plus(Count::from_total(sample.value));
        }
        let rates = format!("sum by ({by}) (rate({DECISIONS}[{over}]))");
        for sample in self.samples(rates).await? {
            let count = reading.decisions.entry(decision(&sample)).or_default();
            *count = count.plus(Count::from_rate(sample.value));
        }
        Ok(())
    }

    async fn observed(self, reading: &mut Reading) -> Result<(), PrometheusError> {
        let over = self.over;
        let by = format!("{POLICY}, {RULE}, {EFFECT}, {CALLER}, {METHOD}, {PATH}");
        // One more shows whether there are more.
        let most = format!("topk({}, sum by ({by}) ({OBSERVED}))", MAX_CALLERS + 1);
        let mut observed = self.samples(most).await?;
        observed.sort_by(|a, b| b.value.total_cmp(&a.value));
        reading.has_more_observed = observed.len() > MAX_CALLERS;
        observed.truncate(MAX_CALLERS);
        for sample in observed {
            reading.observed.entry(request(&sample)).or_default().total = sample.value;
        }
        if reading.observed.is_empty() {
            return Ok(());
        }
        let rates = format!("sum by ({by}) (rate({OBSERVED}[{over}]))");
        for sample in self.samples(rates).await? {
            if let Some(count) = reading.observed.get_mut(&request(&sample)) {
                count.rate = Some(sample.value);
            }
        }
        Ok(())
    }

    async fn revisions(self, reading: &mut Reading) -> Result<(), PrometheusError> {
        // `count_values` formats the value as a label.
        let counts = format!("count_values by ({POLICY}) (\"revision\", {REVISION})");
        for sample in self.samples(counts).await? {
            let Ok(number) = sample.label("revision").parse() else {
                continue;
            };
            let of_policy = reading.revisions.entry(text(&sample, POLICY)).or_default();
            *of_policy
                .entry(RevisionNumber::sample_text(number))
                .or_default() += whole(sample.value);
        }
        Ok(())
    }

    async fn expiries(self, reading: &mut Reading) -> Result<(), PrometheusError> {
        // A rule that no longer expires reports 0.
        let ends = format!("min by ({POLICY}, {RULE}) ({EXPIRY} > 0)");
        for sample in self.samples(ends).await? {
            let rule = (text(&sample, POLICY), text(&sample, RULE));
            let first = reading.expiries.entry(rule).or_insert(sample.value);
            *first = first.min(sample.value);
        }
        Ok(())
    }

    async fn comparisons(self, reading: &mut Reading) -> Result<(), PrometheusError> {
        let totals = format!("sum by ({POLICY}, {VERDICTS}) ({COMPARISONS})");
        for sample in self.samples(totals).await? {
            let key = (text(&sample, POLICY), text(&sample, VERDICTS));
            *reading.comparisons.entry(key).or_default() += sample.value;
        }
        Ok(())
    }

    /// The totals of all proxies.
    async fn totals(self, reading: &mut Reading) -> Result<(), PrometheusError> {
        reading.rejections = self.value(format!("sum({REJECTIONS})")).await?;
        reading.omitted_log_lines = self.value(format!("sum({OMITTED})")).await?;
        let all = self.value(format!("sum({MEMORY})")).await?;
        let largest = self.value(format!("max({MEMORY})")).await?;
        reading.memory = all
            .zip(largest)
            .map(|(all, largest)| Memory { all, largest });
        // The series of one proxy differ only in these labels.
        let proxies =
            format!("count(group without ({POLICY}, {RULE}, {EFFECT}, {REASON}) ({DECISIONS}))");
        reading.proxies = self.value(proxies).await?.map(whole);
        Ok(())
    }
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

/// Decodes a label in either encoding of metric tags.
fn text(sample: &Sample, name: &str) -> String {
    plain_value(sample.label(name))
}
