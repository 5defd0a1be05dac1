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
                format!("nothing proves that its filter took up policy `{name}`: {reason}"),
                "verify the proxy through its admin endpoint, which has its metrics",
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
                "nothing proves that its filter took up policy `{name}`: no metric says that it loaded a configuration since the proxy received this one"
            ),
            "see the proxy's log: the filter may have refused the configuration; restart the proxy, and verify it again",
        ),
        [one] if *one == revision => None,
        [one] => Some(proxy.finding(
            FindingCode::RefusedConfiguration,
            format!(
                "it was sent revision {revision} of policy `{name}`, and its filter still runs {one}"
            ),
            "see the proxy's log: the filter refused the configuration, or is taking it up just now",
        )),
        [] if proxy.hides_revisions => not_checked(
            format!(
                "nothing proves that its filter took up policy `{name}`: its bootstrap may drop the metric `{}`",
                crate::telemetry::metric::REVISION.name
            ),
            "include the prefix `wasmcustom` in the proxy's `proxyStatsMatcher`",
        ),
        [] => Some(proxy.finding(
            FindingCode::PolicyNotRunning,
            format!(
                "it was sent revision {revision} of policy `{name}`, and its filter reports none: it did not start, and the proxy answers every request with an error"
            ),
            "see the proxy's log: the filter refused its configuration, or could not be loaded",
        )),
        several => not_checked(
            format!(
                "its filter reports {} revisions of policy `{name}`, and it was sent {revision}",
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
