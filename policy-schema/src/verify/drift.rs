//! Whether the objects are those that the documents are rendered to.

use std::collections::BTreeMap;

use super::difference::difference;
use super::ended::Renderings;
use super::extent::LookedAt;
use super::foreign::Foreign;
use super::object::{Object, by_id};
use super::{Finding, FindingCode, Verdict};
use crate::istio::{
    ExtensionApi, NoExtension, ResourceKind, authorization_policies, extension, mesh_resources,
};
use crate::policy::PolicySet;

/// The label of all that Peergate renders.
const MANAGED_BY: (&str, &str) = ("app.kubernetes.io/managed-by", "peergate");

pub(super) fn check(
    set: &PolicySet,
    api: ExtensionApi,
    objects: &[Object],
    looked_at: &LookedAt,
    verdict: &mut Verdict,
) {
    let renderings = Renderings::new(set, api, verdict);
    let rendered = &renderings.now;
    let mut unseen = BTreeMap::<_, usize>::new();
    let found = by_id(objects);
    let findings = &mut verdict.findings;
    for (id, rendered) in rendered {
        match found.get(id).map(Vec::as_slice) {
            None if !looked_at.has(&id.group, &id.kind) => {
                *unseen.entry((&*id.group, &*id.kind)).or_default() += 1;
            }
            None => findings.push(renderings.ended(id, None).unwrap_or_else(|| {
                Finding::of(
                    id.to_string(),
                    FindingCode::MissingObject,
                    "it is not there, and the documents are rendered to it",
                    "apply what `peergate render` makes of the documents",
                )
            })),
            Some(seen) => findings.extend(seen.iter().filter_map(|found| {
                let difference = difference(rendered, found)?;
                let ended = renderings.ended(id, Some(found));
                ended.or_else(|| Some(Finding {
                    field: Some(difference.field),
                    ..Finding::about(
                        found,
                        FindingCode::ChangedObject,
                        difference.message,
                        "apply what `peergate render` makes of the documents, or change the documents",
                    )
                }))
            })),
        }
    }
    findings.extend(unseen.into_iter().map(|((group, kind), count)| {
        let title = format!("{kind} ({group})");
        match looked_at {
            LookedAt::AllBut(_) => Finding::of(
                title,
                FindingCode::UnlistedKind,
                format!("the documents render {count} of this kind, and it could not be listed"),
                "grant the role in docs/verify.md, or run this again if the API server did not answer",
            ),
            LookedAt::Only(_) | LookedAt::All => Finding::of(
                title,
                FindingCode::NotChecked,
                format!("the documents render {count} of this kind, and none of the objects is of it"),
                "list this kind too; if it was listed, apply what `peergate render` makes of the documents",
            ),
        }
    }));
    let foreign = Foreign {
        set,
        objects: &found,
        rendered,
    };
    let others = objects
        .iter()
        .filter(|object| !rendered.contains_key(object.id()));
    for object in others {
        // Deleting it would open workloads, and the documents no longer say whether it may go.
        let is_left_to_cluster =
            !set.mesh.sets_mtls_mode() && object.is("security.istio.io", "PeerAuthentication");
        if is_managed(object) && is_of_rendered_kind(object) && !is_left_to_cluster {
            let ended = renderings.ended(object.id(), Some(object));
            findings.push(ended.unwrap_or_else(|| {
                Finding::about(
                    object,
                    FindingCode::LeftoverObject,
                    "Peergate rendered it once, and no document asks for it any more",
                    "delete it",
                )
            }));
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

/// Whether it has the label of all that Peergate renders.
pub(super) fn is_managed(object: &Object) -> bool {
    object.label(MANAGED_BY.0) == Some(MANAGED_BY.1)
}

/// Whether it is of a kind that Peergate renders. istiod copies the labels of a `Gateway` onto the pods and
/// services that it makes for it.
fn is_of_rendered_kind(object: &Object) -> bool {
    let group = &*object.id().group;
    ResourceKind::ALL
        .iter()
        .any(|kind| kind.as_str() == object.kind())
        && (group.ends_with("istio.io")
            || matches!(
                group,
                "" | "networking.k8s.io" | "gateway.networking.k8s.io"
            ))
}

/// All that the documents are rendered to, by its names.
pub(super) fn rendered(
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
            // Then the documents want none, and any in the cluster is left over.
            Err(NoExtension::MissingImage) => break,
            Err(reason @ NoExtension::NoTrafficExtension(_)) => {
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
