//! The memory that `peergate import` needs for many policies.

#![cfg(target_os = "linux")]
#![expect(
    clippy::unwrap_used,
    reason = "what the tests share may fail as the tests do"
)]

#[path = "support/footprint.rs"]
mod footprint;

use std::fmt::Write as _;

const RULES: i64 = 10;
const GOAL: i64 = 10_000;
const MAX_KIBIBYTES: i64 = 500_000_000 / 1024;

fn policies(count: i64) -> String {
    let mut text = String::new();
    for policy in 0..count {
        let _ = write!(
            text,
            "---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {{name: p{policy}, namespace: shop}}
spec:
  selector: {{matchLabels: {{app: a{policy}}}}}
  action: ALLOW
  rules:
"
        );
        for rule in 0..RULES {
            let _ = write!(
                text,
                "  - from: [{{source: {{principals: [\"cluster.local/ns/shop/sa/c{rule}\"]}}}}]
    to: [{{operation: {{methods: [GET], paths: [\"/p{rule}/*\"]}}}}]
"
            );
        }
    }
    text
}

#[test]
fn imports_ten_thousand_policies_with_ten_rules_each_within_500_megabytes() {
    let folder = tempfile::tempdir().unwrap();
    let peak_kib = |count| {
        std::fs::write(folder.path().join("istio.yaml"), policies(count)).unwrap();
        footprint::peak_kib(folder.path(), &["import", "istio", "istio.yaml"])
    };
    let peak = footprint::extrapolate([500, 1_000], peak_kib, GOAL);
    assert!(peak < MAX_KIBIBYTES, "{peak}");
}
