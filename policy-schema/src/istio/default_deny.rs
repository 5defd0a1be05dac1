//! Renders the `AuthorizationPolicy` objects of a default-deny mesh: they deny what no policy
//! allows, and gateways allow what is exposed.

use super::authorization_policy::{
    AuthorizationPolicySpec, AuthorizationRule, LabelSelector, Operation, OperationEntry,
    TargetReference,
};
use super::compile;
use super::gateway_api::{GROUP, TARGET_REFS, gateway_name_label};
use super::policy_metadata::{policy_selector, policy_targets};
use super::resource::{Resource, metadata};
use crate::document::GatewayApi;
use crate::matching::TextMatch;
use crate::policy::{DefaultDenyException, Exposure, Gateway, PolicySet};
use crate::rule_spec::Otherwise;

/// The maximum number of operations in one rule. Small, so that objects fill up evenly.
const MAX_OPERATIONS: usize = 100;

/// The default-deny object, and the objects that exempt policies in shadow.
pub(super) fn default_denials(set: &PolicySet) -> Vec<Resource> {
    let mesh = &set.mesh;
    if mesh.otherwise == Otherwise::Pass {
        return Vec::new();
    }
    let object = |metadata, spec| Resource::new(mesh.istio_version, metadata, spec);
    // Without rules it allows nothing, so it denies everything that no other object allows.
    let mut resources = vec![object(
        metadata("peergate-default-deny", &mesh.root_namespace),
        AuthorizationPolicySpec::default(),
    )];
    for (policy, default_deny_exceptions) in set.policies.iter().zip(set.default_deny_exceptions())
    {
        if default_deny_exceptions == DefaultDenyException::Open {
            resources.push(object(
                metadata(format!("{}-pass", policy.name.name), &policy.name.namespace),
                AuthorizationPolicySpec {
                    selector: policy_selector(policy),
                    target_refs: policy_targets(policy),
                    rules: vec![AuthorizationRule::default()],
                    ..AuthorizationPolicySpec::default()
                },
            ));
        }
    }
    resources
}

/// For each gateway, the objects that allow only requests for exposed services, as few as the
/// limits permit.
pub(super) fn gateway_allowances(set: &PolicySet) -> Vec<Resource> {
    let gateways = set.mesh.gateways.iter().enumerate();
    gateways
        .flat_map(|(position, gateway)| {
            let exposures = set.policies.iter().flat_map(|policy| &policy.exposures);
            let operations: Vec<_> = exposures
                .filter(|exposure| exposure.gateway == position)
                .map(|exposure| OperationEntry {
                    operation: operation(exposure, gateway),
                })
                .collect();
            let rules: Vec<_> = operations
                .chunks(MAX_OPERATIONS)
                .map(|to| AuthorizationRule {
                    to: to.to_vec(),
                    ..AuthorizationRule::default()
                })
                .collect();
            // An object without rules allows nothing.
            let nothing: &[AuthorizationRule] = &[];
            let parts = compile::parts(&rules).into_iter();
            let parts = parts.chain(rules.is_empty().then_some(nothing));
            let objects = parts
                .zip(1..)
                .map(|(rules, part)| gateway_allowance(gateway, rules, part, set));
            objects.collect::<Vec<_>>()
        })
        .collect()
}

fn gateway_allowance(
    gateway: &Gateway,
    rules: &[AuthorizationRule],
    part: usize,
    set: &PolicySet,
) -> Resource {
    let (selector, target_refs) = gateway_pods(gateway, set);
    let name = compile::name_of_part(format!("{}-exposed", gateway.name), part);
    let spec = AuthorizationPolicySpec {
        selector,
        target_refs,
        rules: rules.to_vec(),
        ..AuthorizationPolicySpec::default()
    };
    Resource::new(
        set.mesh.istio_version,
        metadata(name, &gateway.namespace),
        spec,
    )
    .with_source(format!("gateway `{}`", gateway.name))
}

fn gateway_pods(
    gateway: &Gateway,
    set: &PolicySet,
) -> (Option<LabelSelector>, Vec<TargetReference>) {
    let select = |match_labels| (Some(LabelSelector { match_labels }), Vec::new());
    match gateway.api {
        GatewayApi::Istio => select(gateway.labels.clone()),
        GatewayApi::Kubernetes if set.mesh.istio_version < TARGET_REFS => {
            select(gateway_name_label(gateway))
        }
        GatewayApi::Kubernetes => {
            let target = TargetReference {
                group: GROUP.to_owned(),
                kind: "Gateway".to_owned(),
                name: gateway.name.clone(),
            };
            (None, vec![target])
        }
    }
}

/// The requests that an exposure routes to its service. Clients may add the port to the host.
fn operation(exposure: &Exposure, gateway: &Gateway) -> Operation {
    let mut hosts = Vec::new();
    for host in &exposure.hosts {
        hosts.push(host.clone());
        if host.starts_with('*') {
            // A pattern has only one `*`.
            let servers = gateway.servers.iter();
            let mut ports: Vec<_> = servers
                .flat_map(|server| [server.port, server.redirect_port])
                .collect();
            ports.sort_unstable();
            ports.dedup();
            hosts.extend(ports.into_iter().map(|port| format!("{host}:{port}")));
        } else {
            hosts.push(format!("{host}:*"));
        }
    }
    let everything = TextMatch::Prefix("/".into());
    let paths = exposure.paths.iter();
    Operation {
        hosts,
        paths: if exposure.paths.contains(&everything) {
            Vec::new()
        } else {
            paths.map(ToString::to_string).collect()
        },
        ..Operation::default()
    }
}
