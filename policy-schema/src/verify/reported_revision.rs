//! Checks that a filter runs the plugin config that its proxy received.
//!
//! A proxy's config dump contains the last received config, which the filter may have refused. The
//! filter reports its loaded config in a metric. The metric outlives the filter, so it alone proves
//! nothing.

use std::collections::BTreeSet;

use super::measurements::{Measured, Measurements};
use super::proxy::{Proxy, RunningPolicy};
use super::{Finding, FindingCode};
use crate::plugin_config::PolicyName;

impl Proxy {
    /// The revision that the filter of a policy reports. None unless it reports exactly one.
    pub fn reported(&self, policy: &PolicyName) -> Option<&str> {
        let Measured::Read(measurements) = &self.measured else {
            return None;
        };
        if measurements.is_without_filters {
            return None;
        }
        let revisions = measurements.revisions.get(policy)?;
        match revisions.iter().collect::<Vec<_>>().as_slice() {
            [one] => Some(one),
            _ => None,
        }
    }
}

/// Compares the policy that a proxy received with the revision that its filter reports.
pub(super) fn check(proxy: &Proxy, sent: &RunningPolicy) -> Option<Finding> {
    let name = &sent.name;
    let not_checked =
        |message: String, help: &str| Some(proxy.finding(FindingCode::NotChecked, message, help));
    // Without a revision there is nothing to compare. Rendered configs always have one.
    let revision = sent.revision.as_deref()?;
    let measurements = match &proxy.measured {
        Measured::Unread(reason) => {
            return not_checked(
                format!("cannot confirm that its filter loaded policy `{name}`: {reason}"),
                "verify the proxy through its admin endpoint, which serves its metrics",
            );
        }
        Measured::Read(measurements) => measurements,
    };
    let nothing = BTreeSet::new();
    let reported = if measurements.is_without_filters {
        &nothing
    } else {
        measurements.revisions.get(name).unwrap_or(&nothing)
    };
    match reported.iter().collect::<Vec<_>>().as_slice() {
        [one] if *one == revision && may_be_older(sent, measurements) => not_checked(
            format!(
                "cannot confirm that its filter loaded policy `{name}`: its metrics report no load since the proxy received this configuration"
            ),
            "check whether the proxy's log reports a refused configuration; restart the proxy, and verify it again",
        ),
        [one] if *one == revision => None,
        [one] => Some(proxy.finding(
            FindingCode::RefusedConfiguration,
            format!(
                "received revision {revision} of policy `{name}`, but its filter still runs {one}"
            ),
            "check the proxy's log: the filter refused the configuration, or is still loading it",
        )),
        [] if proxy.hides_revisions => not_checked(
            format!(
                "cannot confirm that its filter loaded policy `{name}`: its bootstrap may drop the metric `{}`",
                crate::telemetry::metric::REVISION.name
            ),
            "include the prefix `wasmcustom` in the proxy's `proxyStatsMatcher`",
        ),
        [] => Some(proxy.finding(
            FindingCode::PolicyNotRunning,
            format!(
                "received revision {revision} of policy `{name}`, but its filter reports none: the filter did not start, and the proxy answers every request with an error"
            ),
            "check the proxy's log: the filter refused its configuration, or could not be loaded",
        )),
        several => not_checked(
            format!(
                "its filter reports {} revisions of policy `{name}`, but the proxy received {revision}",
                several.len()
            ),
            "restart the proxy, and verify it again",
        ),
    }
}

/// Whether the filter may have loaded its config before the proxy received the current one. The
/// filter reports whole seconds.
fn may_be_older(sent: &RunningPolicy, measurements: &Measurements) -> bool {
    let loaded = measurements.loaded.get(&sent.name);
    sent.sent.is_some_and(|sent| {
        loaded.is_none_or(|loaded| loaded.saturating_add(1) < sent.unix_seconds())
    })
}
