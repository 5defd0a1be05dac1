//! The verification report as JSON.

use std::collections::BTreeMap;

use peergate_mesh::probe::ProbeAnswers;
use peergate_mesh::verification::Verification;
use policy_schema::plugin_config::PolicyName;
use policy_schema::policy::PolicySet;
use policy_schema::telemetry::RevisionNumber;
use policy_schema::verify::{Proxy, RunningPolicy};
use serde::Serialize;

use crate::entry::{Entry, entries};
use crate::message::Message;
use crate::serialized::{self, SerializeError};

#[derive(Serialize)]
struct Document<'r> {
    findings: Vec<Entry<'r>>,
    /// Missing inputs.
    unchecked: &'r [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    objects: Option<usize>,
    proxies: Vec<ProxyEntry<'r>>,
    ports: Vec<PortEntry<'r>>,
}

#[derive(Serialize)]
struct ProxyEntry<'r> {
    name: &'r str,
    policies: Vec<PolicyEntry<'r>>,
}

#[derive(Serialize)]
struct PolicyEntry<'r> {
    policy: String,
    /// The revision last sent to the proxy.
    #[serde(skip_serializing_if = "Option::is_none")]
    revision: Option<&'r str>,
    /// The revision that the filter reports. None without proof that it runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    reported: Option<&'r str>,
    /// The revision in the documents. None if they do not have the policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    expected: Option<String>,
}

#[derive(Serialize)]
struct PortEntry<'r> {
    address: &'r str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pod: Option<&'r str>,
    #[serde(flatten)]
    answers: &'r ProbeAnswers,
}

/// Formats findings, proxies and ports as a JSON object.
pub fn json(verified: &Verification, set: &PolicySet) -> Result<Vec<u8>, SerializeError> {
    let findings = verified.findings.iter().map(Message::from);
    let running = verified.proxies.iter().flat_map(|proxy| &proxy.policies);
    let revisions = set.revisions(running.map(|policy| &policy.name));
    let proxies = verified.proxies.iter().map(|proxy| ProxyEntry {
        name: &proxy.name,
        policies: proxy
            .policies
            .iter()
            .map(|policy| policy_entry(proxy, policy, &revisions))
            .collect(),
    });
    let ports = verified.seen.probes.iter().map(|probed| PortEntry {
        address: &probed.address,
        pod: probed.pod.as_deref(),
        answers: &probed.answers,
    });
    serialized::json(&Document {
        findings: entries(findings, &verified.sources),
        unchecked: &verified.unchecked,
        objects: verified.seen.objects,
        proxies: proxies.collect(),
        ports: ports.collect(),
    })
}

fn policy_entry<'r>(
    proxy: &'r Proxy,
    running: &'r RunningPolicy,
    revisions: &BTreeMap<&PolicyName, RevisionNumber>,
) -> PolicyEntry<'r> {
    PolicyEntry {
        policy: running.name.to_string(),
        revision: running.revision.as_deref(),
        reported: proxy.reported(&running.name),
        expected: revisions.get(&running.name).map(RevisionNumber::to_string),
    }
}
