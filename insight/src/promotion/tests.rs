//! Tests of counting and verdicts.

mod connections;
mod subjects;
mod verdicts;
mod windows;

use std::time::Duration;

use policy_schema::plugin_config::PolicyName;
use policy_schema::rule_spec::Effect;
use policy_schema::timestamp::{Timestamp, Validity};

use super::bound::{Confidence, Share};
use super::candidate::{Candidate, Member, Subject};
use super::counting::Window;
use super::coverage::Coverage;
use super::evidence::{Beginning, Evidence, Hits, Seen};
use super::revisions::Revisions;
use super::verdict::{Standard, Verdict, judge};

fn policy(name: &str) -> PolicyName {
    PolicyName {
        namespace: "shop".to_owned(),
        name: name.to_owned(),
    }
}

fn member(name: &str, is_in_shadow: bool, rules_in_shadow: &[&str]) -> Member {
    Member {
        name: policy(name),
        revision: "0123456789ab".parse().unwrap(),
        is_in_shadow,
        rules_in_shadow: rules_in_shadow.iter().map(|id| (*id).to_owned()).collect(),
        rules: Vec::new(),
        tcp_ports: Vec::new(),
    }
}

fn rule(effect: Effect) -> Candidate {
    Candidate {
        members: vec![member("orders", false, &["a"])],
        neighbours: Vec::new(),
        is_decided: true,
        subject: Subject::Rule {
            id: "a".to_owned(),
            effect,
            owner: None,
            validity: Validity::default(),
        },
    }
}

fn whole(uncounted: &[&str]) -> Candidate {
    Candidate {
        members: vec![member("orders", true, &[])],
        neighbours: Vec::new(),
        is_decided: false,
        subject: Subject::Policies {
            uncounted: uncounted.iter().map(|name| policy(name)).collect(),
        },
    }
}

fn seen(requests: u64, denied: &[u64]) -> Seen {
    let hits = denied.iter().map(|requests| Hits {
        rule: None,
        reason: "no-rule-matched".to_owned(),
        requests: *requests,
        before: 0,
    });
    Seen {
        since: Timestamp::from_unix_nanoseconds(0),
        beginning: Beginning::Requested,
        missing: Duration::ZERO,
        coverage: Coverage::default(),
        requests,
        hits: hits.collect(),
        callers: None,
    }
}

fn standard() -> Standard {
    Standard {
        max_denied: Share::parse("0.1%").unwrap(),
        confidence: Confidence::parse("95%").unwrap(),
        ignores_tcp: false,
    }
}

/// The window from second 1000 to 2000.
fn window() -> Window {
    Window {
        from: second(1000),
        until: second(2000),
    }
}

fn second(second: u64) -> Timestamp {
    Timestamp::from_unix_nanoseconds(second * 1_000_000_000)
}

fn current() -> Revisions {
    Revisions::Current { since: None }
}

fn judged(
    candidate: &Candidate,
    revisions: Revisions,
    seen: Result<Seen, Vec<PolicyName>>,
) -> Verdict {
    let evidence = Evidence { revisions, seen };
    let verdict = judge(candidate, &evidence, window(), standard());
    let is_ready = matches!(verdict, Verdict::Ready { .. } | Verdict::Harmless);
    assert_eq!(verdict.is_ready(), is_ready);
    verdict
}

const MESH: &str = "
apiVersion: peergate.dev/v1alpha1
kind: Mesh
metadata: {name: test}
spec: {trustDomain: cluster.local, istioVersion: \"1.29\", filter: {image: \"file:///peergate_filter.wasm\"}, defaults: {otherwise: Pass}}
";
