//! Finds the rules that match a request without trying each of them.
//!
//! First by caller: every caller pattern leads to a *class*, the set of rule sources that the
//! pattern makes candidates. Patterns with the same candidates share a class. Then by path: each
//! class has its own path patterns, which lead to *clauses*, pairs of a source and an operation of
//! one rule. The remaining tests of a clause, its residue, are checked last.

mod builder;
mod misses;
mod search;

use super::caller::EngineCaller;
use super::pattern_index::PatternIndex;
use crate::identity::NameKind;
use crate::rule::namespace::namespace_part;

pub(super) use builder::IndexBuilder;

/// A text that identifies a caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum CallerText {
    /// The SPIFFE ID.
    Principal,
    /// The segment of the ID at the position of a namespace.
    Namespace,
    /// A name of this kind in a certificate from outside the mesh.
    Certificate(NameKind),
}

impl CallerText {
    #[inline]
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

/// An index over rules of a policy.
#[derive(Debug, Default)]
pub(super) struct RuleIndex {
    /// Caller patterns → class. One scope per [`CallerText`].
    callers: PatternIndex,
    /// The class of sources that match every workload of the mesh.
    workloads: Option<usize>,
    /// The class of sources that match every client certificate from outside the mesh.
    certificates: Option<usize>,
    /// The class of sources that match callers without identity.
    anonymous: Option<usize>,
    /// The class of sources that match both.
    everyone: Option<usize>,
    classes: Vec<Class>,
    /// Path patterns → list of clauses. One scope per class.
    paths: PatternIndex,
    clauses: Vec<Clause>,
}

#[derive(Debug)]
struct Class {
    /// The clauses without a path condition.
    any_path: ClauseList,
    /// The lists that the class's path patterns lead to.
    by_path: Vec<ClauseList>,
}

/// A range in [`RuleIndex::clauses`], in the order of the rules.
#[derive(Clone, Copy, Debug)]
struct ClauseList {
    start: usize,
    end: usize,
}

/// One source and one operation of a rule.
#[derive(Clone, Copy, Debug)]
struct Clause {
    rule: usize,
    /// The position among the rule's sources; past the end if the rule has none.
    source: usize,
    /// The position among the rule's operations; past the end if the rule has none.
    operation: usize,
    /// The position among the operation's path templates, if one must be checked.
    template: Option<usize>,
}

impl RuleIndex {
    /// Whether the index has no rules.
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.clauses.is_empty()
    }

    #[inline]
    fn clauses_of(&self, list: ClauseList) -> &[Clause] {
        self.clauses.get(list.start..list.end).unwrap_or_default()
    }

    /// The classes of a caller.
    pub(super) fn classes_of(&self, caller: &EngineCaller<'_>) -> Vec<usize> {
        let mut classes = Vec::new();
        self.visit_classes(caller, |class| classes.push(class));
        classes
    }

    /// Calls `visit` with each class of the caller. A long ID may match many patterns of one
    /// source, all with the same class; recently visited classes are skipped.
    fn visit_classes(&self, caller: &EngineCaller<'_>, mut visit: impl FnMut(usize)) {
        let mut recent = [None; 8];
        let mut visit = |class| {
            if !recent.contains(&Some(class)) {
                recent.rotate_right(1);
                recent[0] = Some(class);
                visit(class);
            }
        };
        match caller {
            EngineCaller::Anonymous => self.anonymous.into_iter().for_each(&mut visit),
            EngineCaller::Workload(id) => {
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
            EngineCaller::Certificate(certificate) => {
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
