//! Compares the objects with the rendered documents.

use std::collections::{BTreeMap, BTreeSet};

use super::difference::difference;
use super::expired::Renderings;
use super::extent::KindsRead;
use super::foreign::Foreign;
use super::managed::is_managed;
use super::object::{Object, by_id};
use super::rendered::rendered;
use super::{Finding, FindingCode, Verdict};
use crate::istio::{ExtensionApi, ResourceKind};
use crate::policy::PolicySet;

pub(super) fn check(
    set: &PolicySet,
    api: ExtensionApi,
    objects: &[Object],
    kinds_read: &KindsRead,
    verdict: &mut Verdict,
) {
    let renderings = Renderings::new(set, api);
    let found = by_id(objects);
    let mut rendered = BTreeSet::new();
    let mut unseen = BTreeMap::<_, usize>::new();
    // Objects are rendered and dropped one at a time: all of them together would take as much
    // memory as all observed objects.
    for object in self::rendered(set, api, &mut verdict.unchecked) {
        let id = object.id().clone();
        match found.get(&id).map(Vec::as_slice) {
            None if !kinds_read.has(&id.group, &id.kind) => {
                *unseen
                    .entry((id.group.clone(), id.kind.clone()))
                    .or_default() += 1;
            }
            None => {
                let expired = renderings.expired(&id, Some(&object), None);
                verdict.findings.push(expired.unwrap_or_else(|| {
                    Finding::new(
                        id.to_string(),
                        FindingCode::MissingObject,
                        "does not exist, but the documents render it",
                        "apply the output of `peergate render`",
                    )
                }));
            }
            Some(seen) => {
                let changed = |found: &&Object| changed(&object, found, &renderings);
                verdict.findings.extend(seen.iter().filter_map(changed));
            }
        }
        rendered.insert(id);
    }
    let findings = &mut verdict.findings;
    findings.extend(unseen.into_iter().map(|((group, kind), count)| {
        let title = format!("{kind} ({group})");
        match kinds_read {
            KindsRead::AllBut(_) => Finding::new(
                title,
                FindingCode::UnlistedKind,
                format!(
                    "the documents render {count} of this kind, but the kind could not be listed"
                ),
                "grant the role in docs/verify.md, or try again if the API server did not respond",
            ),
            KindsRead::Only(_) | KindsRead::All => Finding::new(
                title,
                FindingCode::NotChecked,
                format!(
                    "the documents render {count} of this kind, but the manifests contain none"
                ),
                "list this kind too; if it was listed, apply the output of `peergate render`",
            ),
        }
    }));
    let foreign = Foreign {
        set,
        objects: &found,
        rendered: &rendered,
    };
    let others = objects
        .iter()
        .filter(|object| !rendered.contains(object.id()));
    for object in others {
        // Deleting it would open workloads, and the documents no longer determine whether it is
        // needed.
        let is_left_to_cluster =
            !set.mesh.sets_mtls_mode() && object.is("security.istio.io", "PeerAuthentication");
        if is_managed(object) && has_rendered_kind(object) && !is_left_to_cluster {
            let expired = renderings.expired(object.id(), None, Some(object));
            findings.push(expired.unwrap_or_else(|| {
                Finding::about(
                    object,
                    FindingCode::LeftoverObject,
                    "Peergate rendered it earlier, but the documents no longer render it",
                    "delete it",
                )
            }));
        } else if let Some(part) = foreign.part(object) {
            findings.push(Finding::about(
                object,
                FindingCode::ForeignObject,
                format!("no document declares it, and it {part}"),
                "declare it in the documents, for example with `peergate import`, and delete it",
            ));
        }
    }
}

/// Whether Peergate renders objects of this kind. istiod copies the labels of a `Gateway` to the
/// pods and services that it creates.
fn has_rendered_kind(object: &Object) -> bool {
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

/// Reports an object that differs from the rendered one.
fn changed(rendered: &Object, found: &Object, renderings: &Renderings<'_>) -> Option<Finding> {
    let difference = difference(rendered, &found.opened())?;
    let expired = renderings.expired(rendered.id(), Some(rendered), Some(found));
    Some(expired.unwrap_or_else(|| Finding {
        field: Some(difference.field),
        ..Finding::about(
            found,
            FindingCode::ChangedObject,
            difference.message,
            "apply the output of `peergate render`, or change the documents",
        )
    }))
}
