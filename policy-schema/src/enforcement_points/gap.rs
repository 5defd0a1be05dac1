//! Rules with which RBAC stops fewer requests than the filter.

use crate::matching::header::is_host_header;
use crate::matching::{PathMatch, Reading, TextMatch};
use crate::rule::{Operation, Rule, Terms, Test};
use crate::rule_spec::Effect;

/// Something that clients can spell in more ways than RBAC recognizes. Only the filter stops the
/// other spellings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RbacGap {
    /// A header that is sent more than once.
    Header,
    /// A host with user information, or several hosts that a proxy joined.
    Host,
    /// A path template, which RBAC interprets narrowly.
    Template,
}

impl RbacGap {
    const ALL: [Self; 3] = [Self::Header, Self::Host, Self::Template];

    /// The gaps of `rule`.
    pub(crate) fn for_rule(rule: &Rule) -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(|gap| gap.is_in(rule))
    }

    /// One sentence about what RBAC misses.
    pub fn note(self) -> &'static str {
        match self {
            Self::Header => {
                "RBAC does not separate the values of a repeated header: only the filter checks each one"
            }
            Self::Host => {
                "RBAC compares hosts literally: only the filter handles user information and joined hosts"
            }
            Self::Template => {
                "RBAC's path templates exclude characters such as `[`: only the filter matches paths with them"
            }
        }
    }

    /// The same for a mesh without the filter.
    pub(crate) fn note_without_filter(self) -> &'static str {
        match self {
            Self::Header => {
                "RBAC does not separate the values of a repeated header, and without a filter nothing checks each one"
            }
            Self::Host => {
                "RBAC compares hosts literally, and without a filter nothing handles user information and joined hosts"
            }
            Self::Template => {
                "RBAC's path templates exclude characters such as `[`, and without a filter nothing matches paths with them"
            }
        }
    }

    /// How a client evades RBAC.
    pub(crate) fn evasion(self) -> &'static str {
        match self {
            Self::Header => "by sending the header more than once",
            Self::Host => "by a host such as `user@shop.example`",
            Self::Template => "by a path segment with a character such as `[`",
        }
    }

    fn is_in(self, rule: &Rule) -> bool {
        match self {
            Self::Header => rule.conditions.iter().any(|condition| {
                matches!(&condition.test, Test::Header { name, values }
                    if !name.starts_with(':') && is_about_values(values))
            }),
            Self::Host => {
                let in_conditions = rule.conditions.iter().any(|condition| {
                    matches!(&condition.test, Test::Header { name, values }
                        if is_host_header(name)
                            && is_about_hosts(values, rule.effect))
                });
                let in_operation = |operation: &Operation| {
                    is_about_hosts(&operation.hosts, rule.effect)
                };
                in_conditions || rule.operations.iter().any(in_operation)
            }
            Self::Template => rule.operations.iter().any(|operation| {
                let mut paths = stopping(&operation.paths, rule.effect).iter();
                paths.any(|path| {
                    matches!(path, PathMatch::Template(template) if template.as_wide_prefix().is_none())
                })
            }),
        }
    }
}

/// Of the two lists, the one whose match stops a request.
fn stopping<V>(terms: &Terms<Vec<V>>, effect: Effect) -> &[V] {
    match Reading::for_values(effect) {
        Reading::Wide => &terms.any_of,
        Reading::Narrow => &terms.none_of,
    }
}

/// Whether hosts stop a request, or let it pass by a prefix or suffix.
fn is_about_hosts(hosts: &Terms<Vec<TextMatch>>, effect: Effect) -> bool {
    let is_part = |host: &TextMatch| !host.is_any() && !matches!(host, TextMatch::Exact(_));
    has_specific_pattern(stopping(hosts, effect)) || hosts.iter().any(is_part)
}

fn is_about_values(values: &Terms<Vec<TextMatch>>) -> bool {
    has_specific_pattern(&values.any_of) || has_specific_pattern(&values.none_of)
}

/// Whether the list has a pattern other than `*`.
fn has_specific_pattern(patterns: &[TextMatch]) -> bool {
    patterns.iter().any(|pattern| !pattern.is_any())
}
