//! An index of pods by namespace and labels.

use std::borrow::Borrow;
use std::collections::BTreeMap;

use super::selectors::Selectors;
use super::{Attachment, Labels};

/// Pods by namespace and by the labels that select them.
#[derive(Clone, Debug)]
pub(crate) struct Pods<L> {
    by_namespace: BTreeMap<String, Selectors<L>>,
    all: Selectors<L>,
}

impl<L: Borrow<Labels> + Clone> Pods<L> {
    /// Indexes pods by namespace and labels. Their positions are their ranks.
    pub(crate) fn new<'n>(pods: impl Iterator<Item = (&'n str, L)>) -> Self {
        let mut by_namespace: BTreeMap<String, Vec<(usize, L)>> = BTreeMap::new();
        let mut all = Vec::new();
        for (rank, (namespace, labels)) in pods.enumerate() {
            all.push((rank, labels.clone()));
            let there = by_namespace.entry(namespace.to_owned()).or_default();
            there.push((rank, labels));
        }
        Self {
            by_namespace: by_namespace
                .into_iter()
                .map(|(namespace, ranked)| (namespace, Selectors::new(ranked)))
                .collect(),
            all: Selectors::new(all),
        }
    }

    /// The selectors of a namespace.
    pub(crate) fn in_namespace(&self, namespace: &str) -> Option<&Selectors<L>> {
        self.by_namespace.get(namespace)
    }

    /// All selectors.
    pub(crate) fn all(&self) -> &Selectors<L> {
        &self.all
    }

    /// The ranks of the pods that a policy in `namespace` may apply to, as in
    /// [`Attachment::may_select_pods`], in order.
    pub(crate) fn selected_by<'s>(
        &'s self,
        namespace: &str,
        attachment: &'s Attachment,
    ) -> Box<dyn Iterator<Item = usize> + 's> {
        let there = self.in_namespace(namespace);
        match attachment {
            Attachment::Workload(own) => {
                let there = there.into_iter();
                Box::new(there.flat_map(|selectors| selectors.compatible(own)))
            }
            Attachment::Namespace | Attachment::Targets(_) => {
                Box::new(there.into_iter().flat_map(Selectors::ranks))
            }
            Attachment::Mesh(own) => Box::new(self.all.compatible(own)),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn some_labels() -> impl Strategy<Value = Labels> {
        prop::collection::btree_map("[abc]", "[xy]", 0..4)
    }

    proptest! {
        #[test]
        fn finds_the_same_pods_as_a_plain_loop(
            all in prop::collection::vec(("[mn]", some_labels()), 0..12),
            namespace in "[mno]",
            own in some_labels(),
        ) {
            let pods = Pods::new(all.iter().map(|(namespace, labels)| (namespace.as_str(), labels)));
            for attachment in [
                Attachment::Workload(own.clone()),
                Attachment::Namespace,
                Attachment::Mesh(own),
                Attachment::Targets(Vec::new()),
            ] {
                let found: Vec<_> = pods.selected_by(&namespace, &attachment).collect();
                let plain = all.iter().enumerate();
                let plain: Vec<_> = plain
                    .filter(|(_, (place, labels))| attachment.may_select_pods(&namespace, place, labels))
                    .map(|(rank, _)| rank)
                    .collect();
                prop_assert_eq!(found, plain, "{:?}", attachment);
            }
        }
    }
}
