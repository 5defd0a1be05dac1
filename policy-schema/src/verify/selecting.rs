//! Things that select pods of their namespace, found by what the pods have.

use super::workloads::Workload;
use crate::policy::{Labels, Pods};

/// Such things, such as ports of a `Service`.
pub(super) struct Selecting<T> {
    things: Vec<T>,
    pods: Pods<Labels>,
    /// Those without a selector select nothing.
    has_selector: Vec<bool>,
}

impl<T> Selecting<T> {
    /// Indexes things by their namespaces and the labels that they ask for.
    pub(super) fn of<'t>(things: Vec<T>, selector: impl Fn(&T) -> (&'t str, Labels)) -> Self {
        let selectors: Vec<_> = things.iter().map(selector).collect();
        let has_selector = selectors.iter().map(|(_, labels)| !labels.is_empty());
        Self {
            has_selector: has_selector.collect(),
            pods: Pods::of(selectors.into_iter()),
            things,
        }
    }

    /// Those that select the pods of a workload, in their order.
    pub(super) fn of_workload(&self, workload: &Workload<'_>) -> impl Iterator<Item = &T> {
        let there = self.pods.of_namespace(workload.namespace);
        let positions = there.map(|selectors| selectors.selecting(&workload.labels));
        let positions = positions.into_iter().flatten();
        let positions =
            positions.filter(|position| self.has_selector.get(*position) == Some(&true));
        positions.filter_map(|position| self.things.get(position))
    }
}
