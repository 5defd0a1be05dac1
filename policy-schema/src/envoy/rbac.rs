//! Translates `AuthorizationPolicy` objects to Envoy's RBAC filters, as Istio does
//! (`pilot/pkg/security/authz/builder`).
//!
//! Based on Istio's specification. It shows the effect of a rendered object without a cluster: on a
//! plain Envoy in addition to the filter, and in tests that compare both.

mod config;
mod matcher;
mod rule;

use std::collections::BTreeMap;

pub use config::RbacFilter;
use config::{Policy, Rbac, RbacAction, Rules};
use rule::Scope;

use crate::identity::TrustDomains;
use crate::istio::AuthorizationPolicy;
use crate::istio::authorization_policy::Action;

/// The filters of an HTTP connection, in order, for the objects that apply to a workload. `CUSTOM`
/// objects need an external authorizer and have no filter here.
pub fn http_filters(
    policies: &[AuthorizationPolicy],
    trust_domains: &TrustDomains,
) -> Vec<RbacFilter> {
    let filter = |rules| RbacFilter {
        name: "envoy.filters.http.rbac",
        typed_config: Rbac {
            type_url: "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC",
            stat_prefix: None,
            ..rules
        },
    };
    all(policies, trust_domains, true)
        .into_iter()
        .map(filter)
        .collect()
}

/// The filters of a connection without HTTP.
pub fn network_filters(
    policies: &[AuthorizationPolicy],
    trust_domains: &TrustDomains,
) -> Vec<RbacFilter> {
    let filter = |rules| RbacFilter {
        name: "envoy.filters.network.rbac",
        typed_config: Rbac {
            type_url: "type.googleapis.com/envoy.extensions.filters.network.rbac.v3.RBAC",
            stat_prefix: Some("tcp."),
            ..rules
        },
    };
    all(policies, trust_domains, false)
        .into_iter()
        .map(filter)
        .collect()
}

fn all(policies: &[AuthorizationPolicy], trust_domains: &TrustDomains, is_http: bool) -> Vec<Rbac> {
    let actions = [
        (Action::Audit, RbacAction::Log),
        (Action::Deny, RbacAction::Deny),
        (Action::Allow, RbacAction::Allow),
    ];
    let filter = |(action, rbac_action)| {
        let mut enforced: Option<BTreeMap<String, Policy>> = None;
        let mut dry: Option<BTreeMap<String, Policy>> = None;
        for policy in policies
            .iter()
            .filter(|policy| policy.spec.action == action)
        {
            let rules = if policy.is_dry_run() {
                &mut dry
            } else {
                &mut enforced
            };
            rules
                .get_or_insert_default()
                .extend(rules_of(policy, trust_domains, is_http));
        }
        // Without enforced rules nothing is denied. Without any rules, there is no filter.
        let rules = |policies| Rules {
            action: rbac_action,
            policies,
        };
        let has_rules = enforced.is_some() || dry.is_some();
        has_rules.then(|| Rbac {
            type_url: "",
            rules: enforced.map(rules),
            // Istio derives the prefix from the action of the dry-run rules, or `ALLOW` if there
            // are none.
            shadow_rules_stat_prefix: match (action, &dry) {
                (Action::Deny, Some(_)) => "istio_dry_run_deny_",
                _ => "istio_dry_run_allow_",
            },
            shadow_rules: dry.map(rules),
            stat_prefix: None,
        })
    };
    actions.into_iter().filter_map(filter).collect()
}

fn rules_of(
    policy: &AuthorizationPolicy,
    trust_domains: &TrustDomains,
    is_http: bool,
) -> BTreeMap<String, Policy> {
    let scope = Scope {
        action: policy.spec.action,
        namespace: &policy.metadata.namespace,
        trust_domains,
        is_http,
    };
    let rules = policy.spec.rules.iter().enumerate();
    let rules = rules.filter_map(|(position, rule)| {
        let id = format!(
            "ns[{}]-policy[{}]-rule[{position}]",
            policy.metadata.namespace, policy.metadata.name
        );
        Some((id, rule::policy(rule, scope)?))
    });
    rules.collect()
}
