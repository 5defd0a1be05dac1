//! Checks the size of plugin configs.

use std::io::{self, Write};

use serde::Serialize;

use super::documents_by_name::DocumentsByName;
use crate::code;
use crate::diagnostic::Diagnostic;
use crate::plugin_config::{MeshIdentity, PluginConfig};
use crate::policy::{PolicySet, ServicePolicy, extra_labels};
use crate::problem::Cursor;
use crate::telemetry::RevisionNumber;

/// The maximum size of a Kubernetes object. A filter takes about 0.1 s to load a plugin config of
/// this size, and blocks each worker of the proxy meanwhile.
const MAX_CONFIG: usize = 1 << 20;

/// Reports policies with a larger plugin config. `text_length` is the total length of the documents
/// in bytes. A config is hardly longer than its documents, so usually none needs to be measured.
pub(super) fn check_across_policies(
    text_length: usize,
    documents: &DocumentsByName<'_>,
    set: &PolicySet,
    diagnostics: &mut Vec<Diagnostic>,
) {
    if text_length < MAX_CONFIG / 2 {
        return;
    }
    let sizes = Sizes::new(set);
    for policy in set.policies() {
        let size = sizes.config_size(set, policy);
        let Some(document) = documents.get(policy).filter(|_| size > MAX_CONFIG) else {
            continue;
        };
        let others = match policy.followers.len() {
            0 => String::new(),
            1 => ", with the rules of another policy for the same workloads".to_owned(),
            count => format!(", with the rules of {count} other policies for the same workloads"),
        };
        document.report(
            diagnostics,
            code::LARGE_POLICY,
            &Cursor::Root.key("metadata").key("name"),
            format!(
                "the plugin config is {} KiB{others}; loading more than 1024 KiB stalls a proxy, and `render` refuses Kubernetes objects of that size",
                size.div_ceil(1024)
            ),
            "split the policy by workload, or use patterns instead of long lists of values",
        );
    }
}

/// The lengths of plugin configs as JSON, computed without building each: the rules of a policy are
/// part of the configs of all its leaders.
struct Sizes {
    /// For each policy, its length as a follower in another config, without labels.
    followers: Vec<usize>,
    /// The length of the mesh's identity, which may be as long as all policies together.
    identity: usize,
}

impl Sizes {
    fn new(set: &PolicySet) -> Self {
        let policies = set.policies().iter();
        let size = |policy| json_size(&set.follower_config(policy));
        Self {
            followers: policies.map(size).collect(),
            identity: json_size(&set.mesh_identity()),
        }
    }

    /// The length of a policy's whole plugin config.
    fn config_size(&self, set: &PolicySet, policy: &ServicePolicy) -> usize {
        let none = MeshIdentity {
            trust_domain: String::new(),
            trust_domain_aliases: Vec::new(),
            gateways: Vec::new(),
        };
        let of_none = json_size(&none);
        let alone = json_size(&PluginConfig {
            revision: Some(RevisionNumber::default().to_string()),
            ..set.plugin_config_in(none, policy)
        });
        let alone = alone - of_none + self.identity;
        let followers = policy.followers.iter().map(|follower| {
            let other = set.policies().get(*follower);
            let labels = other.map(|other| extra_labels(policy, other));
            let labels = labels.filter(|labels| !labels.is_empty());
            let labels = labels.map_or(0, |labels| ",\"matchLabels\":".len() + json_size(&labels));
            let length = self.followers.get(*follower);
            ",".len() + labels + length.copied().unwrap_or_default()
        });
        let followers: usize = followers.sum();
        match followers {
            0 => alone,
            followers => alone + ",\"coEnforced\":[]".len() + followers - ",".len(),
        }
    }
}

/// The length as JSON.
fn json_size(value: &impl Serialize) -> usize {
    let mut count = Count(0);
    // Strings, numbers and lists always serialize, and the counter accepts everything.
    let _ = serde_json::to_writer(&mut count, value);
    count.0
}

struct Count(usize);

impl Write for Count {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.saturating_add(bytes.len());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::SourceText;
    use crate::timestamp::Timestamp;
    use crate::validate::{Options, validate};

    const POLICIES: &str = r#"
apiVersion: peergate.dev/v1alpha1
kind: Mesh
metadata: {name: shop}
spec:
  trustDomain: cluster.local
  istioVersion: "1.29"
  defaults: {otherwise: Pass}
  gateways: [{name: edge, namespace: edge, selector: {matchLabels: {istio: edge}}, serviceAccount: edge, servers: [{hosts: [a.example.com], tls: {secret: s}}]}]
---
apiVersion: peergate.dev/v1alpha1
kind: ServicePolicy
metadata: {name: cart, namespace: shop}
spec:
  selector: {matchLabels: {app: cart}}
  rules: [{id: web, effect: Allow, from: [{serviceAccounts: [web]}]}]
---
apiVersion: peergate.dev/v1alpha1
kind: ServicePolicy
metadata: {name: team, namespace: shop}
spec:
  selector: {matchLabels: {team: back, tier: data}}
  enforcement: Shadow
  rules: []
---
apiVersion: peergate.dev/v1alpha1
kind: ServicePolicy
metadata: {name: all, namespace: istio-system}
spec:
  scope: Mesh
  otherwise: Pass
  rules: [{id: admin, effect: Deny, to: [{paths: ["/admin/*"]}]}]
"#;

    #[test]
    fn computes_the_size_of_the_config() {
        let source = SourceText {
            name: "policies.yaml".to_owned(),
            text: POLICIES.to_owned(),
        };
        let options = Options {
            at: Timestamp::from_unix_nanoseconds(0),
            istio_version: None,
        };
        let validated = validate(&[source], options);
        let set = validated.policies.expect("policies");
        let sizes = Sizes::new(&set);
        let followers: Vec<_> = set
            .policies()
            .iter()
            .map(|policy| {
                let config = set.plugin_config(policy);
                let json = serde_json::to_vec(&config).expect("JSON");
                assert_eq!(sizes.config_size(&set, policy), json.len(), "{policy:?}");
                policy.followers.len()
            })
            .collect();
        assert_eq!(followers, [0, 1, 2]);
    }
}
