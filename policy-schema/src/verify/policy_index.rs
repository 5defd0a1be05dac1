//! Finds the policies for pods by the pods' labels.

use std::collections::{BTreeMap, HashMap};

use crate::policy::{Attachment, GATEWAY_NAME, Labels, Selectors, ServicePolicy};

/// An index of policies. Finds those for which [`is_for`](super::coverage::is_for) is true.
#[derive(Debug)]
pub(super) struct PolicyIndex<'s> {
    policies: &'s [ServicePolicy],
    of_workloads: BTreeMap<&'s str, Selectors<&'s Labels>>,
    of_namespaces: BTreeMap<&'s str, Vec<usize>>,
    of_mesh: Selectors<&'s Labels>,
    /// Policies for gateways, by namespace and name.
    of_gateways: HashMap<(&'s str, &'s str), Vec<usize>>,
}

impl<'s> PolicyIndex<'s> {
    pub(super) fn new(policies: &'s [ServicePolicy]) -> Self {
        let mut of_workloads: BTreeMap<&str, Vec<_>> = BTreeMap::new();
        let mut of_namespaces: BTreeMap<&str, Vec<_>> = BTreeMap::new();
        let mut of_mesh = Vec::new();
        let mut of_gateways: HashMap<_, Vec<_>> = HashMap::new();
        for (position, policy) in policies.iter().enumerate() {
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
            policies,
            of_workloads: of_workloads
                .map(|(namespace, ranked)| (namespace, Selectors::new(ranked)))
                .collect(),
            of_namespaces,
            of_mesh: Selectors::new(of_mesh),
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
    use crate::timestamp::Timestamp;

    use proptest::prelude::*;

    use super::*;
    use crate::document::TargetRef;
    use crate::plugin_config::PolicyName;
    use crate::rule_spec::{Enforcement, Otherwise};
    use crate::verify::coverage::is_for;

    fn policy(number: usize, namespace: String, attachment: Attachment) -> ServicePolicy {
        ServicePolicy {
            source: 0,
            name: PolicyName {
                namespace,
                name: format!("p{number}"),
            },
            attachment,
            enforcement: Enforcement::Enforce,
            otherwise: Otherwise::Deny,
            tcp_ports: Vec::new(),
            shared_tcp_ports: Vec::new(),
            rules: Vec::new(),
            at: Timestamp::from_unix_nanoseconds(0),
            service_account: None,
            service: None,
            exposures: Vec::new(),
            external_hosts: Vec::new(),
            followers: Vec::new(),
            rank: 0,
        }
    }

    fn some_labels() -> impl Strategy<Value = Labels> {
        let key = prop::sample::select(vec!["a", "b", GATEWAY_NAME]).prop_map(str::to_owned);
        prop::collection::btree_map(key, "[xy]", 0..4)
    }

    fn some_attachment() -> impl Strategy<Value = Attachment> {
        let targets = ("Gateway|Service", "[xy]").prop_map(|(kind, name)| TargetRef {
            group: None,
            kind,
            name,
        });
        prop_oneof![
            some_labels().prop_map(Attachment::Workload),
            Just(Attachment::Namespace),
            some_labels().prop_map(Attachment::Mesh),
            prop::collection::vec(targets, 1..3).prop_map(Attachment::Targets),
        ]
    }

    proptest! {
        #[test]
        fn finds_the_same_policies_as_a_plain_loop(
            policies in prop::collection::vec(("[mn]", some_attachment()), 0..12),
            namespace in "[mno]",
            labels in some_labels(),
        ) {
            let policies = policies.into_iter().enumerate();
            let policies: Vec<_> = policies
                .map(|(number, (namespace, attachment))| policy(number, namespace, attachment))
                .collect();
            let found = PolicyIndex::new(&policies).pods(&namespace, &labels);
            let plain = policies.iter();
            let plain = plain.filter(|policy| is_for(policy, &namespace, &labels));
            let name = |policy: &ServicePolicy| policy.name.to_string();
            prop_assert_eq!(
                found.into_iter().map(name).collect::<Vec<_>>(),
                plain.map(name).collect::<Vec<_>>()
            );
        }
    }
}
