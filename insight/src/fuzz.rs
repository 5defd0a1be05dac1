//! Fuzzes learning from access logs: every input is learned from or rejected, within bounds.

use std::collections::{BTreeSet, HashSet};

use peergate_fuzz::{Target, fuzz};
use policy_schema::identity::TrustDomains;
use policy_schema::telemetry::DENIAL_DETAILS;

use crate::learning::access_log::{self, Entry, policy_name};
use crate::learning::proposal::{Proposals, Thresholds};
use crate::learning::workload::{Counting, ExistingDecision, Workload};

#[test]
fn learns_from_or_rejects_any_access_log() {
    const TARGET: Target<'_> = Target {
        name: "access-log",
        seeds: &[],
        dictionary: &[
            "/",
            "/1",
            "/a",
            "/9f1c2d3e4b5a69788796a5b4c3d2e1f0",
            "/{*}",
            "\\u0000",
            "\\ud800",
            "null",
            "-",
            "\"\"",
            "\n",
            "{\"start_time\":\"2026-06-01T10:00:00Z\",\"method\":\"GET\",\"path\":\"/1/2\",\"response_code\":200,\"response_code_details\":\"\",\"peer\":\"spiffe://cluster.local/ns/a/sa/b\"}\n",
            "spiffe://cluster.local/ns/shop/sa/web",
            DENIAL_DETAILS,
            "/a.b.C/D",
        ],
    };
    let domains = TrustDomains::new("cluster.local", &["old.example"]).unwrap();
    let policy = policy_name("shop/orders").unwrap();
    let counting = Counting {
        status_below: 400,
        takes_denied: false,
        takes_anonymous: true,
    };
    let evidence = Thresholds {
        least_count: 1,
        least_span: 0,
        min_ids: 2,
        takes_rare: true,
    };
    fuzz(TARGET, |input| {
        let mut workload = Workload::default();
        let mut faults = HashSet::new();
        let mut without_caller = 0;
        for line in input.split(|byte| *byte == b'\n') {
            match access_log::read(line, Some(&policy)) {
                Ok(Entry::Request(seen)) => {
                    workload.add(&seen, &domains, counting, |_| ExistingDecision::Undecided);
                }
                Ok(Entry::WithoutCaller { .. }) => without_caller += 1,
                Err(fault) => {
                    faults.insert(std::mem::discriminant(&fault));
                }
            }
        }
        let proposals = Proposals::new(&workload, evidence, &[]);
        let patterns = proposals.learned.values().flatten();
        let folds: BTreeSet<_> = patterns.map(|call| call.pattern.folds.len()).collect();
        let aside: HashSet<_> = workload
            .excluded
            .keys()
            .map(std::mem::discriminant)
            .collect();
        format!(
            "{} {folds:?} {} {} {}",
            faults.len(),
            without_caller.min(1),
            proposals.held_back.len().min(3),
            aside.len()
        )
    });
}
