//! Whether each proxy runs what the documents have.

use super::coverage::{is_for, is_gateway};
use super::mutual_tls::may_accept_plaintext;
use super::{Finding, FindingCode, Verdict};
use crate::plugin_config::PolicyName;
use crate::policy::{Labels, PolicySet};

/// What a proxy tells of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proxy {
    /// What people call it: its pod, or where it was asked.
    pub name: String,
    /// The namespace of its pod; none if it does not tell.
    pub namespace: Option<String>,
    /// The labels of its pod; none if it does not tell.
    pub labels: Option<Labels>,
    /// The policies that callers meet, in the order of their names.
    pub policies: Vec<RunningPolicy>,
    /// The listeners that accept callers whose certificate they do not verify.
    pub plaintext: Vec<PlaintextListener>,
    /// The listeners of which it does not say whether callers come in by them.
    pub undirected: Vec<String>,
    /// What it was sent and did not take up.
    pub refused: Vec<Refusal>,
}

/// Something that a proxy was sent, and did not take up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What it is, as people name it.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// Why, as the proxy says it.
    pub reason: String,
}

/// A policy that a proxy runs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RunningPolicy {
    /// Its name.
    pub name: PolicyName,
    /// The revision; none if its plugin config has none.
    pub revision: Option<String>,
}

/// Where a proxy accepts callers whose certificate it does not verify.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PlaintextListener {
    /// The listener's name.
    pub name: String,
    /// The workload's port; none for every port.
    pub port: Option<u16>,
    /// Whether TLS is spoken.
    pub has_tls: bool,
}

pub(super) fn check(set: &PolicySet, proxies: &[Proxy], verdict: &mut Verdict) {
    let has_filter = set.mesh.filter_image.is_some();
    if !proxies.is_empty() && !has_filter {
        verdict
            .unchecked
            .push("what proxies run: the `Mesh` has no `spec.filter.image`".to_owned());
    }
    for proxy in proxies {
        if has_filter {
            check_policies(set, proxy, &mut verdict.findings);
        }
        check_refusals(proxy, &mut verdict.findings);
        check_listeners(set, proxy, &mut verdict.findings);
    }
}

impl Proxy {
    /// Whether a policy is for its pod; none if it does not tell what it is.
    fn is_for(&self, set: &PolicySet, name: &PolicyName) -> Option<bool> {
        let (namespace, labels) = (self.namespace.as_ref()?, self.labels.as_ref()?);
        let policy = set.policy(&name.namespace, &name.name)?;
        Some(is_for(policy, namespace, labels))
    }

    fn finding(&self, code: FindingCode, message: String, help: &str) -> Finding {
        Finding::of(format!("proxy {}", self.name), code, message, help)
    }
}

fn check_policies(set: &PolicySet, proxy: &Proxy, findings: &mut Vec<Finding>) {
    let is_running = |name: &PolicyName| proxy.policies.iter().any(|policy| policy.name == *name);
    for policy in &set.policies {
        if proxy.is_for(set, &policy.name) == Some(true) && !is_running(&policy.name) {
            findings.push(proxy.finding(
                FindingCode::PolicyNotRunning,
                format!("policy `{}` is for it, and it does not run it", policy.name),
                "see whether the filter's object is there, and what the proxy's log says of the filter",
            ));
        }
    }
    if proxy.labels.is_none() && proxy.policies.is_empty() {
        findings.push(proxy.finding(
            FindingCode::PolicyNotRunning,
            "it runs no policy, and does not tell what it is".to_owned(),
            "see whether the filter's object is there, and what the proxy's log says of the filter",
        ));
    }
    for running in &proxy.policies {
        let name = &running.name;
        match set.policy(&name.namespace, &name.name) {
            Some(policy) if proxy.is_for(set, name) != Some(false) => {
                let expected = policy.revision(set);
                if running.revision.as_ref() != Some(&expected) {
                    findings.push(proxy.finding(
                        FindingCode::StaleRevision,
                        match &running.revision {
                            Some(revision) => format!(
                                "it runs revision {revision} of policy `{name}`, and the documents have {expected}"
                            ),
                            None => format!(
                                "it runs policy `{name}` without a revision, and the documents have {expected}"
                            ),
                        },
                        "apply what `peergate render` makes of the documents, and see whether the proxy is connected to istiod",
                    ));
                }
            }
            found => findings.push(proxy.finding(
                FindingCode::UnknownPolicy,
                match found {
                    Some(_) => format!("it runs policy `{name}`, which is not for its workload"),
                    None => format!("it runs policy `{name}`, which no document has"),
                },
                "delete the object that brings it",
            )),
        }
    }
}

fn check_refusals(proxy: &Proxy, findings: &mut Vec<Finding>) {
    findings.extend(proxy.refused.iter().map(|Refusal { kind, name, reason }| {
        proxy.finding(
            FindingCode::RefusedConfiguration,
            format!("it refused its {kind} `{name}`, and goes on with what it had: {reason}"),
            "correct the object that brings it, of which the reason tells",
        )
    }));
}

fn check_listeners(set: &PolicySet, proxy: &Proxy, findings: &mut Vec<Finding>) {
    let nothing = Labels::new();
    let namespace = proxy.namespace.as_deref().unwrap_or_default();
    let labels = proxy.labels.as_ref().unwrap_or(&nothing);
    if is_gateway(set, namespace, labels) {
        return;
    }
    findings.extend(proxy.undirected.iter().map(|listener| {
        proxy.finding(
            FindingCode::NotChecked,
            format!("its listener `{listener}` does not say whether callers come in by it, and was not judged"),
            "if they do, have it say `traffic_direction: INBOUND`",
        )
    }));
    for listener in &proxy.plaintext {
        if may_accept_plaintext(&set.mesh, namespace, labels, listener.port) {
            continue;
        }
        let port = match listener.port {
            Some(port) => format!("port {port}"),
            None => "every port that no other part of it is for".to_owned(),
        };
        let accepts = if listener.has_tls {
            "TLS without verifying the caller's certificate"
        } else {
            "plaintext"
        };
        findings.push(proxy.finding(
            FindingCode::PlaintextListener,
            format!(
                "its listener `{}` accepts {accepts} on {port}, and no document says so",
                listener.name
            ),
            "see which `PeerAuthentication` or `EnvoyFilter` makes it so",
        ));
    }
}
