//! Finds rules that ztunnel does not enforce as written, on workloads in ambient mode (Istio,
//! `pilot/pkg/serviceregistry/kube/controller/ambient/authorization.go`).
//!
//! ztunnel sees connections: the caller, its address and the port. It has no filter. Only policies
//! with `targetRefs` apply to a waypoint, which sees requests and has a filter.

use super::workloads::{Sidecar, Workload, Workloads};
use super::{Finding, FindingCode, Verdict};
use crate::enforcement_points::RbacEnforcement;
use crate::policy::{Attachment, ServicePolicy};
use crate::rule::{Condition, Operation, Rule, Source, Test};
use crate::rule_spec::{Effect, Enforcement};

/// Why ztunnel does not enforce a rule as written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shortfall {
    /// Only the filter enforces it.
    NeedsFilter,
    /// It needs an external authorizer, which ztunnel does not support.
    NeedsProvider,
    /// It has a start or an end.
    NeedsClock,
    /// An `Allow` rule that requires more than attributes of the connection.
    OmittedAllow,
    /// A `Deny` rule without attributes of the connection.
    IgnoredDeny,
    /// A `Deny` rule that also requires attributes of the connection.
    WidenedDeny,
}

impl Shortfall {
    const ALL: [Self; 6] = [
        Self::NeedsFilter,
        Self::NeedsProvider,
        Self::NeedsClock,
        Self::OmittedAllow,
        Self::IgnoredDeny,
        Self::WidenedDeny,
    ];

    fn for_rule(policy: &ServicePolicy, rule: &Rule) -> Option<Self> {
        let asks = RequiredAttributes::for_rule(rule);
        match (RbacEnforcement::for_rule(policy, rule), rule.effect) {
            (RbacEnforcement::Expired, _) => None,
            (
                RbacEnforcement::Absent(_)
                | RbacEnforcement::AnyClientCertificate
                | RbacEnforcement::AnyClientCertificateUntimed,
                _,
            )
            | (_, Effect::Audit) => Some(Self::NeedsFilter),
            (_, Effect::Custom) => Some(Self::NeedsProvider),
            (RbacEnforcement::Untimed, _) => Some(Self::NeedsClock),
            (RbacEnforcement::Exact, Effect::Allow) => asks.more.then_some(Self::OmittedAllow),
            (RbacEnforcement::Exact, Effect::Deny) => match asks {
                RequiredAttributes { more: false, .. } => None,
                RequiredAttributes {
                    connection: false, ..
                } => Some(Self::IgnoredDeny),
                RequiredAttributes { .. } => Some(Self::WidenedDeny),
            },
        }
    }

    fn consequence(self) -> &'static str {
        match self {
            Self::NeedsFilter => {
                "require the filter, which does not run in ambient mode: they are neither enforced nor recorded"
            }
            Self::NeedsProvider => {
                "require an external authorizer, which ztunnel does not support: they are not enforced"
            }
            Self::NeedsClock => "have a start or an end time, which ztunnel cannot enforce",
            Self::OmittedAllow => {
                "test more than the connection, such as HTTP fields: ztunnel ignores them and denies requests that they allow"
            }
            Self::IgnoredDeny => {
                "test only HTTP fields: ztunnel ignores them and allows requests that they deny"
            }
            Self::WidenedDeny => {
                "test more than the connection, such as HTTP fields: ztunnel ignores these tests and denies more requests"
            }
        }
    }
}

pub(super) fn check(workloads: &Workloads<'_>, verdict: &mut Verdict) {
    let in_ambient = workloads
        .all
        .iter()
        .filter(|workload| workload.sidecar == Sidecar::Ambient);
    for workload in in_ambient {
        let policies = workload.policies.iter();
        let by_selector =
            policies.filter(|policy| !matches!(policy.attachment, Attachment::Targets(_)));
        for policy in by_selector {
            verdict.findings.extend(check_policy(policy, workload));
        }
    }
}

fn check_policy(policy: &ServicePolicy, workload: &Workload<'_>) -> Vec<Finding> {
    let about = |message: String| Finding {
        subject: workload.title.clone(),
        ..Finding::about(
            workload.object,
            FindingCode::UnenforcedRule,
            message,
            "attach the policy to a waypoint with `targetRefs`, or inject sidecars into the workload",
        )
    };
    let name = &policy.name;
    if policy.enforcement == Enforcement::Shadow {
        return vec![about(format!(
            "policy `{name}` is in shadow, and the filter does not run in ambient mode: its rules are not recorded"
        ))];
    }
    let short: Vec<_> = policy
        .rules
        .iter()
        .filter_map(|rule| Some((Shortfall::for_rule(policy, rule)?, &*rule.id)))
        .collect();
    let findings = Shortfall::ALL.iter().filter_map(|shortfall| {
        let ids = short.iter().filter(|(other, _)| other == shortfall);
        let ids: Vec<_> = ids.map(|(_, id)| *id).collect();
        (!ids.is_empty()).then(|| {
            about(format!(
                "{} of policy `{name}` {}",
                named(&ids),
                shortfall.consequence()
            ))
        })
    });
    findings.collect()
}

/// The IDs of rules, abbreviated if there are many.
fn named(ids: &[&str]) -> String {
    const MAX_NAMED: usize = 5;
    let names: Vec<_> = ids
        .iter()
        .take(MAX_NAMED)
        .map(|id| format!("`{id}`"))
        .collect();
    let names = names.join(", ");
    match ids.len().checked_sub(MAX_NAMED) {
        None | Some(0) => format!("rules {names}"),
        Some(more) => format!("rules {names} and {more} more"),
    }
}

/// The attributes that a rule tests.
#[derive(Clone, Copy, Debug, Default)]
struct RequiredAttributes {
    /// Attributes that ztunnel sees.
    connection: bool,
    /// Attributes that ztunnel does not see.
    more: bool,
}

impl RequiredAttributes {
    fn for_rule(rule: &Rule) -> Self {
        let sources = rule.sources.iter().map(Self::for_source);
        let operations = rule.operations.iter().map(Self::for_operation);
        let conditions = rule.conditions.iter().map(Self::for_condition);
        let all = sources.chain(operations).chain(conditions);
        all.fold(Self::default(), |asks, other| Self {
            connection: asks.connection || other.connection,
            more: asks.more || other.more,
        })
    }

    /// Everything that is not known to be an attribute of the connection counts as more.
    fn for_source(source: &Source) -> Self {
        let seen = Source {
            anonymous: source.anonymous,
            principals: source.principals.clone(),
            service_accounts: source.service_accounts.clone(),
            namespaces: source.namespaces.clone(),
            trust_domains: source.trust_domains.clone(),
            ip_blocks: source.ip_blocks.clone(),
            ..Source::default()
        };
        Self {
            connection: seen != Source::default(),
            more: *source != seen,
        }
    }

    fn for_operation(operation: &Operation) -> Self {
        let seen = Operation {
            ports: operation.ports.clone(),
            ..Operation::default()
        };
        Self {
            connection: seen != Operation::default(),
            more: *operation != seen,
        }
    }

    fn for_condition(condition: &Condition) -> Self {
        match &condition.test {
            Test::Caller(source) => Self::for_source(source),
            Test::Port(_) | Test::DestinationIp(_) => Self {
                connection: true,
                more: false,
            },
            Test::Header { .. } | Test::Metadata { .. } | Test::ServerName(_) => Self {
                connection: false,
                more: true,
            },
        }
    }
}
