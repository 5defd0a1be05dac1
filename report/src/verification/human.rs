//! The verification report as text.

use peergate_mesh::verification::Verification;
use peergate_mesh::verification::seen::Probed;
use policy_schema::verify::{Proxy, RunningPolicy};
use policy_schema::wording::counted;

use crate::message::{Message, counts, rendered};

/// Formats proxies, probed ports and findings, styled for a terminal.
pub fn text(verified: &Verification) -> String {
    let running = verified
        .proxies
        .iter()
        .map(|proxy| format!("proxy {}: {}\n", proxy.name, running(proxy)));
    let mut text: String = running.collect();
    text.extend(verified.seen.probes.iter().map(port));
    if !text.is_empty() {
        text.push('\n');
    }
    text += &rendered(
        verified.findings.iter().map(Message::from),
        &verified.sources,
    );
    let unchecked = verified.unchecked.iter();
    text.extend(unchecked.map(|unchecked| format!("not checked: {unchecked}\n")));
    text += &summary(verified);
    text
}

fn port(probed: &Probed) -> String {
    let of_pod = match &probed.pod {
        Some(pod) => format!(" of {pod}"),
        None => String::new(),
    };
    let answers = &probed.answers;
    format!(
        "port {}{of_pod}: plaintext {}, no certificate {}, foreign identity {}\n",
        probed.address, answers.plaintext, answers.no_certificate, answers.foreign_identity
    )
}

fn running(proxy: &Proxy) -> String {
    if proxy.policies.is_empty() {
        return "no policy".to_owned();
    }
    let policies = proxy.policies.iter().map(|policy| {
        let RunningPolicy { name, revision, .. } = policy;
        match (revision.as_deref(), proxy.reported(name)) {
            (Some(sent), Some(reported)) if sent == reported => {
                format!("policy {name} at revision {sent}")
            }
            (Some(sent), Some(reported)) => {
                format!("policy {name} at revision {reported}, but received {sent}")
            }
            (Some(sent), None) => {
                format!("policy {name} was sent at revision {sent}, not confirmed")
            }
            (None, _) => format!("policy {name} without a revision"),
        }
    });
    policies.collect::<Vec<_>>().join(", ")
}

fn summary(verified: &Verification) -> String {
    let seen = &verified.seen;
    let objects = seen
        .objects
        .map(|count| counted(count, "object", "objects"));
    let proxies = seen.proxies + seen.mute_proxies;
    let proxies = (proxies > 0).then(|| counted(proxies, "proxy", "proxies"));
    let ports = (seen.ports > 0).then(|| counted(seen.ports, "port", "ports"));
    let looked_at: Vec<_> = [objects, proxies, ports].into_iter().flatten().collect();
    let looked_at = match looked_at.as_slice() {
        [] => "nothing".to_owned(),
        some => some.join(", "),
    };
    let severities = verified
        .findings
        .iter()
        .map(|finding| finding.code.severity());
    let found = match counts(severities) {
        none if none.is_empty() => "no findings".to_owned(),
        some => some,
    };
    format!("{looked_at}: {found}\n")
}
