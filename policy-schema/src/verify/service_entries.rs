//! Checks whether services of the mesh are declared as external: `ServiceEntry` (Istio,
//! networking.istio.io).
//!
//! Istio never uses mutual TLS automatically with external hosts.

use serde_json::Value;

use super::hosts::is_service;
use super::object::Object;
use super::{Finding, FindingCode, Verdict};
use crate::policy::PolicySet;

pub(super) fn check(set: &PolicySet, objects: &[Object], verdict: &mut Verdict) {
    let entries = objects.iter().filter(|object| {
        object.is("networking.istio.io", "ServiceEntry")
            && object.text("/spec/location") != Some("MESH_INTERNAL")
    });
    for object in entries {
        let hosts = object.at("/spec/hosts").and_then(Value::as_array);
        for (number, host) in hosts.into_iter().flatten().enumerate() {
            let host = host.as_str().unwrap_or_default();
            if is_service(set, host) || is_short_for_service(set, objects, host) {
                verdict.findings.push(Finding::about(
                    object,
                    FindingCode::MutualTlsUndone,
                    format!("`spec.hosts[{number}]` declares `{host}` outside the mesh, so its callers do not use mutual TLS"),
                    "remove the host: a `Service` needs no `ServiceEntry`",
                ));
            }
        }
    }
}

/// Whether a host is a short name of an observed service, or of one that a policy declares.
fn is_short_for_service(set: &PolicySet, objects: &[Object], host: &str) -> bool {
    let seen = objects.iter().filter(|object| object.is("", "Service"));
    let seen = seen.map(|service| (service.name(), service.namespace()));
    let policies = set.policies.iter().map(|policy| &policy.name);
    let declared = policies.map(|name| (name.name.as_str(), name.namespace.as_str()));
    let host = host.strip_suffix(".svc").unwrap_or(host);
    seen.chain(declared).any(|(name, namespace)| {
        let rest = host
            .strip_prefix(name)
            .and_then(|rest| rest.strip_prefix('.'));
        rest == Some(namespace)
    })
}
