//! Metrics, as shown by the proxy's metrics endpoint.
//!
//! All metrics are defined when the policy is activated and depend only on its configuration: a
//! proxy never drops a metric, so requests must not be able to create any. Counters whose labels
//! depend on clients are in [`learning`](crate::learning).

use std::cell::Cell;

use peergate_engine::engine::{CompiledPolicy, CompiledRule, Reason};
use peergate_engine::plugin_config::CertificateValidation;
use peergate_engine::reporting::MetricNames;
use peergate_engine::rule_spec::{Effect, Otherwise};
#[cfg(feature = "compare-rbac")]
use peergate_engine::telemetry::RbacComparison;
use peergate_engine::telemetry::metric::{self, Metric, MetricKind};
use peergate_engine::telemetry::{
    DecisionEffect, PolicyLabel, ReasonCode, RevisionNumber, rule_label,
};
use rustc_hash::FxHashSet;

use crate::host::{Host, MetricId};
use crate::series::{DefinedSeries, Lifetime};

thread_local! {
    static DEFINED: Cell<DefinedSeries> = const { Cell::new(DefinedSeries::new()) };
    /// The gauges of expiring rules, by the label of the leader.
    static EXPIRING: Cell<Vec<(PolicyLabel, FxHashSet<MetricId>)>> =
        const { Cell::new(Vec::new()) };
}

/// The counters of a policy. Counters that the proxy refused to define are not used.
#[derive(Debug)]
pub struct Counters {
    /// By the rules' positions.
    rules: Vec<RuleCounters>,
    malformed_identity: Option<MetricId>,
    foreign_trust_domain: Option<MetricId>,
    no_identity: Option<MetricId>,
    unvalidated_certificate: Option<MetricId>,
    no_rule_matched: Option<MetricId>,
    not_denied: Option<MetricId>,
    omitted_lines: Option<MetricId>,
    memory: Option<MetricId>,
    /// The memory that was last reported, in bytes.
    reported_memory: Cell<usize>,
    #[cfg(feature = "compare-rbac")]
    rbac_comparison: [Option<MetricId>; RbacComparison::ALL.len()],
}

/// A counter for each possible effect of a rule.
#[derive(Debug)]
struct RuleCounters {
    matched: Option<MetricId>,
    expired: Option<MetricId>,
    not_yet_valid: Option<MetricId>,
}

impl Counters {
    /// Defines the metrics of a policy and sets those that only depend on its configuration.
    /// `validation` tells whether client certificates can be unvalidated.
    pub fn define(
        policy: &CompiledPolicy,
        validation: CertificateValidation,
        host: &impl Host,
    ) -> Self {
        let mut defined = DEFINED.take();
        defined.begin_configuration();
        DEFINED.set(defined);
        let names = policy.reporting().metric_names;
        let counter = |reason: Reason<'_>| define_reason(policy, reason, host);
        let of_rule = |rule| RuleCounters {
            matched: define_match(policy, rule, host),
            expired: can_expire(rule)
                .then(|| counter(Reason::ExpiredRule(rule)))
                .flatten(),
            not_yet_valid: can_be_early(rule)
                .then(|| counter(Reason::RuleNotYetValid(rule)))
                .flatten(),
        };
        // A request without a deciding rule is denied by default or passes.
        let if_denied = |reason| (policy.otherwise() == Otherwise::Deny).then(|| counter(reason));
        let if_passed = |reason| (policy.otherwise() == Otherwise::Pass).then(|| counter(reason));
        report_policy(policy, names, host);
        define(&metric::REJECTIONS, names, &[], host);
        let counters = Self {
            rules: policy.rules().iter().map(of_rule).collect(),
            malformed_identity: counter(Reason::MalformedIdentity),
            foreign_trust_domain: counter(Reason::ForeignTrustDomain),
            no_identity: if_denied(Reason::NoIdentity).flatten(),
            unvalidated_certificate: (validation != CertificateValidation::ByListener)
                .then(|| if_denied(Reason::UnvalidatedCertificate).flatten())
                .flatten(),
            no_rule_matched: if_denied(Reason::NoRuleMatched).flatten(),
            not_denied: if_passed(Reason::NotDenied).flatten(),
            omitted_lines: define(&metric::OMITTED, names, &[], host),
            memory: define(&metric::MEMORY, names, &[], host),
            reported_memory: Cell::new(0),
            #[cfg(feature = "compare-rbac")]
            rbac_comparison: RbacComparison::ALL.map(|verdicts| {
                let policy = PolicyLabel::from(policy.name());
                let labels = [policy.as_str(), verdicts.as_str()];
                define(&metric::COMPARISONS, names, &labels, host)
            }),
        };
        counters.report_memory(host);
        counters
    }

    /// Counts a decision.
    pub fn count(&self, reason: Reason<'_>, host: &impl Host) {
        let of_rule = |rule: &CompiledRule| self.rules.get(rule.position());
        let counter = match reason {
            Reason::AllowedByRule(rule) | Reason::DeniedByRule(rule) => {
                of_rule(rule).and_then(|counters| counters.matched)
            }
            Reason::ExpiredRule(rule) => of_rule(rule).and_then(|counters| counters.expired),
            Reason::RuleNotYetValid(rule) => {
                of_rule(rule).and_then(|counters| counters.not_yet_valid)
            }
            Reason::NotDenied => self.not_denied,
            Reason::NoIdentity => self.no_identity,
            Reason::UnvalidatedCertificate => self.unvalidated_certificate,
            Reason::MalformedIdentity => self.malformed_identity,
            Reason::ForeignTrustDomain => self.foreign_trust_domain,
            Reason::NoRuleMatched => self.no_rule_matched,
        };
        increment(counter, host);
    }

    /// Counts a match of the rule at a position.
    pub fn count_match(&self, position: usize, host: &impl Host) {
        let counters = self.rules.get(position);
        increment(counters.and_then(|counters| counters.matched), host);
    }

    /// Counts an omitted log line.
    pub fn count_omitted_line(&self, host: &impl Host) {
        increment(self.omitted_lines, host);
    }

    /// Counts the decisions of the filter and RBAC on a request.
    #[cfg(feature = "compare-rbac")]
    pub fn count_comparison(&self, verdicts: RbacComparison, host: &impl Host) {
        let counters = RbacComparison::ALL.iter().zip(self.rbac_comparison);
        for (known, counter) in counters {
            if *known == verdicts {
                increment(counter, host);
            }
        }
    }

    /// Reports the memory size of the VM if it has changed. It only grows, and rarely.
    pub fn report_memory(&self, host: &impl Host) {
        let memory = host.memory();
        if self.reported_memory.replace(memory) != memory {
            record(self.memory, u64::try_from(memory).unwrap_or(u64::MAX), host);
        }
    }
}

/// Counts a rejected configuration.
pub fn count_rejection(host: &impl Host) {
    let counter = define(&metric::REJECTIONS, MetricNames::default(), &[], host);
    increment(counter, host);
}

/// Sets the gauges that are constant while a policy is active.
fn report_policy(policy: &CompiledPolicy, names: MetricNames, host: &impl Host) {
    let label = PolicyLabel::from(policy.name());
    let tell = |metric, value| record(define(metric, names, &[label.as_str()], host), value, host);
    tell(&metric::REVISION, revision(policy).get());
    tell(
        &metric::RULES,
        u64::try_from(policy.rules().len()).unwrap_or(u64::MAX),
    );
    if let Some(now) = host.now() {
        tell(&metric::LOADED, now.unix_seconds());
    }
    let mut expiring = EXPIRING.take();
    let now = report_expiries(policy, names, host);
    let known = expiring.iter_mut().find(|(known, _)| *known == label);
    if let Some((_, gauges)) = known {
        // Gauges are permanent, but a removed rule no longer expires.
        for gauge in gauges.iter().filter(|gauge| !now.contains(gauge)) {
            host.record_gauge(*gauge, 0);
        }
        *gauges = now;
    } else {
        expiring.push((label, now));
    }
    EXPIRING.set(expiring);
}

/// Reports when rules expire, and returns the gauges used.
fn report_expiries(
    policy: &CompiledPolicy,
    names: MetricNames,
    host: &impl Host,
) -> FxHashSet<MetricId> {
    let expiries = policy.rules().iter().filter_map(|rule| {
        let end = rule.validity().not_after?;
        let policy = PolicyLabel::from(rule.policy());
        let labels = [policy.as_str(), rule_label(Some(rule.id()))];
        let gauge = define(&metric::EXPIRY, names, &labels, host)?;
        host.record_gauge(gauge, end.unix_seconds());
        Some(gauge)
    });
    expiries.collect()
}

fn revision(policy: &CompiledPolicy) -> RevisionNumber {
    let revision = policy.revision().and_then(|text| text.parse().ok());
    revision.unwrap_or_default()
}

// The engine gives expiry as a reason only for enforced `Allow` rules.

fn can_expire(rule: &CompiledRule) -> bool {
    can_lapse(rule) && rule.validity().not_after.is_some()
}

fn can_be_early(rule: &CompiledRule) -> bool {
    can_lapse(rule) && rule.validity().not_before.is_some()
}

fn can_lapse(rule: &CompiledRule) -> bool {
    rule.effect() == Effect::Allow && !rule.is_shadow()
}

/// The unique ID of the series with these label values.
pub(crate) fn define(
    metric: &Metric,
    names: MetricNames,
    labels: &[&str],
    host: &impl Host,
) -> Option<MetricId> {
    define_series(
        metric,
        metric.series(names, labels),
        Lifetime::Configuration,
        host,
    )
}

/// The unique ID of a series that requests create, by its name.
pub(crate) fn define_learned(
    metric: &Metric,
    series: String,
    host: &impl Host,
) -> Option<MetricId> {
    define_series(metric, series, Lifetime::Vm, host)
}

fn define_series(
    metric: &Metric,
    series: String,
    lifetime: Lifetime,
    host: &impl Host,
) -> Option<MetricId> {
    let mut defined = DEFINED.take();
    let id = defined.id(series, lifetime, |series| match metric.kind {
        MetricKind::Counter => host.define_counter(series),
        MetricKind::Gauge => host.define_gauge(series),
    });
    DEFINED.set(defined);
    id
}

/// The ID of a series, if it has been defined.
pub(crate) fn defined(series: &str) -> Option<MetricId> {
    let defined = DEFINED.take();
    let id = defined.known_id(series);
    DEFINED.set(defined);
    id
}

pub(crate) fn increment(counter: Option<MetricId>, host: &impl Host) {
    if let Some(counter) = counter {
        host.increment_counter(counter);
    }
}

fn record(gauge: Option<MetricId>, value: u64, host: &impl Host) {
    if let Some(gauge) = gauge {
        host.record_gauge(gauge, value);
    }
}

fn define_reason(
    policy: &CompiledPolicy,
    reason: Reason<'_>,
    host: &impl Host,
) -> Option<MetricId> {
    let effect = reason.outcome().effect(policy.enforcement());
    define_decision(policy, reason.rule(), effect, reason.code(), host)
}

fn define_match(
    policy: &CompiledPolicy,
    rule: &CompiledRule,
    host: &impl Host,
) -> Option<MetricId> {
    let (effect, reason) = policy.recorded_effect(rule);
    define_decision(policy, Some(rule), effect, reason, host)
}

fn define_decision(
    policy: &CompiledPolicy,
    rule: Option<&CompiledRule>,
    effect: DecisionEffect,
    reason: ReasonCode,
    host: &impl Host,
) -> Option<MetricId> {
    let label = PolicyLabel::from(rule.map_or(policy.name(), CompiledRule::policy));
    let rule = rule_label(rule.map(CompiledRule::id));
    let labels = [label.as_str(), rule, effect.as_str(), reason.as_str()];
    define(
        &metric::DECISIONS,
        policy.reporting().metric_names,
        &labels,
        host,
    )
}

/// Resets the state to that of a new VM.
#[cfg(test)]
pub(crate) fn reset_metrics() {
    DEFINED.take();
    EXPIRING.take();
}

#[cfg(test)]
mod tests;
