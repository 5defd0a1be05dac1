//! The part of a rule that the index does not cover.

mod condition;
mod header_set;
mod source;
mod value_set;

use super::attribute::{Attribute, Differences};
use super::evaluation::Evaluation;
use super::request::RequestAttributes;
use crate::matching::path::PathTemplate;
use crate::matching::{PathMatch, Reading, TextMatch};
use crate::rule::{Operation, Terms};
use crate::rule_spec::Effect;

pub(super) use condition::ResidualCondition;
pub(super) use source::ResidualSource;
use value_set::{HostSet, PathSet, RequestTerms, TextSet, ValueCount, is_not_excluded};

/// An operation without the indexed fields.
#[derive(Debug)]
pub(super) struct ResidualOperation {
    templates: Vec<PathTemplate>,
    method: Terms<TextSet>,
    /// `None` if there are none, as for most operations.
    other_conditions: Option<Box<OtherConditions>>,
}

/// The conditions of an operation that few have.
#[derive(Debug)]
struct OtherConditions {
    not_paths: PathSet,
    host: Terms<HostSet>,
    port: Terms<Vec<u16>>,
}

impl ResidualOperation {
    /// The residues of a rule's operations, in order.
    pub(super) fn all_of(operations: Vec<Operation>) -> Vec<Self> {
        let residual = |operation: Operation| Self {
            templates: operation
                .paths
                .any_of
                .into_iter()
                .filter_map(|path| match path {
                    PathMatch::Template(template) => Some(template),
                    PathMatch::Text(_) => None,
                })
                .collect(),
            method: operation.methods.map(TextSet::new),
            other_conditions: OtherConditions::new(
                operation.paths.none_of,
                operation.hosts,
                operation.ports,
            )
            .map(Box::new),
        };
        operations.into_iter().map(residual).collect()
    }

    /// Whether ALL fields match. `template` is the position of the path template through which the
    /// index found the operation.
    pub(super) fn matches(
        &self,
        template: Option<usize>,
        evaluation: &Evaluation<'_, impl RequestAttributes>,
        effect: Effect,
    ) -> bool {
        let request = evaluation.request;
        self.template_matches(template, evaluation, effect)
            && self.method.matches(effect, || request.method())
            && self.other_conditions.as_ref().is_none_or(|more| {
                more.path_is_not_excluded(evaluation, effect)
                    && more.host.matches(effect, || request.authority())
                    && more.port.matches(effect, || request.port())
            })
    }

    /// The number of values that are compared one by one.
    pub(super) fn value_count(&self) -> usize {
        self.other_conditions.as_ref().map_or(0, |more| {
            more.not_paths.value_count() + more.host.value_count() + more.port.value_count()
        })
    }

    /// Adds the fields that do not match.
    pub(super) fn add_differences(
        &self,
        template: Option<usize>,
        evaluation: &Evaluation<'_, impl RequestAttributes>,
        effect: Effect,
        differences: &mut Differences,
    ) {
        let request = evaluation.request;
        let has_template = self.template_matches(template, evaluation, effect);
        let has_method = self.method.matches(effect, || request.method());
        differences.add_if(!has_template, Attribute::Path);
        differences.add_if(!has_method, Attribute::Method);
        if let Some(more) = &self.other_conditions {
            let has_path = more.path_is_not_excluded(evaluation, effect);
            let has_host = more.host.matches(effect, || request.authority());
            let has_port = more.port.matches(effect, || request.port());
            differences.add_if(!has_path, Attribute::Path);
            differences.add_if(!has_host, Attribute::Host);
            differences.add_if(!has_port, Attribute::Port);
        }
    }

    fn template_matches(
        &self,
        template: Option<usize>,
        evaluation: &Evaluation<'_, impl RequestAttributes>,
        effect: Effect,
    ) -> bool {
        let reading = Reading::for_values(effect);
        template.is_none_or(|position| {
            let template = self.templates.get(position);
            template
                .zip(evaluation.path())
                .is_some_and(|(template, path)| template.matches(path, reading))
        })
    }
}

impl OtherConditions {
    /// These conditions, if there are any.
    fn new(
        not_paths: Vec<PathMatch>,
        hosts: Terms<Vec<TextMatch>>,
        port: Terms<Vec<u16>>,
    ) -> Option<Self> {
        let is_empty = not_paths.is_empty() && hosts.is_empty() && port.is_empty();
        (!is_empty).then(|| Self {
            not_paths: PathSet::new(not_paths),
            host: hosts.map(HostSet),
            port,
        })
    }

    fn path_is_not_excluded(
        &self,
        evaluation: &Evaluation<'_, impl RequestAttributes>,
        effect: Effect,
    ) -> bool {
        is_not_excluded(&self.not_paths, effect, || evaluation.path())
    }
}
