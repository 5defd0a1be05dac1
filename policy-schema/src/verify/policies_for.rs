//! The policies for pods, found by the pods' labels.

use std::collections::{BTreeMap, HashMap};

use crate::policy::{Attachment, GATEWAY_NAME, Labels, PolicySet, Selectors, ServicePolicy};

/// The policies of a set by what they are for. Finds what [`is_for`](super::coverage::is_for) is true of.
#[derive(Debug)]
pub(super) struct PoliciesFor<'s> {
    policies: &'s [ServicePolicy],
    of_workloads: BTreeMap<&'s str, Selectors<&'s Labels>>,
    of_namespaces: BTreeMap<&'s str, Vec<usize>>,
    of_mesh: Selectors<&'s Labels>,
    /// By the namespaces and the names of gateways.
    of_gateways: HashMap<(&'s str, &'s str), Vec<usize>>,
}

impl<'s> PoliciesFor<'s> {
    pub(super) fn of(set: &'s PolicySet) -> Self {
        let mut of_workloads: BTreeMap<&str, Vec<_>> = BTreeMap::new();
        let mut of_namespaces: BTreeMap<&str, Vec<_>> = BTreeMap::new();
        let mut of_mesh = Vec::new();
        let mut of_gateways: HashMap<_, Vec<_>> = HashMap::new();
        for (position, policy) in set.policies.iter().enumerate() {
            let namespace = policy.name.namespace.as_str();
            match &policy.attachment {
                Attachment::Workload(labels) => {
                    let there = of_workloads.entry(namespace).or_default();
                    there.push((position, labels));
                }
                Attachment::Namespace => {
                    of_namespaces.entry(namespace).or_default().push(position);
                }
                Attachment::Mesh(labels) => of_mesh.push((position, labels)),
                Attachment::Targets(targets) => {
                    for target in targets.iter().filter(|target| target.kind == "Gateway") {
                        let gateway = (namespace, target.name.as_str());
                        of_gateways.entry(gateway).or_default().push(position);
                    }
                }
            }
        }
        let of_workloads = of_workloads.into_iter();
        Self {
            policies: &set.policies,
            of_workloads: of_workloads
                .map(|(namespace, ranked)| (namespace, Selectors::of(ranked)))
                .collect(),
            of_namespaces,
            of_mesh: Selectors::of(of_mesh),
            of_gateways,
        }
    }

    /// The policies for pods of a namespace with these labels, in the order of the set.
    pub(super) fn pods(&self, namespace: &str, labels: &Labels) -> Vec<&'s ServicePolicy> {
        let of_workloads = self.of_workloads.get(namespace);
        let mut positions = self.of_mesh.selecting(labels);
        positions.extend(
            of_workloads
                .into_iter()
                .flat_map(|own| own.selecting(labels)),
        );
        positions.extend(self.of_namespaces.get(namespace).into_iter().flatten());
        if let Some(gateway) = labels.get(GATEWAY_NAME) {
            let of_gateway = self.of_gateways.get(&(namespace, gateway.as_str()));
            positions.extend(of_gateway.into_iter().flatten());
        }
        positions.sort_unstable();
        positions.dedup();
        let positions = positions.into_iter();
        positions
            .filter_map(|position| self.policies.get(position))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::diagnostic::SourceText;
    use crate::timestamp::Timestamp;
    use crate::validate::{Options, validate};
    use crate::verify::coverage::is_for;

    const MESH: &str = r#"
apiVersion: peergate.dev/v1alpha1
kind: Mesh
metadata: {name: shop}
spec: {trustDomain: cluster.local, istioVersion: "1.30"}
"#;

    /// What policies are for, each with its namespace.
    const POLICIES: [(&str, &str); 10] = [
        ("m", "selector: {matchLabels: {a: x}}"),
        ("m", "selector: {matchLabels: {a: x, b: y}}"),
        ("m", "selector: {matchLabels: {b: x}}"),
        ("n", "selector: {matchLabels: {a: x}}"),
        ("n", "scope: Namespace"),
        (
            "m",
            "targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: x}]",
        ),
        ("m", "targetRefs: [{kind: Service, name: y}]"),
        (
            "istio-system",
            "scope: Mesh, selector: {matchLabels: {b: x}}",
        ),
        (
            "istio-system",
            "scope: Mesh, selector: {matchLabels: {a: y, b: x}}",
        ),
        ("istio-system", "scope: Mesh"),
    ];

    fn set() -> PolicySet {
        let policies = POLICIES.iter().enumerate();
        let policies = policies.map(|(number, (namespace, spec))| {
            format!("---\napiVersion: peergate.dev/v1alpha1\nkind: ServicePolicy\nmetadata: {{name: p{number}, namespace: {namespace}}}\nspec: {{{spec}, rules: []}}\n")
        });
        let source = SourceText {
            name: "policies.yaml".to_owned(),
            text: MESH.to_owned() + &policies.collect::<String>(),
        };
        let options = Options {
            at: Timestamp::from_unix_nanoseconds(0),
            istio_version: None,
        };
        validate(&[source], options).policies.expect("policies")
    }

    proptest! {
        #[test]
        fn the_policies_for_pods_are_those_that_a_plain_loop_finds(
            namespace in "m|n|o|istio-system",
            labels in prop::collection::btree_map("a|b|gateway\\.networking\\.k8s\\.io/gateway-name", "[xy]", 0..4),
        ) {
            let set = set();
            let found = PoliciesFor::of(&set).pods(&namespace, &labels);
            let plain = set.policies.iter();
            let plain = plain.filter(|policy| is_for(policy, &namespace, &labels));
            let name = |policy: &ServicePolicy| policy.name.to_string();
            prop_assert_eq!(
                found.into_iter().map(name).collect::<Vec<_>>(),
                plain.map(name).collect::<Vec<_>>()
            );
        }
    }
}
