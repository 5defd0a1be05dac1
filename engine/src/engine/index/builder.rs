//! Builds the index over rules.

use rustc_hash::FxHashMap;

use super::{CallerText, Class, Clause, ClauseList, RuleIndex};
use crate::identity::TrustDomains;
use crate::matching::path::PathTemplate;
use crate::matching::{PathMatch, TextMatch};
use crate::rule::namespace::part_pattern;
use crate::rule::{CertificateMatch, Rule, Source};
use crate::rule_spec::Effect;

/// If this many templates share a prefix, they are indexed by suffix.
const SUFFIX_INDEX_THRESHOLD: usize = 8;

/// Collects rules, then builds the index over them.
#[derive(Debug, Default)]
pub(in crate::engine) struct IndexBuilder {
    rules: Vec<RulePaths>,
    callers: FxHashMap<(CallerText, TextMatch), Vec<SourceReference>>,
    certificates: Vec<SourceReference>,
    workloads: Vec<SourceReference>,
    anonymous: Vec<SourceReference>,
    everyone: Vec<SourceReference>,
}

/// The paths of a rule's operations.
#[derive(Debug)]
struct RulePaths {
    number: usize,
    operations: Vec<Vec<PathMatch>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct SourceReference {
    /// The position in [`IndexBuilder::rules`].
    rule: usize,
    /// The position among the rule's sources.
    source: usize,
}

impl IndexBuilder {
    /// Adds a rule. Numbers must be ascending.
    pub(in crate::engine) fn add(
        &mut self,
        number: usize,
        rule: &Rule,
        trust_domains: &TrustDomains,
    ) {
        let position = self.rules.len();
        let reference = |source| SourceReference {
            rule: position,
            source,
        };
        if rule.sources.is_empty() {
            self.without_pattern(rule.effect).push(reference(0));
        }
        for (source, written) in rule.sources.iter().enumerate() {
            self.add_source(written, reference(source), rule.effect, trust_domains);
        }
        self.rules.push(RulePaths {
            number,
            operations: rule
                .operations
                .iter()
                .map(|operation| operation.paths.any_of.clone())
                .collect(),
        });
    }

    fn add_source(
        &mut self,
        source: &Source,
        reference: SourceReference,
        effect: Effect,
        trust_domains: &TrustDomains,
    ) {
        let principals = source.principals_in(trust_domains);
        let takes_others_alone =
            effect == Effect::Allow && !source.client_certificates.none_of.is_empty();
        if source.anonymous {
            self.anonymous.push(reference);
        } else if source
            .client_certificates
            .any_of
            .contains(&CertificateMatch::Any)
            || (takes_others_alone && source.client_certificates.any_of.is_empty())
        {
            self.certificates.push(reference);
        } else if !source.client_certificates.any_of.is_empty() {
            for certificate in &source.client_certificates.any_of {
                if let CertificateMatch::Name(kind, pattern) = certificate {
                    let text = CallerText::Certificate(*kind);
                    self.add_pattern(text, pattern.clone(), reference);
                }
            }
        } else if !principals.is_empty() {
            for pattern in principals {
                self.add_pattern(CallerText::Principal, pattern, reference);
            }
        } else if let (false, Some(namespaces)) = (
            source.namespaces.any_of.is_empty(),
            source
                .namespaces
                .any_of
                .iter()
                .map(part_pattern)
                .collect::<Option<Vec<_>>>(),
        ) {
            for pattern in namespaces {
                self.add_pattern(CallerText::Namespace, pattern, reference);
            }
        } else if !(source.namespaces.any_of.is_empty() && source.trust_domains.any_of.is_empty()) {
            self.workloads.push(reference);
        } else {
            self.without_pattern(effect).push(reference);
        }
    }

    fn add_pattern(&mut self, text: CallerText, pattern: TextMatch, reference: SourceReference) {
        let sources = self.callers.entry((text, pattern)).or_default();
        // A repeated pattern makes its source a candidate once.
        if sources.last() != Some(&reference) {
            sources.push(reference);
        }
    }

    /// The list for a source without a positive condition on the caller. Conditions on an identity
    /// fail an `Allow` rule for callers without one, and satisfy all other rules.
    fn without_pattern(&mut self, effect: Effect) -> &mut Vec<SourceReference> {
        match effect {
            Effect::Allow => &mut self.workloads,
            Effect::Deny | Effect::Audit | Effect::Custom => &mut self.everyone,
        }
    }

    /// Builds the index.
    pub(in crate::engine) fn build(self) -> RuleIndex {
        let mut index = RuleIndex::default();
        let mut classes = FxHashMap::default();
        let mut class = |index: &mut RuleIndex, sources: Vec<SourceReference>| {
            *classes
                .entry(sources)
                .or_insert_with_key(|sources| index.add_class(sources, &self.rules))
        };
        for ((text, pattern), sources) in self.callers {
            let class = class(&mut index, sources);
            index.callers.insert(text.scope(), &pattern, class);
        }
        let mut class_of =
            |sources: Vec<_>| (!sources.is_empty()).then(|| class(&mut index, sources));
        let (workloads, certificates, anonymous, everyone) = (
            class_of(self.workloads),
            class_of(self.certificates),
            class_of(self.anonymous),
            class_of(self.everyone),
        );
        RuleIndex {
            workloads,
            certificates,
            anonymous,
            everyone,
            ..index
        }
    }
}

impl RuleIndex {
    fn add_class(&mut self, sources: &[SourceReference], rules: &[RulePaths]) -> usize {
        let mut any_path = Vec::new();
        let mut by_path: FxHashMap<TextMatch, Vec<Clause>> = FxHashMap::default();
        for reference in sources {
            let Some(rule) = rules.get(reference.rule) else {
                continue; // Every reference is to a rule that was added.
            };
            let clause = |operation, template| Clause {
                rule: rule.number,
                source: reference.source,
                operation,
                template,
            };
            if rule.operations.is_empty() {
                any_path.push(clause(0, None));
            }
            for (operation, paths) in rule.operations.iter().enumerate() {
                if paths.is_empty() {
                    any_path.push(clause(operation, None));
                }
                let mut templates = 0..;
                for path in paths {
                    let (pattern, template) = match path {
                        PathMatch::Text(pattern) => (pattern.clone(), None),
                        PathMatch::Template(template) => {
                            (template_key(template, &by_path), templates.next())
                        }
                    };
                    by_path
                        .entry(pattern)
                        .or_default()
                        .push(clause(operation, template));
                }
            }
        }
        let number = self.classes.len();
        let any_path = self.add_list(any_path);
        let mut lists = Vec::with_capacity(by_path.len());
        for (pattern, clauses) in by_path {
            self.paths.insert(number, &pattern, lists.len());
            lists.push(self.add_list(clauses));
        }
        self.classes.push(Class {
            any_path,
            by_path: lists,
        });
        number
    }

    fn add_list(&mut self, clauses: Vec<Clause>) -> ClauseList {
        let start = self.clauses.len();
        self.clauses.extend(clauses);
        ClauseList {
            start,
            end: self.clauses.len(),
        }
    }
}

/// The key of a template: the prefix of matching paths, or their suffix if many templates of the
/// class share the prefix.
fn template_key(template: &PathTemplate, by_path: &FxHashMap<TextMatch, Vec<Clause>>) -> TextMatch {
    let prefix = TextMatch::Prefix(template.literal_prefix().into());
    let suffix = TextMatch::Suffix(template.literal_suffix().into());
    let crowd = |key| by_path.get(key).map_or(0, Vec::len);
    if crowd(&prefix) >= SUFFIX_INDEX_THRESHOLD && crowd(&suffix) < crowd(&prefix) {
        suffix
    } else {
        prefix
    }
}
