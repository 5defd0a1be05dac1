//! Visits rules that do not match, starting with rules for the caller.

use super::{Clause, ClauseList, RuleIndex};
use crate::engine::CompiledRule;
use crate::engine::attribute::{Attribute, Differences};
use crate::engine::evaluation::Evaluation;
use crate::engine::request::RequestAttributes;
use crate::engine::residual::{ResidualCondition, ResidualOperation, ResidualSource};

/// The average number of values per rule part for which a bounded search budgets.
const VALUES_PER_PART: usize = 16;

impl RuleIndex {
    /// Calls `visit` with rules that do not match and the differences to the request, times
    /// excluded. A rule with several sources or operations is visited for each pair. Pairs for the
    /// caller come first. Visits at most `limit` pairs, and fewer if they have long lists of
    /// values.
    pub(in crate::engine) fn visit_misses(
        &self,
        rules: &[CompiledRule],
        evaluation: &Evaluation<'_, impl RequestAttributes>,
        limit: usize,
        mut visit: impl FnMut(&CompiledRule, Differences),
    ) {
        let own = self.classes_of(&evaluation.caller);
        let others = (0..self.classes.len()).filter(|class| !own.contains(class));
        let in_order = own.iter().map(|class| (*class, true));
        let in_order = in_order.chain(others.map(|class| (class, false)));
        let parts = in_order.flat_map(|(class, is_own)| {
            let lists = self.lists_of(class, evaluation);
            lists.flat_map(move |(list, has_path)| {
                let clauses = self.clauses_of(list).iter();
                clauses.map(move |clause| (clause, is_own, has_path))
            })
        });
        let mut values_left = limit.saturating_mul(VALUES_PER_PART);
        for (clause, is_own, has_path) in parts.take(limit) {
            let Some(rule) = rules.get(clause.rule) else {
                continue;
            };
            let mut differences = clause.differences(rule, evaluation, is_own);
            differences.add_if(!has_path, Attribute::Path);
            visit(rule, differences);
            values_left = values_left.saturating_sub(clause.value_count(rule));
            if values_left == 0 {
                return;
            }
        }
    }

    /// The lists of a class, and whether their path patterns match. Matching lists come first.
    fn lists_of(
        &self,
        number: usize,
        evaluation: &Evaluation<'_, impl RequestAttributes>,
    ) -> impl Iterator<Item = (ClauseList, bool)> {
        let mut matching = Vec::new();
        if let (false, Some(path)) = (self.paths.is_empty(number), evaluation.path()) {
            self.paths
                .visit(number, path.path(), |position| matching.push(position));
        }
        let class = self.classes.get(number);
        let any_path = class.map(|class| (class.any_path, true));
        let by_path = class.map(|class| &*class.by_path).unwrap_or_default();
        let near: Vec<_> = matching
            .iter()
            .filter_map(|position| Some((*by_path.get(*position)?, true)))
            .collect();
        let far = by_path.iter().enumerate();
        let far = far.filter(move |(position, _)| !matching.contains(position));
        let far = far.map(|(_, list)| (*list, false));
        any_path.into_iter().chain(near).chain(far)
    }
}

impl Clause {
    /// The number of values that are compared one by one.
    fn value_count(&self, rule: &CompiledRule) -> usize {
        let operation = rule.operations.get(self.operation);
        let source = rule.sources.get(self.source);
        operation.map_or(0, ResidualOperation::value_count)
            + source.map_or(0, ResidualSource::value_count)
            + rule
                .conditions
                .iter()
                .map(ResidualCondition::value_count)
                .sum::<usize>()
    }

    /// The differences between the request and the clause, path pattern and times excluded.
    /// `is_own` tells whether the caller belongs to the clause's class.
    fn differences(
        &self,
        rule: &CompiledRule,
        evaluation: &Evaluation<'_, impl RequestAttributes>,
        is_own: bool,
    ) -> Differences {
        let Evaluation {
            caller, request, ..
        } = evaluation;
        let mut differences = Differences::default();
        differences.add_if(!is_own, Attribute::Caller);
        if let Some(source) = rule.sources.get(self.source) {
            source.add_differences(caller, *request, rule.effect, &mut differences);
        }
        if let Some(operation) = rule.operations.get(self.operation) {
            operation.add_differences(self.template, evaluation, rule.effect, &mut differences);
        }
        let holds =
            |condition: &ResidualCondition| condition.matches(caller, *request, rule.effect);
        differences.add_if(!rule.conditions.iter().all(holds), Attribute::When);
        differences
    }
}
