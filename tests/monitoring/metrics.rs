//! What the filter counts, as Prometheus is to have it.

/// A metric, and its labels beside those that scraping adds.
pub(crate) struct Metric {
    pub(crate) name: &'static str,
    pub(crate) labels: &'static [&'static str],
}

const POLICY: &str = "peergate_policy";
const RULE: &str = "peergate_rule";
const EFFECT: &str = "peergate_effect";
const REASON: &str = "peergate_reason";
const VERDICTS: &str = "peergate_verdicts";
const CALLER: &str = "peergate_caller";
const METHOD: &str = "peergate_method";
const PATH: &str = "peergate_path";

/// The tags that proxies are told to take out of names.
pub(crate) const TAGS: [&str; 8] = [POLICY, RULE, EFFECT, REASON, VERDICTS, CALLER, METHOD, PATH];

const fn metric(name: &'static str, labels: &'static [&'static str]) -> Metric {
    Metric { name, labels }
}

pub(crate) const ALL: [Metric; 10] = [
    metric("peergate_decisions_total", &[POLICY, RULE, EFFECT, REASON]),
    metric("peergate_policy_revision", &[POLICY]),
    metric("peergate_policy_loaded_timestamp_seconds", &[POLICY]),
    metric("peergate_policy_rules", &[POLICY]),
    metric("peergate_rule_expiry_timestamp_seconds", &[POLICY, RULE]),
    metric("peergate_config_rejections_total", &[]),
    metric("peergate_memory_bytes", &[]),
    metric("peergate_log_lines_omitted_total", &[]),
    metric("peergate_plane_comparisons_total", &[POLICY, VERDICTS]),
    metric(
        "peergate_observed_requests_total",
        &[POLICY, RULE, EFFECT, CALLER, METHOD, PATH],
    ),
];

/// Those that the module does not have yet. A test fails for each that it has.
pub(crate) const AWAITED: [&str; 9] = [
    "peergate_policy_revision",
    "peergate_policy_loaded_timestamp_seconds",
    "peergate_policy_rules",
    "peergate_rule_expiry_timestamp_seconds",
    "peergate_config_rejections_total",
    "peergate_memory_bytes",
    "peergate_log_lines_omitted_total",
    "peergate_plane_comparisons_total",
    "peergate_observed_requests_total",
];

/// Whether a query asks for a metric that is not there yet.
pub(crate) fn is_awaited(query: &str) -> bool {
    AWAITED.iter().any(|name| query.contains(name))
}
