//! An index of policies by gateway, the inverse of [`Mesh::gateways_of`](super::Mesh::gateways_of).

use std::collections::{BTreeMap, HashMap};

use super::selectors::Selectors;
use super::{Attachment, Gateway, Labels, ServicePolicy};

/// Policies by the gateways that they may apply to.
#[derive(Debug)]
pub(crate) struct PoliciesByGateway<'p> {
    /// The first policy for a class of gateways, which may apply to any gateway.
    class: Option<usize>,
    /// The first policy for each `Gateway`, by namespace and name.
    gateways: HashMap<(&'p str, &'p str), usize>,
    /// The first policy of each namespace.
    namespaces: BTreeMap<&'p str, usize>,
    workloads: BTreeMap<&'p str, Selectors<&'p Labels>>,
    mesh: Selectors<&'p Labels>,
}

impl<'p> PoliciesByGateway<'p> {
    /// Indexes policies, each with its position. Positions must ascend.
    pub(crate) fn new(policies: impl Iterator<Item = (usize, &'p ServicePolicy)>) -> Self {
        let mut class = None;
        let mut gateways = HashMap::new();
        let mut namespaces = BTreeMap::new();
        let mut workloads: BTreeMap<&str, Vec<_>> = BTreeMap::new();
        let mut mesh = Vec::new();
        for (position, policy) in policies {
            let namespace = policy.name.namespace.as_str();
            match &policy.attachment {
                Attachment::Workload(labels) => {
                    let there = workloads.entry(namespace).or_default();
                    there.push((position, labels));
                }
                Attachment::Namespace => {
                    namespaces.entry(namespace).or_insert(position);
                }
                Attachment::Mesh(labels) => mesh.push((position, labels)),
                Attachment::Targets(targets) => {
                    for target in targets {
                        match &*target.kind {
                            "GatewayClass" => class = class.or(Some(position)),
                            "Gateway" => {
                                let gateway = (namespace, target.name.as_str());
                                gateways.entry(gateway).or_insert(position);
                            }
                            _ => {}
                        }
                    }
                }
            }
        }
        let workloads = workloads.into_iter();
        Self {
            class,
            gateways,
            namespaces,
            workloads: workloads
                .map(|(namespace, ranked)| (namespace, Selectors::new(ranked)))
                .collect(),
            mesh: Selectors::new(mesh),
        }
    }

    /// The first policy that may apply to a gateway.
    pub(crate) fn first(&self, gateway: &Gateway) -> Option<usize> {
        let (namespace, name) = (gateway.namespace.as_str(), gateway.name.as_str());
        let labels = gateway.pod_labels();
        let workloads = self.workloads.get(namespace);
        let found = [
            self.class,
            self.gateways.get(&(namespace, name)).copied(),
            self.namespaces.get(namespace).copied(),
            workloads.and_then(|selectors| selectors.compatible(&labels).next()),
            self.mesh.compatible(&labels).next(),
        ];
        found.into_iter().flatten().min()
    }
}
