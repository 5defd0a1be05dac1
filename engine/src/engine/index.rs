//! Finds the rules that match a request without trying each of them.
//!
//! First by caller: every pattern over callers leads to a *class*, the set of rule sources that
//! the pattern brings into question; patterns that bring the same sources into question share
//! their class. Then by path: each class has its own patterns over paths, which lead to
//! *clauses*, one source with one operation of one rule. What the two steps have not looked at is
//! the clause's residue, checked last.

mod builder;
mod misses;
mod search;

use super::caller::Caller;
use super::pattern_index::PatternIndex;
use crate::identity::NameKind;
use crate::rule::namespace::namespace_part;

pub(super) use builder::IndexBuilder;

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

    fn clauses_of(&self, list: ClauseList) -> &[Clause] {
        self.clauses.get(list.start..list.end).unwrap_or_default()
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
}
