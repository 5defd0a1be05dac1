//! Whether the objects are those that the documents are rendered to.

use std::collections::BTreeMap;

use super::difference::difference;
use super::foreign::Foreign;
use super::object::Object;
use super::{Finding, FindingCode, Verdict};
use crate::istio::{ExtensionApi, authorization_policies, extension, mesh_resources};
use crate::policy::PolicySet;

/// The label of all that Peergate renders.
const MANAGED_BY: (&str, &str) = ("app.kubernetes.io/managed-by", "peergate");

pub(super) fn check(set: &PolicySet, api: ExtensionApi, objects: &[Object], verdict: &mut Verdict) {
    let rendered = rendered(set, api, verdict);
    let found: BTreeMap<_, _> = objects.iter().map(|object| (object.id(), object)).collect();
    let findings = &mut verdict.findings;
    for (id, rendered) in &rendered {
        match found.get(id) {
            None => findings.push(Finding::of(
                id.to_string(),
                FindingCode::MissingObject,
                "it is not there, and the documents are rendered to it",
                "apply what `peergate render` makes of the documents",
            )),
            Some(found) => findings.extend(difference(rendered, found).map(|message| {
                Finding::about(
                    found,
                    FindingCode::ChangedObject,
                    message,
                    "apply what `peergate render` makes of the documents, or change the documents",
                )
            })),
        }
    }
    let foreign = Foreign {
        set,
        objects,
        rendered: &rendered,
    };
    let others = objects
        .iter()
        .filter(|object| !rendered.contains_key(object.id()));
    for object in others {
        // Deleting it would open workloads, and the documents no longer say whether it may go.
        let is_left_to_cluster =
            !set.mesh.sets_mtls_mode() && object.is("security.istio.io", "PeerAuthentication");
        if object.label(MANAGED_BY.0) == Some(MANAGED_BY.1) && !is_left_to_cluster {
            findings.push(Finding::about(
                object,
                FindingCode::LeftoverObject,
                "Peergate rendered it once, and no document asks for it any more",
                "delete it",
            ));
        } else if let Some(part) = foreign.part(object) {
            findings.push(Finding::about(
                object,
                FindingCode::ForeignObject,
                format!("no document has it, and it {part}"),
                "say it in the documents, where `peergate import` may help, and delete it",
            ));
        }
    }
}

/// All that the documents are rendered to, by its names.
fn rendered(
    set: &PolicySet,
    api: ExtensionApi,
    verdict: &mut Verdict,
) -> BTreeMap<super::object::ObjectId, Object> {
    let mut resources = mesh_resources(set);
    for policy in set.policies() {
        let policies = authorization_policies(set, policy);
        resources.extend(policies.into_iter().map(Into::into));
    }
    for policy in set.policies() {
        match extension(set, policy, api) {
            Ok(resource) => resources.push(resource),
            Err(reason) => {
                verdict
                    .unchecked
                    .push(format!("the objects that bring the filter: {reason}"));
                break;
            }
        }
    }
    resources
        .iter()
        // What was built of texts, numbers and lists is an object as JSON too.
        .filter_map(|resource| Object::new(serde_json::to_value(resource).ok()?))
        .map(|object| (object.id().clone(), object))
        .collect()
}
