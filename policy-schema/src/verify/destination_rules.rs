//! Checks whether callers use mutual TLS: `DestinationRule` (Istio, networking.istio.io).
//!
//! A `tls` in such an object overrides Istio's detection.

use serde_json::Value;

use super::hosts::{hosts_overlap, is_service};
use super::object::Object;
use super::{Finding, FindingCode, Verdict};
use crate::policy::PolicySet;

const GROUP: &str = "networking.istio.io";

pub(super) fn check(set: &PolicySet, objects: &[Object], verdict: &mut Verdict) {
    let internal = internal_hosts(objects);
    for object in objects
        .iter()
        .filter(|object| object.is(GROUP, "DestinationRule"))
    {
        let host = object.text("/spec/host").unwrap_or_default();
        let is_of_mesh =
            is_service(set, host) || internal.iter().any(|other| hosts_overlap(host, other));
        if !is_of_mesh {
            continue;
        }
        for (place, mode) in tls_modes(object) {
            if mode != "ISTIO_MUTUAL" {
                verdict.findings.push(Finding::about(
                    object,
                    FindingCode::MutualTlsUndone,
                    format!("`{place}.tls.mode` makes callers of `{host}` use `{mode}` instead of mutual TLS with their mesh identity"),
                    "remove `tls`: Istio detects which workloads support mutual TLS",
                ));
            }
        }
    }
}

/// Hosts that are declared as internal although they are not services of the cluster.
fn internal_hosts(objects: &[Object]) -> Vec<&str> {
    objects
        .iter()
        .filter(|object| object.is(GROUP, "ServiceEntry"))
        .filter(|object| object.text("/spec/location") == Some("MESH_INTERNAL"))
        .filter_map(|object| object.at("/spec/hosts")?.as_array())
        .flatten()
        .filter_map(Value::as_str)
        .collect()
}

/// The TLS modes of an object, each with the location of its policy.
fn tls_modes(object: &Object) -> Vec<(String, &str)> {
    let mut modes = Vec::new();
    let spec = "/spec/trafficPolicy";
    if let Some(policy) = object.at(spec) {
        add_modes(policy, "spec.trafficPolicy", &mut modes);
    }
    let subsets = object.at("/spec/subsets").and_then(Value::as_array);
    for (number, subset) in subsets.into_iter().flatten().enumerate() {
        if let Some(policy) = subset.get("trafficPolicy") {
            let place = format!("spec.subsets[{number}].trafficPolicy");
            add_modes(policy, &place, &mut modes);
        }
    }
    modes
}

fn add_modes<'v>(policy: &'v Value, place: &str, modes: &mut Vec<(String, &'v str)>) {
    if let Some(mode) = tls_mode(policy) {
        modes.push((place.to_owned(), mode));
    }
    let ports = policy.get("portLevelSettings").and_then(Value::as_array);
    for (number, settings) in ports.into_iter().flatten().enumerate() {
        if let Some(mode) = tls_mode(settings) {
            modes.push((format!("{place}.portLevelSettings[{number}]"), mode));
        }
    }
}

/// The mode. `DISABLE` if there is a `tls` without a mode.
fn tls_mode(settings: &Value) -> Option<&str> {
    let tls = settings.get("tls")?;
    Some(tls.get("mode").and_then(Value::as_str).unwrap_or("DISABLE"))
}
