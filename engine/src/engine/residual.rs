//! The part of a rule that the index does not cover.

mod condition;
mod header_set;
mod source;
mod value_set;

use super::attribute::{Attribute, Differences};
use super::evaluation::Evaluation;
use super::request::RequestAttributes;
use crate::matching::path::PathTemplate;
use crate::matching::{PathMatch, Reading};
use crate::rule::{Operation, Terms};
use crate::rule_spec::Effect;

pub(super) use condition::ResidualCondition;
pub(super) use source::ResidualSource;
use value_set::{HostSet, PathSet, RequestTerms, TextSet, ValueCount, is_not_excluded};

/// An operation without the indexed fields.
#[derive(Debug)]
pub(super) struct ResidualOperation {
    templates: Vec<PathTemplate>,
    not_paths: PathSet,
    method: Terms<TextSet>,
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
            not_paths: PathSet::new(operation.paths.none_of),
            method: operation.methods.map(TextSet::new),
            host: operation.hosts.map(HostSet),
            port: operation.ports,
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
            && self.path_is_not_excluded(evaluation, effect)
            && self.host.matches(effect, || request.authority())
            && self.port.matches(effect, || request.port())
    }

    /// The number of values that are compared one by one.
    pub(super) fn value_count(&self) -> usize {
        self.not_paths.value_count() + self.host.value_count() + self.port.value_count()
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
        let has_path = self.template_matches(template, evaluation, effect)
            && self.path_is_not_excluded(evaluation, effect);
        let has_method = self.method.matches(effect, || request.method());
        let has_host = self.host.matches(effect, || request.authority());
        let has_port = self.port.matches(effect, || request.port());
        differences.add_if(!has_path, Attribute::Path);
        differences.add_if(!has_method, Attribute::Method);
        differences.add_if(!has_host, Attribute::Host);
        differences.add_if(!has_port, Attribute::Port);
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

    fn path_is_not_excluded(
        &self,
        evaluation: &Evaluation<'_, impl RequestAttributes>,
        effect: Effect,
    ) -> bool {
        is_not_excluded(&self.not_paths, effect, || evaluation.path())
    }
}
