//! The gateways of a mesh, found by name or by their pods.

use std::collections::HashMap;
use std::ops::Deref;

use super::pods::Pods;
use super::{Attachment, Gateway, Labels};
use crate::document::TargetRef;

/// The gateways of a mesh, in the order of the document.
#[derive(Clone, Debug)]
pub(crate) struct Gateways {
    all: Vec<Gateway>,
    /// The positions by name. Several for one name only if that was reported.
    by_name: HashMap<String, Vec<usize>>,
    /// The pods, by their labels.
    pods: Pods<Labels>,
}

impl Deref for Gateways {
    type Target = [Gateway];

    fn deref(&self) -> &[Gateway] {
        &self.all
    }
}

impl Gateways {
    pub(crate) fn new(all: Vec<Gateway>) -> Self {
        let mut by_name: HashMap<String, Vec<usize>> = HashMap::new();
        for (position, gateway) in all.iter().enumerate() {
            let named = by_name.entry(gateway.name.clone()).or_default();
            named.push(position);
        }
        let pods = all.iter();
        let pods = pods.map(|gateway| (gateway.namespace.as_str(), gateway.pod_labels()));
        Self {
            pods: Pods::new(pods),
            by_name,
            all,
        }
    }

    /// The position of the first gateway with this name.
    pub(crate) fn position(&self, name: &str) -> Option<usize> {
        self.by_name.get(name)?.first().copied()
    }

    /// The gateways that a policy in `namespace` may apply to, in order.
    pub(super) fn selected_by<'g: 'a, 'a>(
        &'g self,
        namespace: &str,
        attachment: &'a Attachment,
    ) -> impl Iterator<Item = &'g Gateway> + use<'g, 'a> {
        let positions: Box<dyn Iterator<Item = usize> + 'a> = match attachment {
            Attachment::Targets(targets) => Box::new(self.targets(namespace, targets).into_iter()),
            _ => self.pods.selected_by(namespace, attachment),
        };
        positions.filter_map(|position| self.all.get(position))
    }

    fn targets(&self, namespace: &str, targets: &[TargetRef]) -> Vec<usize> {
        if targets.iter().any(|target| target.kind == "GatewayClass") {
            return (0..self.all.len()).collect();
        }
        let gateways = targets.iter().filter(|target| target.kind == "Gateway");
        let named = gateways.filter_map(|target| self.by_name.get(&target.name));
        let is_there = |position: &usize| {
            let gateway = self.all.get(*position);
            gateway.is_some_and(|gateway| gateway.namespace == namespace)
        };
        let mut positions: Vec<_> = named.flatten().copied().filter(is_there).collect();
        positions.sort_unstable();
        positions.dedup();
        positions
    }

    /// The gateway with this namespace and name.
    pub(super) fn named(&self, namespace: &str, name: &str) -> Option<&Gateway> {
        let named = self.by_name.get(name).into_iter().flatten();
        let mut gateways = named.filter_map(|position| self.all.get(*position));
        gateways.find(|gateway| gateway.namespace == namespace)
    }

    /// The gateways whose pods are all pods with `labels`, in one namespace or in all.
    pub(crate) fn implied_by(&self, namespace: Option<&str>, labels: &Labels) -> Vec<&Gateway> {
        let selectors = match namespace {
            Some(namespace) => self.pods.in_namespace(namespace),
            None => Some(self.pods.all()),
        };
        let positions = selectors.map(|selectors| selectors.selecting(labels));
        let gateways = positions.into_iter().flatten();
        gateways
            .filter_map(|position| self.all.get(position))
            .filter(|gateway| !gateway.pod_labels().is_empty())
            .collect()
    }
}
