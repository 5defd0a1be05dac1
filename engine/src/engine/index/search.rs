//! Finds the first rule that matches.

use super::{Clause, ClauseList, RuleIndex};
use crate::engine::CompiledRule;
use crate::engine::evaluation::Evaluation;
use crate::engine::request::RequestAttributes;
use crate::timestamp::Phase;

/// The result of a search: rule numbers.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::engine) struct Found {
    /// The first rule that matches and is valid now.
    pub(in crate::engine) rule: Option<usize>,
    /// A matching rule that would come first, but is not valid now. Only relevant if no other rule
    /// matches.
    pub(in crate::engine) lapsed: Option<usize>,
}

impl RuleIndex {
    /// The first matching rule with a number of at least `from`. `rules` contains all rules of the
    /// policy. `classes` are those of the caller, if they are known.
    pub(in crate::engine) fn first_match(
        &self,
        rules: &[CompiledRule],
        evaluation: &Evaluation<'_, impl RequestAttributes>,
        classes: Option<&[usize]>,
        from: usize,
    ) -> Found {
        let mut search = Search {
            index: self,
            rules,
            evaluation,
            from,
            found: Found::default(),
        };
        match classes {
            Some(classes) => classes.iter().for_each(|class| search.search_class(*class)),
            None => self.visit_classes(&evaluation.caller, |class| search.search_class(class)),
        }
        search.found
    }
}

/// A search for the first matching rule with a number of at least `from`.
struct Search<'s, 'r, R> {
    index: &'s RuleIndex,
    rules: &'s [CompiledRule],
    evaluation: &'s Evaluation<'r, R>,
    from: usize,
    found: Found,
}

impl<R: RequestAttributes> Search<'_, '_, R> {
    fn search_class(&mut self, number: usize) {
        let Some(class) = self.index.classes.get(number) else {
            return;
        };
        self.search_list(class.any_path);
        let paths = &self.index.paths;
        if paths.is_empty(number) {
            return;
        }
        if let Some(path) = self.evaluation.path() {
            paths.visit(number, path.path(), |position| {
                if let Some(list) = class.by_path.get(position) {
                    self.search_list(*list);
                }
            });
        }
    }

    fn search_list(&mut self, list: ClauseList) {
        let clauses = self.index.clauses_of(list);
        let first = clauses.partition_point(|clause| clause.rule < self.from);
        for clause in clauses.iter().skip(first) {
            let found = &mut self.found;
            if found.rule.is_some_and(|first| first <= clause.rule) {
                return;
            }
            let Some(rule) = self.rules.get(clause.rule) else {
                return;
            };
            if !clause.residue_matches(rule, self.evaluation) {
                continue;
            }
            if rule.phase(self.evaluation.request) == Phase::Within {
                found.rule = Some(clause.rule);
                return;
            }
            found.lapsed = Some(
                found
                    .lapsed
                    .map_or(clause.rule, |first| first.min(clause.rule)),
            );
        }
    }
}

impl Clause {
    fn residue_matches(
        &self,
        rule: &CompiledRule,
        evaluation: &Evaluation<'_, impl RequestAttributes>,
    ) -> bool {
        let Evaluation {
            caller, request, ..
        } = evaluation;
        let source = rule.sources.get(self.source);
        let operation = rule.operations.get(self.operation);
        operation.is_none_or(|operation| operation.matches(self.template, evaluation, rule.effect))
            && source.is_none_or(|source| source.matches(caller, *request, rule.effect))
            && rule
                .conditions
                .iter()
                .all(|condition| condition.matches(caller, *request, rule.effect))
    }
}
