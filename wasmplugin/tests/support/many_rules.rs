//! Documents with many rules.

use std::fmt::Write as _;

/// A mesh with this many policies and rules. `operation` is the operation that the rule with this number allows.
pub(crate) fn documents(
    mesh: &str,
    policies: i64,
    rules: i64,
    operation: impl Fn(i64) -> String,
) -> String {
    let mut text = mesh.to_owned();
    for policy in 0..policies {
        let _ = write!(
            text,
            "---
apiVersion: peergate.dev/v1alpha1
kind: ServicePolicy
metadata: {{name: p{policy}, namespace: shop}}
spec:
  selector: {{matchLabels: {{app: a{policy}}}}}
  rules:
"
        );
        for rule in 0..rules {
            let operation = operation(rule);
            let _ = write!(
                text,
                "    - id: r{rule}
      effect: Allow
      from: [{{serviceAccounts: [c{rule}]}}]
      to: [{{{operation}}}]
"
            );
        }
    }
    text
}
