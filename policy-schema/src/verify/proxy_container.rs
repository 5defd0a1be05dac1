//! Checks a pod's own `istio-proxy` container.
//!
//! The injector merges it over the container of its template, so its fields win (Istio,
//! "Customizing injection"). Pods often use this for resources and the like. Only fields that can
//! disable enforcement are checked: the image, the command, and the files that the proxy starts
//! from.

use std::collections::BTreeSet;

use serde_json::Value;

use super::object::Object;
use super::pod::sidecars;
use super::proxy_settings::{
    is_harmless_variable, is_own_control_plane, path_over_proxy, risky_settings,
};
use crate::mesh_config;

/// Substrings of the proxy's image names in Istio's distributions.
const IMAGES: [&str; 2] = ["proxyv2", "istio-proxy"];

/// The image name that the injector replaces.
const CHOSEN_IMAGE: &str = "auto";

/// The modes of Istio's agent with Envoy.
const ROLES: [&str; 3] = ["router", "sidecar", "waypoint"];

/// Harmless flags of Istio's agent. Their values may be in the next argument.
const HARMLESS_FLAGS: [&str; 12] = [
    "concurrency",
    "domain",
    "log_as_json",
    "log_caller",
    "log_output_level",
    "log_stacktrace_level",
    "log_target",
    "outlierLogPath",
    "proxyComponentLogLevel",
    "proxyLogLevel",
    "serviceCluster",
    "stsPort",
];

/// Variables with the pod's identity, which proxies get from the pod's own fields.
const POD_VARIABLES: [&str; 5] = [
    "HOST_IP",
    "INSTANCE_IP",
    "POD_NAME",
    "POD_NAMESPACE",
    "SERVICE_ACCOUNT",
];

/// Harmless variables that Istio's templates set.
const TEMPLATE_VARIABLES: [&str; 22] = [
    "EXIT_ON_ZERO_ACTIVE_CONNECTIONS",
    "ISTIO_CPU_LIMIT",
    "ISTIO_KUBE_APP_PROBERS",
    "ISTIO_METAJSON_ANNOTATIONS",
    "ISTIO_META_APP_CONTAINERS",
    "ISTIO_META_CLUSTER_ID",
    "ISTIO_META_MESH_ID",
    "ISTIO_META_NETWORK",
    "ISTIO_META_NODE_NAME",
    "ISTIO_META_OWNER",
    "ISTIO_META_POD_PORTS",
    "ISTIO_META_REQUESTED_NETWORK_VIEW",
    "ISTIO_META_ROUTER_MODE",
    "ISTIO_META_SERVICE_ACCOUNT",
    "ISTIO_META_UNPRIVILEGED_POD",
    "ISTIO_META_WORKLOAD_NAME",
    "ISTIO_PROMETHEUS_ANNOTATIONS",
    "JWT_POLICY",
    "NODE_NAME",
    "PILOT_CERT_PROVIDER",
    "TRUST_DOMAIN",
    "TZ",
];

/// Variables that replace parts of the proxy. No injector sets them.
const REPLACING: [&str; 6] = [
    "DISABLE_ENVOY",
    "ENVOY_BOOTSTRAP",
    "ISTIO_BOOTSTRAP",
    "ISTIO_BOOTSTRAP_OVERRIDE",
    "LD_LIBRARY_PATH",
    "LD_PRELOAD",
];

/// Volumes that Istio's templates mount over the proxy's files.
const VOLUMES: [&str; 13] = [
    "config-volume",
    "credential-socket",
    "ingressgateway-ca-certs",
    "ingressgateway-certs",
    "istio-certs",
    "istio-data",
    "istio-envoy",
    "istio-podinfo",
    "istio-token",
    "istiod-ca-cert",
    "podinfo",
    "workload-certs",
    "workload-socket",
];

/// The settings of a pod's proxy containers that may affect enforcement, each in one clause. `pod`
/// is the pod spec in `object`.
pub(super) fn changes(
    object: &Object,
    pod: &Value,
    control_planes: &BTreeSet<&str>,
) -> BTreeSet<String> {
    let is_made = is_made_by_istio(object, pod);
    sidecars(pod)
        .flat_map(|container| {
            let variables = if is_made {
                replaced_variables(container)
            } else {
                let mut variables = variables_of_template(container, control_planes);
                variables.extend(mount_problems(container));
                variables
            };
            command_problems(container).into_iter().chain(variables)
        })
        .map(|what| format!("its container `istio-proxy` has {what}"))
        .collect()
}

/// Whether Istio created the container: by injection, or for a gateway.
fn is_made_by_istio(object: &Object, pod: &Value) -> bool {
    let has = |pointer| pod.pointer(pointer).is_some();
    object.is("", "Pod") && object.at("/status/phase").is_some()
        || has("/metadata/annotations/sidecar.istio.io~1status")
        || has("/metadata/labels/gateway.istio.io~1managed")
}

/// Problems with the command of a container.
fn command_problems(container: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let image = container.get("image").and_then(Value::as_str);
    if let Some(image) = image.filter(|image| !is_proxy(image)) {
        found.push(format!("the image `{image}`"));
    }
    let is_set = |field: &str| container.get(field).is_some_and(|value| !is_empty(value));
    if is_set("command") {
        found.push("a `command`".to_owned());
    }
    if is_set("args") && !starts_proxy(container) {
        found.push("`args` other than Istio's".to_owned());
    }
    found
}

fn is_empty(value: &Value) -> bool {
    value.is_null() || value.as_array().is_some_and(Vec::is_empty)
}

fn is_proxy(image: &str) -> bool {
    let name = image.rsplit('/').next().unwrap_or_default();
    let name = name.split([':', '@']).next().unwrap_or_default();
    image.is_empty() || image == CHOSEN_IMAGE || IMAGES.iter().any(|known| name.contains(known))
}

/// Whether the arguments start a proxy, with known flags only.
fn starts_proxy(container: &Value) -> bool {
    let args = container.get("args").and_then(Value::as_array);
    let args = args.into_iter().flatten().map(Value::as_str);
    let Some(args) = args.collect::<Option<Vec<_>>>() else {
        return false;
    };
    let ["proxy", role, flags @ ..] = &*args else {
        return false;
    };
    let mut flags = flags.iter().peekable();
    let mut are_known = ROLES.contains(role);
    while let Some(flag) = flags.next() {
        let flag = flag.strip_prefix("--").unwrap_or_default();
        let name = flag.split('=').next().unwrap_or_default();
        are_known &= HARMLESS_FLAGS.contains(&name);
        if !flag.contains('=') {
            flags.next_if(|value| !value.starts_with("--"));
        }
    }
    are_known
}

/// The variables of a container, each with its entry.
fn variables(container: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let entries = container.get("env").and_then(Value::as_array);
    let entries = entries.into_iter().flatten();
    entries.filter_map(|entry| Some((entry.get("name")?.as_str()?, entry)))
}

fn named(name: &str) -> String {
    format!("the variable `{name}`")
}

fn replaced_variables(container: &Value) -> Vec<String> {
    variables(container)
        .filter(|(name, _)| REPLACING.contains(name))
        .map(|(name, _)| named(name))
        .collect()
}

/// The variables set in a container, except those that cannot affect enforcement.
fn variables_of_template(container: &Value, control_planes: &BTreeSet<&str>) -> Vec<String> {
    let is_harmless = |name: &str, entry: &Value| {
        let value = entry.get("value");
        match name {
            "CA_ADDR" => value.is_some_and(|value| is_own_control_plane(control_planes, value)),
            "ISTIO_META_INTERCEPTION_MODE" => {
                value.is_some_and(|mode| mode == "REDIRECT" || mode == "TPROXY")
            }
            "PROXY_CONFIG" => {
                let config = value.and_then(Value::as_str).and_then(mesh_config::parse);
                config.is_some_and(|config| risky_settings(control_planes, &config).is_empty())
            }
            _ if POD_VARIABLES.contains(&name) => entry.pointer("/valueFrom/fieldRef").is_some(),
            _ => TEMPLATE_VARIABLES.contains(&name) || is_harmless_variable(name),
        }
    };
    let mut found: Vec<_> = variables(container)
        .filter(|(name, entry)| !is_harmless(name, entry))
        .map(|(name, _)| named(name))
        .collect();
    if container.get("envFrom").is_some_and(|from| !is_empty(from)) {
        found.push("variables from other objects (`envFrom`)".to_owned());
    }
    found
}

/// Mounts over the proxy's files, except those of Istio's templates.
fn mount_problems(container: &Value) -> Vec<String> {
    let mount_problems = container.get("volumeMounts").and_then(Value::as_array);
    let mount_problems = mount_problems.into_iter().flatten();
    mount_problems
        .filter_map(|mount| {
            let name = mount.get("name").and_then(Value::as_str);
            let path = mount.get("mountPath").and_then(Value::as_str)?;
            let is_own = name.is_some_and(|name| VOLUMES.contains(&name));
            (!is_own && path_over_proxy(path)).then(|| format!("a mount at `{path}`"))
        })
        .collect()
}
