//! An index of selectors, looked up by workload.

use super::workloads::Workload;
use crate::policy::{Labels, Pods};

/// Items with a selector, such as ports of a `Service`.
pub(super) struct SelectorIndex<T> {
    things: Vec<T>,
    pods: Pods<Labels>,
    /// Whether each item selects anything.
    selects: Vec<bool>,
}

impl<T> SelectorIndex<T> {
    /// Indexes items by their namespaces and labels. Items without labels select nothing.
    pub(super) fn new<'t>(
        things: Vec<T>,
        selector: impl Fn(&T) -> (&'t str, Option<Labels>),
    ) -> Self {
        let selectors: Vec<_> = things.iter().map(selector).collect();
        Self {
            selects: selectors
                .iter()
                .map(|(_, labels)| labels.is_some())
                .collect(),
            pods: Pods::new(
                selectors
                    .into_iter()
                    .map(|(namespace, labels)| (namespace, labels.unwrap_or_default())),
            ),
            things,
        }
    }

    /// The items of `namespace` that select the pods of a workload, in order.
    pub(super) fn for_workload(
        &self,
        namespace: &str,
        workload: &Workload<'_>,
    ) -> impl Iterator<Item = &T> {
        let there = self.pods.in_namespace(namespace);
        let positions = there.map(|selectors| selectors.selecting(&workload.labels));
        let positions = positions.into_iter().flatten();
        let positions = positions.filter(|position| self.selects.get(*position) == Some(&true));
        positions.filter_map(|position| self.things.get(position))
    }
}
