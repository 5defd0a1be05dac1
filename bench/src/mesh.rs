//! A mesh of as many services as one likes.

/// A mesh with everything of which there is one object for each service, and these many rules for each.
pub fn documents(services: usize, rules: usize) -> String {
    let mut text = "apiVersion: peergate.dev/v1alpha1
kind: Mesh
metadata: {name: mesh}
spec:
  trustDomain: cluster.local
  istioVersion: \"1.31\"
  outbound: Declared
  networkPolicies: true
  filter: {image: \"file:///filter.wasm\"}
"
    .to_owned();
    for service in 0..services {
        let namespace = service % 200;
        text += &format!(
            "---
apiVersion: peergate.dev/v1alpha1
kind: ServicePolicy
metadata: {{name: s{service}, namespace: ns{namespace}}}
spec:
  selector: {{matchLabels: {{app: s{service}}}}}
  serviceAccount: s{service}
  service: {{ports: [{{port: 80, targetPort: 8080}}]}}
  rules:
"
        );
        for rule in 0..rules {
            // Callers from everywhere, the same in each run.
            let caller = (service * 7_919 + rule * 104_729) % services;
            text += &format!(
                "    - {{id: r{rule}, effect: Allow, from: [{{serviceAccounts: [ns{}/s{caller}]}}], to: [{{methods: [GET], paths: [\"/v{rule}/*\"]}}]}}\n",
                caller % 200
            );
        }
    }
    text
}
