//! The labels and annotations of imported policies.

use std::collections::BTreeMap;

use super::objects::Placed;
use super::{Finding, Outcome};
use crate::istio::AuthorizationPolicy;

/// The labels and annotations of a document.
pub(super) struct Metadata {
    pub(super) labels: Texts,
    pub(super) annotations: Texts,
}

type Texts = Option<BTreeMap<String, String>>;

/// Prefixes of keys that tools set for themselves. In a document, they would claim that it belongs
/// to the tool.
const TOOL_PREFIXES: [&str; 20] = [
    "addonmanager.kubernetes.io/",
    "app.kubernetes.io/instance",
    "app.kubernetes.io/managed-by",
    "applyset.kubernetes.io/",
    "argocd.argoproj.io/",
    "config.k8s.io/",
    "config.kubernetes.io/",
    "fluxcd.io/",
    "helm.sh/",
    "helm.toolkit.fluxcd.io/",
    "hnc.x-k8s.io/",
    "install.operator.istio.io/",
    "internal.config.kubernetes.io/",
    "kapp.k14s.io/",
    "kubectl.kubernetes.io/",
    "kustomize.toolkit.fluxcd.io/",
    "meta.helm.sh/",
    "objectset.rio.cattle.io/",
    "operator.istio.io/",
    "peergate.dev/",
];

/// The annotation that is imported as shadow mode.
const DRY_RUN: &str = "istio.io/dry-run";

/// The label that limits an object to one revision of istiod.
const REVISION: &str = "istio.io/rev";

/// The metadata of the policy that the objects become. None if they cannot become one policy.
pub(super) fn of(
    objects: &[&Placed<AuthorizationPolicy>],
    findings: &mut Vec<Finding>,
) -> Option<Metadata> {
    let of_revision = objects
        .iter()
        .find(|object| object.resource.metadata.labels.contains_key(REVISION));
    if let Some(object) = of_revision {
        findings.push(Finding {
            place: object.place,
            outcome: Outcome::LeftOut,
            message: format!(
                "the label `{REVISION}` limits the object to one revision of istiod, but rendered objects apply to all: remove the label if the mesh has one revision"
            ),
        });
        return None;
    }
    let metadata = || {
        objects
            .iter()
            .map(|object| (&object.resource.metadata, object.place))
    };
    Some(Metadata {
        labels: merged(
            metadata().map(|(metadata, place)| (&metadata.labels, place)),
            findings,
        ),
        annotations: merged(
            metadata().map(|(metadata, place)| (&metadata.annotations, place)),
            findings,
        ),
    })
}

fn merged<'m>(
    maps: impl Iterator<Item = (&'m BTreeMap<String, String>, crate::diagnostic::Place)>,
    findings: &mut Vec<Finding>,
) -> Texts {
    let mut all: BTreeMap<String, String> = BTreeMap::new();
    for (map, place) in maps {
        for (key, value) in map {
            let is_of_tool = TOOL_PREFIXES.iter().any(|prefix| key.starts_with(prefix));
            if is_of_tool || key == DRY_RUN {
                continue;
            }
            let known = all.entry(key.clone()).or_insert_with(|| value.clone());
            if known != value {
                findings.push(Finding {
                    place,
                    outcome: Outcome::Noted,
                    message: format!(
                        "`{key}: {value}` is left out: another object of the same policy has `{known}`"
                    ),
                });
            }
        }
    }
    Some(all).filter(|all| !all.is_empty())
}
