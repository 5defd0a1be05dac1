//! Generates a mesh with any number of services.

const MESH: &str = "apiVersion: peergate.dev/v1alpha1
kind: Mesh
metadata: {name: mesh}
spec:
  trustDomain: cluster.local
  istioVersion: \"1.31\"
  outbound: Declared
  networkPolicies: true
  filter: {image: \"file:///filter.wasm\"}
";

/// A mesh with every kind of object that exists per service, and this many rules for each.
pub fn documents(services: usize, rules: usize) -> String {
    let policies = (0..services).map(|service| {
        let rules: Vec<_> = (0..rules)
            .map(|rule| rule_number(service, rule, services))
            .collect();
        policy(service) + &rules.concat()
    });
    let documents: Vec<_> = std::iter::once(MESH.to_owned()).chain(policies).collect();
    documents.concat()
}

/// A policy without its rules.
fn policy(service: usize) -> String {
    let namespace = service % 200;
    format!(
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
    )
}

/// A rule for a pseudo-random caller, the same in each run.
fn rule_number(service: usize, rule: usize, services: usize) -> String {
    let caller = (service * 7_919 + rule * 104_729) % services;
    let namespace = caller % 200;
    format!(
        "    - {{id: r{rule}, effect: Allow, from: [{{serviceAccounts: [ns{namespace}/s{caller}]}}], to: [{{methods: [GET], paths: [\"/v{rule}/*\"]}}]}}\n"
    )
}
