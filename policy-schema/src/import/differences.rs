//! Describes what imported rules match beyond Istio's: one sentence for each kind.

use super::resources::Resources;
use crate::istio::AuthorizationPolicy;
use crate::istio::authorization_policy::{Action, AuthorizationRule, Condition};
use crate::istio::ip_blocks::RepeatedInIpv6;
use crate::matching::Reading;
use crate::matching::header::is_host_header;
use crate::rule_spec::Effect;

/// A kind of value that matches more than in Istio.
#[derive(Clone, Copy)]
enum Difference {
    /// A header, if a match stops a request.
    Header,
    /// A host, if a match stops a request.
    Host,
    /// An IPv4 block.
    Ipv4Block,
}

impl Difference {
    const ALL: [Self; 3] = [Self::Header, Self::Host, Self::Ipv4Block];

    fn sentence(self) -> &'static str {
        match self {
            Self::Header => {
                "header values that block a request match more than in Istio: also one value of a repeated header, and one comma-separated part"
            }
            Self::Host => {
                "hosts that block a request match more than in Istio: also with a trailing dot, user information, an empty port, leading zeros in the port, or joined to other hosts"
            }
            Self::Ipv4Block => {
                "IPv4 blocks match more than in Istio: also IPv4-mapped addresses such as `::ffff:10.0.0.1`"
            }
        }
    }

    fn is_in(self, rule: &AuthorizationRule, reading: Reading) -> bool {
        let stopping = |condition: &Condition| {
            let values = stopping(&condition.values, &condition.not_values, reading);
            has_specific_pattern(values)
        };
        let is_host = |condition: &Condition| {
            header_of(&condition.key).is_some_and(|name| is_host_header(&name.to_ascii_lowercase()))
        };
        match self {
            Self::Header => rule.when.iter().any(|condition| {
                header_of(&condition.key).is_some_and(|name| !name.starts_with(':'))
                    && !is_host(condition)
                    && stopping(condition)
            }),
            Self::Host => {
                let mut operations = rule.to.iter().map(|to| &to.operation);
                let mut conditions = rule.when.iter();
                operations.any(|operation| {
                    has_specific_pattern(self::stopping(
                        &operation.hosts,
                        &operation.not_hosts,
                        reading,
                    ))
                }) || conditions.any(|condition| is_host(condition) && stopping(condition))
            }
            Self::Ipv4Block => {
                let sources = rule.from.iter().map(|from| &from.source);
                let of_sources = sources.flat_map(|source| {
                    [
                        &source.ip_blocks,
                        &source.not_ip_blocks,
                        &source.remote_ip_blocks,
                        &source.not_remote_ip_blocks,
                    ]
                });
                let conditions = rule.when.iter();
                let about_addresses = conditions.filter(|condition| {
                    matches!(
                        condition.key.as_str(),
                        "source.ip" | "remote.ip" | "destination.ip"
                    )
                });
                let of_conditions =
                    about_addresses.flat_map(|found| [&found.values, &found.not_values]);
                of_sources
                    .chain(of_conditions)
                    .any(|blocks| RepeatedInIpv6::new(blocks).lacks_any())
            }
        }
    }
}

/// The header that a condition tests.
fn header_of(key: &str) -> Option<&str> {
    key.strip_prefix("request.headers[")?.strip_suffix(']')
}

fn stopping<'l>(values: &'l [String], excluded: &'l [String], reading: Reading) -> &'l [String] {
    match reading {
        Reading::Wide => values,
        Reading::Narrow => excluded,
    }
}

/// Whether the list has a pattern other than `*`.
fn has_specific_pattern(values: &[String]) -> bool {
    values.iter().any(|value| value != "*")
}

/// One sentence for each kind that occurs, with the number of rules and the first of them.
pub(super) fn differences(resources: &Resources) -> Vec<String> {
    let found = Difference::ALL.into_iter().filter_map(|difference| {
        let policies = resources.policies.iter().map(|placed| &placed.resource);
        let rules = policies.flat_map(|policy| {
            let rules = policy.spec.rules.iter().enumerate();
            rules.map(move |(number, rule)| (policy, number, rule))
        });
        let mut rules = rules.filter(|(policy, _, rule)| difference.is_in(rule, reading(policy)));
        let (policy, number, _) = rules.next()?;
        let metadata = &policy.metadata;
        let first = format!(
            "rule {number} of `{}/{}`",
            policy.metadata.namespace, metadata.name
        );
        let place = match rules.count() {
            0 => first,
            1 => format!("{first} and 1 other"),
            others => format!("{first} and {others} others"),
        };
        Some(format!("{} ({place})", difference.sentence()))
    });
    found.collect()
}

/// How the values of a policy's rules are interpreted.
fn reading(policy: &AuthorizationPolicy) -> Reading {
    Reading::for_values(match policy.spec.action {
        Action::Allow => Effect::Allow,
        Action::Deny => Effect::Deny,
        Action::Audit => Effect::Audit,
        Action::Custom => Effect::Custom,
    })
}
