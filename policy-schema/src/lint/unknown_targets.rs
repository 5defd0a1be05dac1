//! Reports `targetRefs` that probably misspell the name of a gateway or service.
//!
//! Waypoints and services need no document, so an unknown name alone is no mistake.

use std::cell::OnceCell;
use std::collections::{BTreeSet, HashMap};

use super::Found;
use super::misspelling::Names;
use crate::code;
use crate::document::GatewayApi;
use crate::policy::{Attachment, PolicySet};
use crate::problem::Cursor;

/// The gateways and services of a namespace.
#[derive(Debug, Default)]
struct Targets<'s> {
    gateways: Known<'s>,
    services: Known<'s>,
}

/// Names, indexed on demand.
#[derive(Debug, Default)]
struct Known<'s> {
    names: BTreeSet<&'s str>,
    index: OnceCell<Names<'s>>,
}

impl<'s> Known<'s> {
    fn closest(&self, name: &str) -> Option<&'s str> {
        let index = self
            .index
            .get_or_init(|| Names::new(self.names.iter().copied()));
        index.closest(name)
    }
}

/// Reports targets that are probably misspelled, or in another namespace.
pub(super) fn check(set: &PolicySet, found: &mut Found) {
    let by_namespace = targets_of(set);
    let mut namespaces_of_gateways: HashMap<&str, &str> = HashMap::new();
    for gateway in kubernetes_gateways(set) {
        namespaces_of_gateways
            .entry(&gateway.name)
            .or_insert(&gateway.namespace);
    }
    let empty = Targets::default();
    let cursor = Cursor::Root;
    let cursor = cursor.key("spec");
    let cursor = cursor.key("targetRefs");
    for (position, policy) in set.policies().iter().enumerate() {
        let Attachment::Targets(targets) = &policy.attachment else {
            continue;
        };
        let namespace = policy.name.namespace.as_str();
        let there = by_namespace.get(namespace).unwrap_or(&empty);
        for (index, target) in targets.iter().enumerate() {
            let name = target.name.as_str();
            let known = match target.kind.as_str() {
                "Gateway" => &there.gateways,
                "Service" => &there.services,
                _ => continue,
            };
            if known.names.contains(name) {
                continue;
            }
            let kind = &target.kind;
            let elsewhere = namespaces_of_gateways
                .get(name)
                .filter(|_| kind == "Gateway");
            let (message, help) = if let Some(other) = elsewhere {
                (
                    format!(
                        "gateway `{name}` is in namespace `{other}`, but a target must be in the policy's, `{namespace}`"
                    ),
                    format!("move the policy to namespace `{other}`"),
                )
            } else if let Some(meant) = known.closest(name) {
                (
                    format!(
                        "no document declares the {} `{name}` in `{namespace}`",
                        kind.to_lowercase()
                    ),
                    format!("did you mean `{meant}`?"),
                )
            } else {
                continue;
            };
            let at = cursor.index(index);
            found
                .for_policy(position)
                .report(code::UNKNOWN_TARGET, &at.key("name"), message, help);
        }
    }
}

fn targets_of(set: &PolicySet) -> HashMap<&str, Targets<'_>> {
    let mut by_namespace: HashMap<&str, Targets<'_>> = HashMap::new();
    for gateway in kubernetes_gateways(set) {
        let there = by_namespace.entry(&gateway.namespace).or_default();
        there.gateways.names.insert(&gateway.name);
    }
    for policy in set.policies() {
        if let Some(service) = &policy.service {
            let there = by_namespace.entry(&policy.name.namespace).or_default();
            there.services.names.insert(&service.name);
        }
    }
    by_namespace
}

/// The gateways that policies can target.
fn kubernetes_gateways(set: &PolicySet) -> impl Iterator<Item = &crate::policy::Gateway> {
    let gateways = set.mesh().gateways.iter();
    gateways.filter(|gateway| gateway.api == GatewayApi::Kubernetes)
}
