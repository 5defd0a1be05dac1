//! Finds the rules that match a request without trying each of them.
//!
//! First by caller: every pattern over callers leads to a *class*, the set of rule sources that
//! the pattern brings into question; patterns that bring the same sources into question share
//! their class. Then by path: each class has its own patterns over paths, which lead to
//! *clauses*, one source with one operation of one rule. What the two steps have not looked at is
//! the clause's residue, checked last.

mod builder;

use super::CompiledRule;
use super::attribute::{Attribute, Differences};
use super::caller::Caller;
use super::evaluation::Evaluation;
use super::pattern_index::PatternIndex;
use super::request::RequestAttributes;
use super::residual::{ResidualCondition, ResidualOperation, ResidualSource};
use crate::identity::NameKind;
use crate::rule::namespace::namespace_part;
use crate::timestamp::Phase;

pub(super) use builder::IndexBuilder;

/// How many values a part of a rule may have on average where the search for near rules is bounded.
const VALUES_OF_A_PART: usize = 16;

/// What a search found: the numbers of rules.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Found {
    /// The first rule that matches and applies now.
    pub(super) rule: Option<usize>,
    /// A rule that matches and would be the first, but does not apply now. Only of interest when
    /// there is no other.
    pub(super) lapsed: Option<usize>,
}

/// A text that identifies a caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum CallerText {
    /// The SPIFFE ID.
    Principal,
    /// What the ID has in the place of a namespace.
    Namespace,
    /// A name of this kind in a certificate from outside the mesh.
    Certificate(NameKind),
}

impl CallerText {
    fn scope(self) -> usize {
        match self {
            Self::Principal => 0,
            Self::Namespace => 1,
            Self::Certificate(NameKind::Dns) => 2,
            Self::Certificate(NameKind::Uri) => 3,
            Self::Certificate(NameKind::Subject) => 4,
        }
    }
}

/// The index over some rules of a policy.
#[derive(Debug, Default)]
pub(super) struct RuleIndex {
    /// What tells a caller → class. A scope for each [`CallerText`].
    callers: PatternIndex,
    /// The class of sources that take every workload of the mesh.
    workloads: Option<usize>,
    /// The class of sources that take every client certificate from outside the mesh.
    certificates: Option<usize>,
    /// The class of sources that take callers without identity.
    anonymous: Option<usize>,
    /// The class of sources that take both.
    everyone: Option<usize>,
    classes: Vec<Class>,
    /// Path → list of clauses. One scope for each class.
    paths: PatternIndex,
    clauses: Vec<Clause>,
}

#[derive(Debug)]
struct Class {
    /// The clauses without a condition on the path.
    any_path: ClauseList,
    /// The lists that the class's path patterns lead to.
    by_path: Vec<ClauseList>,
}

/// A part of [`RuleIndex::clauses`], in the order of the rules.
#[derive(Clone, Copy, Debug)]
struct ClauseList {
    start: usize,
    end: usize,
}

/// One source with one operation of one rule.
#[derive(Clone, Copy, Debug)]
struct Clause {
    rule: usize,
    /// Its position among the rule's sources; past their end for a rule without any.
    source: usize,
    /// Its position among the rule's operations; past their end for a rule without any.
    operation: usize,
    /// The position of the path template to check, among the operation's templates.
    template: Option<usize>,
}

impl RuleIndex {
    /// Whether there is no rule to find.
    pub(super) fn is_empty(&self) -> bool {
        self.clauses.is_empty()
    }

    /// The first rule from number `from` on that matches. `rules` are all rules of the policy.
    pub(super) fn first_match(
        &self,
        rules: &[CompiledRule],
        evaluation: &Evaluation<'_, impl RequestAttributes>,
        from: usize,
    ) -> Found {
        let mut found = Found::default();
        self.visit_classes(&evaluation.caller, |class| {
            self.search_class(class, rules, evaluation, from, &mut found);
        });
        found
    }

    /// Calls `visit` with each class that the caller belongs to. A long ID may match many patterns of one
    /// source, which lead to one class: of the last classes none is visited twice.
    fn visit_classes(&self, caller: &Caller<'_>, mut visit: impl FnMut(usize)) {
        let mut recent = [None; 8];
        let mut visit = |class| {
            if !recent.contains(&Some(class)) {
                recent.rotate_right(1);
                recent[0] = Some(class);
                visit(class);
            }
        };
        match caller {
            Caller::Anonymous => self.anonymous.into_iter().for_each(&mut visit),
            Caller::Workload(id) => {
                let mut find = |text: CallerText, value: &str| {
                    self.callers
                        .visit(text.scope(), value.as_bytes(), &mut visit);
                };
                find(CallerText::Principal, id.as_str());
                if let Some(namespace) = namespace_part(id) {
                    find(CallerText::Namespace, namespace);
                }
                self.workloads.into_iter().for_each(&mut visit);
            }
            Caller::Certificate(certificate) => {
                self.certificates.into_iter().for_each(&mut visit);
                for (kind, name) in certificate.names() {
                    let scope = CallerText::Certificate(kind).scope();
                    self.callers.visit(scope, name.as_bytes(), &mut visit);
                }
            }
        }
        self.everyone.into_iter().for_each(&mut visit);
    }

    /// Calls `visit` with rules that do not match, and with what of the request would have to differ for
    /// them to match, times left aside; with a rule of several sources or operations for each of their
    /// pairs. Those for the caller come first. Looks at `most` pairs at most, and at fewer if these have
    /// long lists of values.
    pub(super) fn visit_misses(
        &self,
        rules: &[CompiledRule],
        evaluation: &Evaluation<'_, impl RequestAttributes>,
        most: usize,
        mut visit: impl FnMut(&CompiledRule, Differences),
    ) {
        let own = self.classes_of(&evaluation.caller);
        let others = (0..self.classes.len()).filter(|class| !own.contains(class));
        let in_order = own.iter().map(|class| (*class, true));
        let in_order = in_order.chain(others.map(|class| (class, false)));
        let parts = in_order.flat_map(|(class, is_own)| {
            let lists = self.lists_of(class, evaluation);
            lists.flat_map(move |(list, has_path)| {
                let clauses = self.clauses.get(list.start..list.end).unwrap_or_default();
                clauses.iter().map(move |clause| (clause, is_own, has_path))
            })
        });
        let mut values_left = most.saturating_mul(VALUES_OF_A_PART);
        for (clause, is_own, has_path) in parts.take(most) {
            let Some(rule) = rules.get(clause.rule) else {
                continue;
            };
            let mut differences = clause.differences(rule, evaluation, is_own);
            differences.add_if(!has_path, Attribute::Path);
            visit(rule, differences);
            values_left = values_left.saturating_sub(clause.values(rule));
            if values_left == 0 {
                return;
            }
        }
    }

    /// The classes that the caller belongs to.
    fn classes_of(&self, caller: &Caller<'_>) -> Vec<usize> {
        let mut classes = Vec::new();
        self.visit_classes(caller, |class| classes.push(class));
        classes
    }

    /// The lists of a class, and whether their path patterns match: those that do first.
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

    fn search_class(
        &self,
        number: usize,
        rules: &[CompiledRule],
        evaluation: &Evaluation<'_, impl RequestAttributes>,
        from: usize,
        found: &mut Found,
    ) {
        let Some(class) = self.classes.get(number) else {
            return;
        };
        let mut search = |list| self.search_list(list, rules, evaluation, from, found);
        search(class.any_path);
        if self.paths.is_empty(number) {
            return;
        }
        if let Some(path) = evaluation.path() {
            self.paths.visit(number, path.path(), |position| {
                class.by_path.get(position).copied().map(&mut search);
            });
        }
    }

    fn search_list(
        &self,
        list: ClauseList,
        rules: &[CompiledRule],
        evaluation: &Evaluation<'_, impl RequestAttributes>,
        from: usize,
        found: &mut Found,
    ) {
        let clauses = self.clauses.get(list.start..list.end).unwrap_or_default();
        let first = clauses.partition_point(|clause| clause.rule < from);
        for clause in clauses.iter().skip(first) {
            if found.rule.is_some_and(|first| first <= clause.rule) {
                return;
            }
            let Some(rule) = rules.get(clause.rule) else {
                return;
            };
            if !clause.residue_matches(rule, evaluation) {
                continue;
            }
            if rule.phase(evaluation.request) == Phase::Within {
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

impl Clause {
    /// How many values the request is compared with one by one.
    fn values(&self, rule: &CompiledRule) -> usize {
        let operation = rule.operations.get(self.operation);
        let source = rule.sources.get(self.source);
        operation.map_or(0, ResidualOperation::values)
            + source.map_or(0, ResidualSource::values)
            + rule
                .conditions
                .iter()
                .map(ResidualCondition::values)
                .sum::<usize>()
    }

    /// What would have to differ for the clause to match, its path pattern and times left aside. `is_own`
    /// says whether the caller belongs to the clause's class.
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
