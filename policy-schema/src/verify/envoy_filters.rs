//! Checks what each `EnvoyFilter` does to enforcement.
//!
//! An `EnvoyFilter` can change anything, so each patch that may affect callers is judged. It
//! disables a part of enforcement, or it is known to be harmless, or it was not judged, which is a
//! finding too.

mod guards;
mod judgement;
mod patch;
mod settings;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use serde_json::Value;

use self::guards::Guards;
use self::judgement::Judgement;
use self::patch::Patch;
use super::coverage::{is_for, is_gateway};
use super::object::Object;
use super::request_authentication::requires_token;
use super::workloads::{Sidecar, Workloads};
use super::{Finding, FindingCode, Verdict, unvalidated};
use crate::istio::{ExtensionApi, can_extend, extension_name};
use crate::policy::{
    Attachment, Labels, PolicySet, ServicePolicy, are_compatible, has_gateway_label,
};
use crate::problem::Cursor;
use crate::rule_spec::{Effect, Otherwise};

const JWT: &str = "envoy.filters.http.jwt_authn";
const EXTERNAL_AUTHORIZATION: &str = "envoy.filters.http.ext_authz";

pub(super) fn check(
    set: &PolicySet,
    api: ExtensionApi,
    objects: &[Object],
    workloads: &Workloads<'_>,
    verdict: &mut Verdict,
) {
    let guards = guards(set, api);
    let filters = objects
        .iter()
        .filter(|object| object.is("networking.istio.io", "EnvoyFilter"));
    for object in filters {
        let reach = AffectedProxies::new(set, object, workloads);
        if !reach.sidecars && !reach.gateways {
            continue;
        }
        let patches = object.at("/spec/configPatches").and_then(Value::as_array);
        for (index, patch) in patches.into_iter().flatten().enumerate() {
            let patch = Patch::new(patch);
            let kinds = [(reach.sidecars, false), (reach.gateways, true)];
            let judged = kinds
                .into_iter()
                .filter(|(is_reached, _)| *is_reached)
                .map(|(_, of_gateway)| guards.judge(&patch, of_gateway));
            for judgement in judged {
                let found = match judgement {
                    Judgement::Harmless => None,
                    Judgement::Undoes(does) => Some(undone(object, &does)),
                    Judgement::Unknown(does) => Some(unknown(object, &does)),
                    Judgement::SkipsValidation => {
                        let policies = reach.policies.iter().copied();
                        let found = unvalidated::findings_for_patch(object, policies);
                        verdict.findings.extend(found);
                        None
                    }
                };
                let field = Cursor::Root;
                let (spec, patches) = ("spec", "configPatches");
                verdict.findings.extend(found.map(|finding| Finding {
                    field: Some(field.key(spec).key(patches).index(index).location()),
                    ..finding
                }));
            }
        }
    }
}

/// The proxies that an `EnvoyFilter` applies to and that policies protect.
#[derive(Debug)]
struct AffectedProxies<'p> {
    sidecars: bool,
    gateways: bool,
    /// The policies for those gateways.
    policies: Vec<&'p ServicePolicy>,
}

impl<'p> AffectedProxies<'p> {
    fn new(set: &'p PolicySet, object: &Object, workloads: &Workloads<'_>) -> Self {
        let mesh = &set.mesh;
        let is_for_mesh = object.namespace() == mesh.root_namespace;
        let reaches = |namespace: &str| is_for_mesh || namespace == object.namespace();
        let wanted = object.texts("/spec/workloadSelector/labels");
        if object.at("/spec/targetRefs").is_some() {
            // Gateways and waypoints, which are not distinguished here.
            return Self {
                sidecars: false,
                gateways: true,
                policies: set.policies.iter().collect(),
            };
        }
        let namespace = (!is_for_mesh).then(|| object.namespace());
        let seen = workloads.with_labels(namespace, &wanted);
        let (at_gateways, at_sidecars): (Vec<_>, Vec<_>) = seen.partition(|workload| {
            is_gateway(set, workload.namespace, &workload.labels)
                || has_gateway_label(&workload.labels)
        });
        let is_closed = mesh.otherwise == Otherwise::Deny;
        // More pods may exist if pods were not among the input, or if Istio deploys the gateway.
        let sidecars = if workloads.all.is_empty() {
            set.policies
                .iter()
                .any(|policy| may_be_for(policy, object, is_for_mesh, &wanted))
        } else {
            at_sidecars.iter().any(|workload| {
                is_closed && workload.sidecar != Sidecar::Absent || !workload.policies.is_empty()
            })
        };
        let declared: Vec<_> = mesh
            .gateways
            .iter()
            .filter(|gateway| {
                reaches(&gateway.namespace) && are_compatible(&gateway.labels, &wanted)
            })
            .collect();
        let of_pods = at_gateways.iter().flat_map(|workload| &workload.policies);
        let of_pods: BTreeSet<_> = of_pods.map(|policy| policy.name.as_pair()).collect();
        // The documents need not declare a gateway that a policy applies to.
        let named = |policy: &ServicePolicy| {
            mesh.is_at_gateway(&policy.name.namespace, &policy.attachment)
                && may_be_for(policy, object, is_for_mesh, &wanted)
        };
        let is_for_gateway = |policy: &&ServicePolicy| {
            let mut declared = declared.iter();
            named(policy)
                || of_pods.contains(&policy.name.as_pair())
                || declared.any(|gateway| is_for(policy, &gateway.namespace, &gateway.labels))
        };
        let policies: Vec<_> = set.policies.iter().filter(is_for_gateway).collect();
        Self {
            sidecars,
            gateways: !(at_gateways.is_empty() && declared.is_empty() && policies.is_empty()),
            policies,
        }
    }
}

/// Whether some pods may be selected by both the policy and the labels of the patch.
fn may_be_for(policy: &ServicePolicy, object: &Object, is_for_mesh: bool, wanted: &Labels) -> bool {
    let namespace = &policy.name.namespace;
    if is_for_mesh {
        let everywhere = Labels::new();
        let own = match &policy.attachment {
            Attachment::Workload(own) | Attachment::Mesh(own) => own,
            Attachment::Namespace | Attachment::Targets(_) => &everywhere,
        };
        are_compatible(own, wanted)
    } else {
        policy
            .attachment
            .may_select_pods(namespace, object.namespace(), wanted)
    }
}

fn guards(set: &PolicySet, api: ExtensionApi) -> Guards {
    let plugins = set.policies.iter().filter(|_| can_extend(set, api).is_ok());
    let plugins = plugins
        .map(|policy| format!("{}.{}", policy.name.namespace, extension_name(policy)))
        .collect();
    let mut sources = Vec::new();
    let mut rules = set.policies.iter().flat_map(|policy| &policy.rules);
    if rules.clone().any(requires_token) {
        sources.push(JWT);
    }
    if rules.any(|rule| rule.effect == Effect::Custom) {
        sources.push(EXTERNAL_AUTHORIZATION);
    }
    Guards {
        plugins,
        sources,
        normalization: set.mesh.path_normalization,
    }
}

fn undone(object: &Object, does: &str) -> Finding {
    Finding::about(
        object,
        FindingCode::EnforcementUndone,
        format!("{does}, at proxies that enforce policies"),
        "delete the patch, or exclude these proxies with `workloadSelector`",
    )
}

fn unknown(object: &Object, does: &str) -> Finding {
    Finding::about(
        object,
        FindingCode::NotChecked,
        format!("{does}, at proxies that enforce policies: its effect on enforcement is unknown"),
        "review the patch, or exclude these proxies with `workloadSelector`",
    )
}
