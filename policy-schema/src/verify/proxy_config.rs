//! Checks settings that change how a proxy starts: `ProxyConfig`, annotations of pods, and
//! `defaultConfig` of the mesh config.
//!
//! Whether a proxy enforces policies depends on its bootstrap, its environment and its control
//! plane. Only settings that are known to be harmless pass.

use serde_json::Value;

use super::control_plane::control_plane_namespaces;
use super::object::Object;
use super::proxy_settings::{path_over_proxy, risky_settings, risky_variables};
use super::workloads::{Sidecar, Workloads};
use super::{Finding, FindingCode, Verdict, proxy_container};
use crate::mesh_config;
use crate::policy::Mesh;
use crate::problem::Cursor;

/// Annotations of pods that replace a part of the proxy.
const REPLACING: [&str; 2] = [
    "sidecar.istio.io/bootstrapOverride",
    "sidecar.istio.io/proxyImage",
];

/// The annotation that mounts volumes into the proxy's container. The mounts must not hide the
/// agent, its bootstrap, certificates and tokens.
const MOUNTS: &str = "sidecar.istio.io/userVolumeMount";

const CONFIG: &str = "proxy.istio.io/config";

pub(super) const HELP: &str = "remove the setting, or ensure that proxies with it enforce policies";

pub(super) fn check(
    mesh: &Mesh,
    objects: &[Object],
    workloads: &Workloads<'_>,
    verdict: &mut Verdict,
) {
    let control_planes = control_plane_namespaces(mesh, objects);
    let configs = objects
        .iter()
        .filter(|object| object.is("networking.istio.io", "ProxyConfig"));
    for object in configs {
        let (spec, variables) = ("spec", "environmentVariables");
        let found = object.at("/spec/environmentVariables").map(risky_variables);
        for name in found.into_iter().flatten() {
            let field = Cursor::Root;
            let field = field.key(spec);
            let field = field.key(variables);
            verdict.findings.push(Finding {
                field: Some(field.key(&name).location()),
                ..unjudged(object, &format!("its `{variables}` set `{name}`"))
            });
        }
    }
    let in_mesh = workloads
        .all
        .iter()
        .filter(|workload| !matches!(workload.sidecar, Sidecar::Absent | Sidecar::Ambient));
    for workload in in_mesh {
        let annotations = workload.pod.pointer("/metadata/annotations");
        let annotation = |key: &str| {
            annotations?
                .get(key)?
                .as_str()
                .filter(|text| !text.is_empty())
        };
        let replacing = REPLACING.iter().filter(|key| annotation(key).is_some());
        let mut found: Vec<_> = replacing
            .map(|key| format!("has the annotation `{key}`"))
            .collect();
        if workload.sidecar != Sidecar::Proxyless {
            let (object, pod) = (workload.object, workload.pod);
            found.extend(proxy_container::changes(object, pod, &control_planes));
        }
        if annotation(MOUNTS).is_some_and(mounts_over_proxy) {
            found.push(format!(
                "its annotation `{MOUNTS}` mounts over the proxy's own files"
            ));
        }
        if let Some(text) = annotation(CONFIG) {
            match mesh_config::parse(text).filter(|config| config.is_object() || config.is_null()) {
                Some(config) => {
                    let settings = risky_settings(&control_planes, &config).into_iter();
                    found.extend(
                        settings
                            .map(|setting| format!("its annotation `{CONFIG}` sets `{setting}`")),
                    );
                }
                None => found.push(format!(
                    "its annotation `{CONFIG}` is not a proxy config in YAML"
                )),
            }
        }
        verdict
            .findings
            .extend(found.into_iter().map(|does| Finding {
                subject: workload.title.clone(),
                ..unjudged(workload.object, &does)
            }));
    }
}

fn unjudged(object: &Object, does: &str) -> Finding {
    Finding::about(
        object,
        FindingCode::NotChecked,
        may_affect_enforcement(does),
        HELP,
    )
}

/// Whether mounts hide files of the proxy, or are not understood.
fn mounts_over_proxy(text: &str) -> bool {
    // The injector's template accepts a mapping by name, or a list.
    let mounts = match mesh_config::parse(text) {
        Some(Value::Object(mounts)) => mounts.into_iter().map(|(_, mount)| mount).collect(),
        Some(Value::Array(mounts)) => mounts,
        _ => return true,
    };
    mounts.iter().any(|mount| {
        let path = mount.get("mountPath").and_then(Value::as_str);
        path.is_none_or(path_over_proxy)
    })
}

/// The message about a setting that may affect enforcement.
pub(super) fn may_affect_enforcement(does: &str) -> String {
    format!("{does}, which may change how proxies enforce policies")
}
