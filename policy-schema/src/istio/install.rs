//! Renders the installation of Istio: Helm values, the same for `istioctl`, and the objects that
//! namespaces and gateways need.
//!
//! Values under `pilot` belong to the chart `istiod`. Newer charts also accept them at the top
//! level, and still accept them under `pilot`.

use serde_json::{Map, Value, json};

use super::access_log::{ACCESS_LOG_PROVIDER, access_log_labels};
use super::pods::{
    BUSY_PERCENT, MAX_REPLICAS, MIN_REPLICAS, apart, control_plane_resources, proxy_resources,
    unprivileged,
};
use crate::document::{
    ExtensionProviderApi, ExtensionProviderSpec, GatewayApi, Outbound, PathNormalization,
    TlsVersion,
};
use crate::policy::{Gateway, MULTIPLE_PROVIDERS, Mesh, OTLP_PORT, PolicySet, TLS_DEFAULTS};
use crate::telemetry::Label;

/// The readiness port of gateways.
const STATUS_PORT: u16 = 15021;

/// The first port that does not require privileges.
const FIRST_UNPRIVILEGED_PORT: u16 = 1024;

/// A file for the installation of Istio.
#[derive(Clone, Debug, PartialEq)]
pub struct InstallFile {
    /// The file's name, without extension.
    pub name: String,
    /// The content: one document, or objects for the cluster.
    pub content: InstallContent,
}

/// The content of an installation file.
#[derive(Clone, Debug, PartialEq)]
pub enum InstallContent {
    /// Helm values or a configuration.
    Document(Value),
    /// Objects for the cluster.
    Objects(Vec<Value>),
}

/// All files for the mesh.
pub fn install_files(set: &PolicySet) -> Vec<InstallFile> {
    let mesh = &set.mesh;
    let file = |name: String, content| InstallFile { name, content };
    let document = |name: &str, value| file(name.to_owned(), InstallContent::Document(value));
    let mut files = vec![
        file(
            "namespaces".to_owned(),
            InstallContent::Objects(namespaces(set)),
        ),
        document("istiod.values", istiod_values(set)),
        document("istio-operator", istio_operator(set)),
    ];
    for gateway in istio_gateways(mesh) {
        let name = format!("{}.gateway.values", gateway.name);
        files.push(document(&name, gateway_values(gateway, mesh)));
    }
    let budgets: Vec<_> = istio_gateways(mesh).map(disruption_budget).collect();
    if !budgets.is_empty() {
        let name = "disruption-budgets".to_owned();
        files.push(file(name, InstallContent::Objects(budgets)));
    }
    files
}

/// The gateways that an operator installs, rather than Istio.
fn istio_gateways(mesh: &Mesh) -> impl Iterator<Item = &Gateway> {
    let gateways = mesh.gateways.iter();
    gateways.filter(|gateway| gateway.api == GatewayApi::Istio)
}

/// The namespaces of policies, gateways and rendered objects, labeled so that their pods get
/// sidecars.
fn namespaces(set: &PolicySet) -> Vec<Value> {
    let mesh = &set.mesh;
    let rendered = super::mesh_resources(set);
    let rendered = rendered.iter().map(|it| &it.metadata().namespace);
    let policies = set.policies.iter().map(|policy| &policy.name.namespace);
    let gateways = mesh.gateways.iter().map(|gateway| &gateway.namespace);
    let mut names: Vec<_> = rendered.chain(policies).chain(gateways).collect();
    names.sort();
    names.dedup();
    names.retain(|name| **name != mesh.root_namespace);
    let (key, value) = match &mesh.revision {
        Some(revision) => ("istio.io/rev", revision.as_str()),
        None => ("istio-injection", "enabled"),
    };
    let object = |name: &String| {
        json!({
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {"name": name, "labels": {key: value}},
        })
    };
    names.into_iter().map(object).collect()
}

/// The values of the chart `istiod`.
fn istiod_values(set: &PolicySet) -> Value {
    let mesh = &set.mesh;
    let mut values = json!({
        "pilot": {
            // With one pod, no proxy gets certificates while its node is drained.
            "autoscaleEnabled": true,
            "autoscaleMin": MIN_REPLICAS,
            "autoscaleMax": MAX_REPLICAS,
            "resources": control_plane_resources(),
            "affinity": apart("app", "istiod"),
            "seccompProfile": {"type": "RuntimeDefault"},
            "env": environment(set),
        },
        // The kubelet has no identity. Its probes bypass the rules through the agent's port.
        "sidecarInjectorWebhook": {"rewriteAppHTTPProbe": true},
        "meshConfig": mesh_config(mesh),
        "global": global_values(mesh),
    });
    if let (Some(revision), Some(values)) = (&mesh.revision, values.as_object_mut()) {
        values.insert("revision".to_owned(), json!(revision));
    }
    values
}

fn global_values(mesh: &Mesh) -> Value {
    json!({
        "defaultPodDisruptionBudget": {"enabled": true},
        "logAsJson": true,
        "proxy": {
            "clusterDomain": mesh.cluster_domain,
            "privileged": false,
            "resources": proxy_resources(),
        },
    })
}

/// The environment of istiod. It limits the lifetime of certificates to the mesh's, regardless of
/// what a proxy requests.
fn environment(set: &PolicySet) -> Value {
    let mut environment = Map::new();
    for lifetime in ["DEFAULT_WORKLOAD_CERT_TTL", "MAX_WORKLOAD_CERT_TTL"] {
        environment.insert(lifetime.to_owned(), json!(set.mesh.workload_ttl));
    }
    if set.has_several_providers() {
        environment.insert(MULTIPLE_PROVIDERS.to_owned(), json!("true"));
    }
    Value::Object(environment)
}

/// The fields of Istio's `MeshConfig` that the documents determine.
fn mesh_config(mesh: &Mesh) -> Value {
    let mut config = Map::new();
    let mut set = |key: &str, value: Value| config.insert(key.to_owned(), value);
    set("trustDomain", json!(mesh.trust_domains.own()));
    let aliases: Vec<_> = mesh.trust_domains.aliases().collect();
    if !aliases.is_empty() {
        set("trustDomainAliases", json!(aliases));
    }
    set("rootNamespace", json!(mesh.root_namespace));
    set("enableAutoMtls", json!(true));
    let min_version = super::gateway::protocol_version(mesh.mtls.min_version);
    set("meshMTLS", json!({"minProtocolVersion": min_version}));
    if mesh.istio_version >= TLS_DEFAULTS {
        // Gateways with Istio's own API set their version themselves.
        let kubernetes = mesh
            .gateways
            .iter()
            .filter(|gateway| gateway.api == GatewayApi::Kubernetes);
        let servers = kubernetes.flat_map(|gateway| &gateway.servers);
        let oldest = servers.map(|server| server.min_version).min();
        let version = super::gateway::protocol_version(oldest.unwrap_or(TlsVersion::V1_3));
        set("tlsDefaults", json!({"minProtocolVersion": version}));
    }
    let normalization = normalization_name(mesh.path_normalization);
    set("pathNormalization", json!({"normalization": normalization}));
    let outbound = outbound_name(mesh.outbound);
    set("outboundTrafficPolicy", json!({"mode": outbound}));
    set("enablePrometheusMerge", json!(true));
    set("enableTracing", json!(mesh.telemetry.tracing.is_some()));
    set("defaultProviders", json!({"metrics": ["prometheus"]}));
    let mut providers = vec![access_log_provider()];
    if let Some(tracing) = &mesh.telemetry.tracing
        && let Some(service) = &tracing.service
    {
        let collector = json!({"service": service, "port": tracing.port.unwrap_or(OTLP_PORT)});
        providers.push(json!({"name": tracing.provider, "opentelemetry": collector}));
    }
    providers.extend(mesh.extension_providers.iter().map(extension_provider));
    set("extensionProviders", json!(providers));
    let proxies = json!({
        // Until its proxy runs, a workload would call in plaintext, and be denied.
        "holdApplicationUntilProxyStarts": true,
        "extraStatTags": Label::TAGS,
        "proxyMetadata": {"SECRET_TTL": mesh.workload_ttl},
    });
    set("defaultConfig", proxies);
    Value::Object(config)
}

/// The name of an outbound traffic policy in the mesh config.
pub(crate) fn outbound_name(outbound: Outbound) -> &'static str {
    match outbound {
        Outbound::Any => "ALLOW_ANY",
        Outbound::Declared => "REGISTRY_ONLY",
    }
}

/// The name of a path normalization in the mesh config.
pub(crate) fn normalization_name(normalization: PathNormalization) -> &'static str {
    match normalization {
        PathNormalization::None => "NONE",
        PathNormalization::Base => "BASE",
        PathNormalization::MergeSlashes => "MERGE_SLASHES",
        PathNormalization::DecodeAndMergeSlashes => "DECODE_AND_MERGE_SLASHES",
    }
}

/// The name of the `ConfigMap` with Istio's mesh config, in the root namespace.
pub fn mesh_config_name(mesh: &Mesh) -> String {
    match &mesh.revision {
        Some(revision) if revision != "default" => format!("istio-{revision}"),
        _ => "istio".to_owned(),
    }
}

/// The provider whose access logs contain the caller and the filter's decision, for
/// `telemetry.accessLog.provider` of the `Mesh`.
fn access_log_provider() -> Value {
    json!({
        "name": ACCESS_LOG_PROVIDER,
        "envoyFileAccessLog": {
            "path": "/dev/stdout",
            "logFormat": {"labels": access_log_labels()},
        },
    })
}

/// An extension provider in the mesh config.
fn extension_provider(provider: &ExtensionProviderSpec) -> Value {
    let kind = match provider.api {
        ExtensionProviderApi::ExtAuthzGrpc => "envoyExtAuthzGrpc",
        ExtensionProviderApi::ExtAuthzHttp => "envoyExtAuthzHttp",
        ExtensionProviderApi::OpenTelemetryLogs => "envoyOtelAls",
    };
    json!({
        "name": provider.name,
        kind: {"service": provider.service, "port": provider.port},
    })
}

/// The values of the chart `gateway`.
fn gateway_values(gateway: &Gateway, mesh: &Mesh) -> Value {
    let mut values = json!({
        "serviceAccount": {"create": true, "name": gateway.account.name},
        "labels": gateway.labels,
        "autoscaling": {"enabled": true, "minReplicas": MIN_REPLICAS, "maxReplicas": MAX_REPLICAS, "targetCPUUtilizationPercentage": BUSY_PERCENT},
        "resources": proxy_resources(),
        "affinity": apart_by_labels(gateway),
        "securityContext": {
            "seccompProfile": {"type": "RuntimeDefault"},
            "sysctls": [{"name": "net.ipv4.ip_unprivileged_port_start", "value": "0"}],
        },
        "containerSecurityContext": unprivileged(),
        "service": {"type": "LoadBalancer", "externalTrafficPolicy": "Local", "ports": service_ports(gateway)},
    });
    if let (Some(revision), Some(values)) = (&mesh.revision, values.as_object_mut()) {
        values.insert("revision".to_owned(), json!(revision));
    }
    values
}

fn apart_by_labels(gateway: &Gateway) -> Value {
    let (key, value) = gateway.labels.iter().next().unzip();
    apart(
        key.map_or("app", String::as_str),
        value.map_or(&gateway.name, String::as_str),
    )
}

fn service_ports(gateway: &Gateway) -> Vec<Value> {
    let numbers = port_numbers(gateway).into_iter();
    let ports = numbers.map(|(scheme, number)| (format!("{scheme}-{number}"), number, number));
    with_status_port(ports)
}

/// The ports of a gateway, each with its scheme.
fn port_numbers(gateway: &Gateway) -> Vec<(&'static str, u16)> {
    let servers = gateway.servers.iter();
    let mut numbers: Vec<_> = servers
        .flat_map(|server| [("http", server.redirect_port), ("https", server.port)])
        .collect();
    numbers.sort_unstable();
    numbers.dedup();
    numbers
}

/// The ports of a gateway's service, each as name, number and target port.
fn with_status_port(ports: impl Iterator<Item = (String, u16, u16)>) -> Vec<Value> {
    std::iter::once(("status-port".to_owned(), STATUS_PORT, STATUS_PORT))
        .chain(ports)
        .map(|(name, port, target)| {
            json!({"name": name, "port": port, "protocol": "TCP", "targetPort": target})
        })
        .collect()
}

/// Keeps one pod running while nodes are drained.
fn disruption_budget(gateway: &Gateway) -> Value {
    json!({
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": super::resource::metadata(&gateway.name, &gateway.namespace),
        "spec": {"minAvailable": 1, "selector": {"matchLabels": gateway.labels}},
    })
}

/// The same for `istioctl install -f`. Since 1.24 Istio has no operator in the cluster, but
/// `istioctl` still reads its configuration, and copies `spec.revision` to the values in every
/// version.
fn istio_operator(set: &PolicySet) -> Value {
    let mesh = &set.mesh;
    let mut spec = json!({
        "profile": "minimal",
        "meshConfig": mesh_config(mesh),
        "components": {
            "pilot": {
                "k8s": {
                    "hpaSpec": {"minReplicas": MIN_REPLICAS, "maxReplicas": MAX_REPLICAS},
                    "resources": control_plane_resources(),
                    "affinity": apart("app", "istiod"),
                },
            },
            "ingressGateways": istio_gateways(mesh).map(gateway_component).collect::<Vec<_>>(),
        },
        "values": {
            "pilot": {"env": environment(set), "seccompProfile": {"type": "RuntimeDefault"}},
            "sidecarInjectorWebhook": {"rewriteAppHTTPProbe": true},
            "global": global_values(mesh),
        },
    });
    if let (Some(revision), Some(spec)) = (&mesh.revision, spec.as_object_mut()) {
        spec.insert("revision".to_owned(), json!(revision));
    }
    json!({
        "apiVersion": "install.istio.io/v1alpha1",
        "kind": "IstioOperator",
        "metadata": {"name": "peergate"},
        "spec": spec,
    })
}

/// `istioctl` names the account after the gateway. Only overlays change that. Rules refer to the
/// account in the mesh.
fn gateway_component(gateway: &Gateway) -> Value {
    let account = &gateway.account.name;
    let made = format!("{account}-service-account");
    let overlay = |api_version: &str, kind: &str, name: &str, patches: Value| json!({"apiVersion": api_version, "kind": kind, "name": name, "patches": patches});
    json!({
        "name": account,
        "namespace": gateway.namespace,
        "enabled": true,
        "label": gateway.labels,
        "k8s": {
            "hpaSpec": {"minReplicas": MIN_REPLICAS, "maxReplicas": MAX_REPLICAS},
            "resources": proxy_resources(),
            "affinity": apart_by_labels(gateway),
            "service": {"externalTrafficPolicy": "Local", "ports": unprivileged_service_ports(gateway)},
            "overlays": [
                overlay("v1", "ServiceAccount", &made, json!([{"path": "metadata.name", "value": account}])),
                overlay(
                    "rbac.authorization.k8s.io/v1",
                    "RoleBinding",
                    &format!("{account}-sds"),
                    json!([{"path": "subjects.[kind:ServiceAccount].name", "value": account}]),
                ),
                overlay("apps/v1", "Deployment", account, json!([
                    {"path": "spec.template.spec.serviceAccountName", "value": account},
                    {"path": "spec.template.spec.securityContext.seccompProfile", "value": {"type": "RuntimeDefault"}},
                ])),
            ],
        },
    })
}

/// The ports of a gateway's service with `istioctl`. Its pods cannot listen on ports below 1024:
/// Istio maps 80 to 8080 and 443 to 8443, and has no listener for others.
fn unprivileged_service_ports(gateway: &Gateway) -> Vec<Value> {
    let ports = port_numbers(gateway).into_iter().map(|(scheme, number)| {
        let target = if number < FIRST_UNPRIVILEGED_PORT {
            number + 8000
        } else {
            number
        };
        (format!("{scheme}-{number}"), number, target)
    });
    with_status_port(ports)
}
