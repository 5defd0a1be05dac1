//! Queries Prometheus for evidence.

use policy_schema::plugin_config::PolicyName;
use policy_schema::telemetry::{ObservedValue, PolicyLabel, rule_id};
use policy_schema::timestamp::Timestamp;

use super::candidate::Candidate;
use super::counted::{at_least, counted};
use super::counting::{self, Window, moment};
use super::coverage::{self, Coverage};
use super::evidence::{CallerHits, Evidence, Hits, Seen, Windows};
use super::revisions::{self, Revisions};
use super::selectors::{Selectors, decided};
use crate::prometheus::{Prometheus, PrometheusError};
use crate::promql::{self, CALLER, METHOD, OBSERVED, PATH, POLICY, REASON, RULE};

/// Queries the evidence about a candidate.
pub(crate) async fn gather(
    prometheus: &Prometheus,
    candidate: &Candidate,
    asked: Window,
) -> Result<Evidence, PrometheusError> {
    let members = candidate.members.iter();
    let parts = members.map(|member| Selectors::new(member, &candidate.subject));
    let parts: Vec<_> = parts.collect();
    let mut revisions = Revisions::Unreported;
    let mut first_seen = Timestamp::from_unix_nanoseconds(0);
    let mut uncounted = Vec::new();
    for (member, part) in candidate.members.iter().zip(&parts) {
        let policy = promql::is_one_of(POLICY, [PolicyLabel::from(&member.name)]);
        let running = revisions::ask(prometheus, &policy, member.revision, asked).await?;
        revisions = revisions.and(running);
        match first_sample(prometheus, &part.present, asked).await? {
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

/// The scrape coverage of every member and of its revision metric, if present.
async fn coverage(
    prometheus: &Prometheus,
    candidate: &Candidate,
    parts: &[Selectors],
    asked: Window,
    windows: &Windows,
) -> Result<Coverage, PrometheusError> {
    let mut coverage = Coverage::default();
    for (member, part) in candidate.members.iter().zip(parts) {
        let policy = promql::is_one_of(POLICY, [PolicyLabel::from(&member.name)]);
        for selector in [part.present.clone(), revisions::selector(&policy)] {
            let series_count = counting::series_count(&selector, asked);
            if !prometheus
                .query(&series_count, asked.until)
                .await?
                .is_empty()
            {
                let of_it =
                    coverage::ask(prometheus, &selector, asked, windows.of_requests).await?;
                coverage = coverage.and(of_it);
            }
        }
    }
    Ok(coverage)
}

/// The time of the first sample of the selector, if there is one.
async fn first_sample(
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
        // A series younger than one step may fall between two samples.
        let series_count = counting::series_count(selector, asked);
        if prometheus
            .query(&series_count, asked.until)
            .await?
            .is_empty()
        {
            return Ok(None);
        }
    }
    let near = asked.before_sample(roughly.unwrap_or(asked.until));
    let exactly = first(near).await?;
    Ok(exactly.or(roughly).or(Some(asked.until)))
}

/// The number of requests decided at the candidate's workloads, each counted once.
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

/// Queries for disjoint sets of requests.
fn request_queries(candidate: &Candidate, parts: &[Selectors], window: Window) -> Vec<String> {
    let decided = decided(candidate);
    let in_shadow = parts.iter().filter_map(|part| {
        let increase = counting::increase_where(part.in_shadow.as_deref()?, &part.present, window);
        // At workloads with an enforced policy, a shadow policy counts matches. The requests there are counted below.
        Some(match &decided {
            Some(decided) => counting::elsewhere(&increase, decided, window),
            None => increase,
        })
    });
    let mut queries: Vec<_> = in_shadow.collect();
    queries.extend(decided.iter().map(|decided| {
        let present = parts.iter().map(|part| part.present.as_str());
        counting::increase_at_proxies(decided, present, window)
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

/// Shadow hits by caller. None unless every member is in learning mode.
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

/// Whether proxies count the requests of the policy by caller.
async fn is_learning(
    prometheus: &Prometheus,
    policy: &PolicyName,
    window: Window,
) -> Result<bool, PrometheusError> {
    let policy = promql::is_one_of(POLICY, [PolicyLabel::from(policy)]);
    let selector = format!("{OBSERVED}{{{policy}}}");
    let query = counting::series_count(&selector, window);
    Ok(!prometheus.query(&query, window.until).await?.is_empty())
}
