//! What Prometheus saw of something in shadow.

use std::collections::BTreeMap;
use std::time::Duration;

use policy_schema::plugin_config::PolicyName;
use policy_schema::telemetry::{ObservedValue, PolicyLabel, plain_value, rule_id};
use policy_schema::timestamp::Timestamp;

use super::candidate::Candidate;
use super::counting::{self, Window, moment};
use super::coverage::{self, Coverage};
use super::label::{self, CALLER, METHOD, OBSERVED, PATH, POLICY, REASON, RULE};
use super::revisions::{self, Revisions};
use super::selectors::{Selectors, decided};
use crate::prometheus::{Prometheus, PrometheusError, Sample};

/// What was seen of something in shadow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// Which revisions of its policies proxies run.
    pub revisions: Revisions,
    /// The policies of which no proxy counted it, if there are any.
    pub seen: Result<Seen, Vec<PolicyName>>,
}

/// What was counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// From when on it counts.
    pub since: Timestamp,
    /// Why it counts from then on.
    pub beginning: Beginning,
    /// How much of the window it does not count for.
    pub missing: Duration,
    /// How far looks at it cover the time that counts.
    pub coverage: Coverage,
    /// The requests that were decided about, as far as they were seen.
    pub requests: u64,
    /// What was done in shadow.
    pub hits: Vec<Hits>,
    /// The same by caller; none where proxies do not tell.
    pub callers: Option<Vec<CallerHits>>,
}

/// Why it counts from when on it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beginning {
    /// It was asked from then on.
    Asked,
    /// Nothing earlier was seen.
    FirstSeen,
    /// Before, some proxy ran another revision.
    Revised,
}

/// Requests with which the same was done in shadow, for the same reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hits {
    /// None where no rule decided.
    pub rule: Option<String>,
    /// The label's value, such as `no-rule-matched`.
    pub reason: String,
    /// How many, those before the first look among them.
    pub requests: u64,
    /// How many of them were counted before the counter was first looked at, nobody knows when.
    pub before: u64,
}

/// A caller, and what it asked for, with which something was done in shadow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallerHits {
    /// The SPIFFE ID.
    pub caller: ObservedValue,
    /// The HTTP method.
    pub method: ObservedValue,
    /// The path without its query.
    pub path: ObservedValue,
    /// How many.
    pub requests: u64,
}

/// Asks what was seen of something in shadow.
pub(crate) async fn gather(
    prometheus: &Prometheus,
    candidate: &Candidate,
    asked: Window,
) -> Result<Evidence, PrometheusError> {
    let members = candidate.members.iter();
    let parts = members.map(|member| Selectors::new(member, &candidate.subject));
    let parts: Vec<_> = parts.collect();
    let mut revisions = Revisions::Untold;
    let mut first_seen = Timestamp::from_unix_nanoseconds(0);
    let mut uncounted = Vec::new();
    for (member, part) in candidate.members.iter().zip(&parts) {
        let policy = label::is_one_of(POLICY, [PolicyLabel::from(&member.name)]);
        let running = revisions::ask(prometheus, &policy, &member.revision, asked).await?;
        revisions = revisions.and(running);
        match first_look(prometheus, &part.present, asked).await? {
            Some(first) => first_seen = first_seen.max(first),
            None => uncounted.push(member.name.clone()),
        }
    }
    if !uncounted.is_empty() {
        return Ok(Evidence {
            revisions,
            seen: Err(uncounted),
        });
    }
    let windows = Windows::new(asked, first_seen, &revisions);
    let coverage = coverage(prometheus, candidate, &parts, asked, &windows).await?;
    let requests = requests(prometheus, candidate, &parts, windows.of_requests).await?;
    let seen = Seen {
        since: windows.of_requests.from,
        beginning: windows.beginning,
        missing: windows.missing(asked),
        coverage,
        requests,
        hits: hits(prometheus, &parts, windows.of_hits).await?,
        callers: callers(prometheus, candidate, &parts, windows.of_hits).await?,
    };
    Ok(Evidence {
        revisions,
        seen: Ok(seen),
    })
}

/// How far every member was looked at, and its revision, where proxies tell it.
async fn coverage(
    prometheus: &Prometheus,
    candidate: &Candidate,
    parts: &[Selectors],
    asked: Window,
    windows: &Windows,
) -> Result<Coverage, PrometheusError> {
    let mut coverage = Coverage::default();
    for (member, part) in candidate.members.iter().zip(parts) {
        let policy = label::is_one_of(POLICY, [PolicyLabel::from(&member.name)]);
        for selector in [part.present.clone(), revisions::selector(&policy)] {
            let looked_at = counting::looked_at(&selector, asked);
            if !prometheus.query(&looked_at, asked.until).await?.is_empty() {
                let of_it =
                    coverage::ask(prometheus, &selector, asked, windows.of_requests).await?;
                coverage = coverage.and(of_it);
            }
        }
    }
    Ok(coverage)
}

/// When a series of the selector was first looked at; none if none ever was.
async fn first_look(
    prometheus: &Prometheus,
    selector: &str,
    asked: Window,
) -> Result<Option<Timestamp>, PrometheusError> {
    let first = async |window: Window| {
        let query = counting::first_seen(selector, window);
        let first = prometheus.query(&query, window.until).await?;
        let first = first.first().and_then(|sample| moment(sample.value));
        Ok::<_, PrometheusError>(first)
    };
    let roughly = first(asked).await?;
    if roughly.is_none() {
        // Looks are a fraction of the window apart, and what is younger than that falls between two.
        let looked_at = counting::looked_at(selector, asked);
        if prometheus.query(&looked_at, asked.until).await?.is_empty() {
            return Ok(None);
        }
    }
    let near = asked.before_look(roughly.unwrap_or(asked.until));
    let exactly = first(near).await?;
    Ok(exactly.or(roughly).or(Some(asked.until)))
}

/// When to count what. Moments are known to a fraction of the window alone, so that requests are counted a little too
/// late rather than too early, and what should not happen the other way round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Windows {
    pub(super) of_requests: Window,
    pub(super) of_hits: Window,
    pub(super) beginning: Beginning,
}

impl Windows {
    pub(super) fn new(asked: Window, first_seen: Timestamp, revisions: &Revisions) -> Self {
        // That look itself is to be within the window, whichever of its ends counts.
        let first = Timestamp::from_unix_nanoseconds(first_seen.unix_nanoseconds() - 1_000_000);
        let revised = match revisions {
            Revisions::Current { since } => *since,
            Revisions::Untold | Revisions::Others(_) => None,
        };
        match revised {
            Some(last_other) if last_other >= first => Self {
                of_requests: asked.since(asked.step_after(last_other)),
                of_hits: asked.since(last_other),
                beginning: Beginning::Revised,
            },
            // A series that was there from the beginning is first looked at soon after it.
            _ if is_early(asked, first) => Self {
                of_requests: asked,
                of_hits: asked,
                beginning: Beginning::Asked,
            },
            _ => Self {
                of_requests: asked.since(first),
                of_hits: asked,
                beginning: Beginning::FirstSeen,
            },
        }
    }
}

impl Windows {
    /// How much of what was asked for does not count.
    pub(super) fn missing(self, asked: Window) -> Duration {
        let (from, since) = (asked.from, self.of_requests.from);
        let missing = since
            .unix_nanoseconds()
            .saturating_sub(from.unix_nanoseconds());
        Duration::from_nanos(missing)
    }
}

/// Whether something first seen at this moment was most likely there when the window began.
fn is_early(asked: Window, first: Timestamp) -> bool {
    let late = Window {
        from: asked.from,
        until: first.max(asked.from),
    };
    late.milliseconds() * 100 <= asked.milliseconds()
}

/// How many requests were decided where the candidate is, each counted once.
async fn requests(
    prometheus: &Prometheus,
    candidate: &Candidate,
    parts: &[Selectors],
    window: Window,
) -> Result<u64, PrometheusError> {
    let mut sum = 0_u64;
    for query in request_queries(candidate, parts, window) {
        let counted = prometheus
            .query(&format!("sum({query})"), window.until)
            .await?;
        let counted = counted.first().map_or(0, |sample| at_least(sample.value));
        sum = sum.saturating_add(counted);
    }
    Ok(sum)
}

/// Counts of requests that have none in common.
pub(super) fn request_queries(
    candidate: &Candidate,
    parts: &[Selectors],
    window: Window,
) -> Vec<String> {
    let decided = decided(candidate);
    let in_shadow = parts.iter().filter_map(|part| {
        let risen = counting::risen_where(part.in_shadow.as_deref()?, &part.present, window);
        // Where a policy is enforced, what one in shadow counts are matches, and requests are counted below.
        Some(match &decided {
            Some(decided) => counting::elsewhere(&risen, decided, window),
            None => risen,
        })
    });
    let mut queries: Vec<_> = in_shadow.collect();
    queries.extend(decided.iter().map(|decided| {
        let present = parts.iter().map(|part| part.present.as_str());
        counting::risen_at_proxies(decided, present, window)
    }));
    queries
}

async fn hits(
    prometheus: &Prometheus,
    parts: &[Selectors],
    window: Window,
) -> Result<Vec<Hits>, PrometheusError> {
    let mut hits = Vec::new();
    for part in parts {
        let counted = counted(prometheus, &part.hits, &[RULE, REASON], window).await?;
        hits.extend(counted.into_iter().map(|(labels, counted)| {
            let label = |name: &str| labels.get(name).cloned().unwrap_or_default();
            Hits {
                rule: rule_id(&label(RULE)).map(str::to_owned),
                reason: label(REASON),
                requests: counted.all(),
                before: counted.before,
            }
        }));
    }
    hits.retain(|hits| hits.requests > 0);
    hits.sort_by(|a, b| {
        let key = |hits: &Hits| (hits.rule.clone(), hits.reason.clone());
        b.requests
            .cmp(&a.requests)
            .then_with(|| key(a).cmp(&key(b)))
    });
    Ok(hits)
}

/// Whose requests they are; none unless proxies tell it of every member.
async fn callers(
    prometheus: &Prometheus,
    candidate: &Candidate,
    parts: &[Selectors],
    window: Window,
) -> Result<Option<Vec<CallerHits>>, PrometheusError> {
    let mut callers = Vec::new();
    for (member, part) in candidate.members.iter().zip(parts) {
        if !is_learning(prometheus, &member.name, window).await? {
            return Ok(None);
        }
        let labels = [CALLER, METHOD, PATH];
        let counted = counted(prometheus, &part.observed, &labels, window).await?;
        callers.extend(counted.into_iter().map(|(labels, counted)| {
            let text =
                |name: &str| ObservedValue::from_label(labels.get(name).map_or("", String::as_str));
            CallerHits {
                caller: text(CALLER),
                method: text(METHOD),
                path: text(PATH),
                requests: counted.all(),
            }
        }));
    }
    callers.retain(|caller| caller.requests > 0);
    callers.sort_by(|a, b| {
        let key = |caller: &CallerHits| {
            let CallerHits {
                caller,
                method,
                path,
                requests: _,
            } = caller;
            (caller.clone(), method.clone(), path.clone())
        };
        b.requests
            .cmp(&a.requests)
            .then_with(|| key(a).cmp(&key(b)))
    });
    Ok(Some(callers))
}

/// Whether proxies count the policy's requests by caller.
async fn is_learning(
    prometheus: &Prometheus,
    policy: &PolicyName,
    window: Window,
) -> Result<bool, PrometheusError> {
    let policy = label::is_one_of(POLICY, [PolicyLabel::from(policy)]);
    let selector = format!("{OBSERVED}{{{policy}}}");
    let query = counting::looked_at(&selector, window);
    Ok(!prometheus.query(&query, window.until).await?.is_empty())
}

/// What a counter counted.
#[derive(Clone, Copy, Debug, Default)]
struct Counted {
    /// Between looks at it.
    seen: u64,
    /// Before the first look.
    before: u64,
}

impl Counted {
    fn all(self) -> u64 {
        self.seen.saturating_add(self.before)
    }
}

/// What counters counted, by labels as they are meant. Of something that should not happen, none is left out.
async fn counted(
    prometheus: &Prometheus,
    selector: &str,
    labels: &[&str],
    window: Window,
) -> Result<BTreeMap<BTreeMap<String, String>, Counted>, PrometheusError> {
    let mut counted: BTreeMap<_, Counted> = BTreeMap::new();
    let by = |query: String| counting::sum_by(labels, &query);
    let risen = by(counting::risen(selector, window));
    for Sample { labels, value, .. } in prometheus.query(&risen, window.until).await? {
        counted.entry(plain(labels)).or_default().seen += at_most(value);
    }
    let before = by(counting::counted_before(selector, window));
    for Sample { labels, value, .. } in prometheus.query(&before, window.until).await? {
        counted.entry(plain(labels)).or_default().before += at_most(value);
    }
    Ok(counted)
}

/// Labels as they are meant, however the proxies name their metrics.
fn plain(mut labels: BTreeMap<String, String>) -> BTreeMap<String, String> {
    for name in [RULE, REASON] {
        if let Some(value) = labels.get_mut(name) {
            *value = plain_value(value);
        }
    }
    labels
}

/// Less than this is the noise of adding and not a part of a request.
const NOISE: f64 = 1e-6;

/// A number of requests of which no more are claimed than there were.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "what is beyond the bounds becomes the bound"
)]
fn at_least(number: f64) -> u64 {
    (number + NOISE).floor() as u64
}

/// A number of requests of which none is left out.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "what is beyond the bounds becomes the bound"
)]
fn at_most(number: f64) -> u64 {
    (number - NOISE).ceil() as u64
}
