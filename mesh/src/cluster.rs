//! Reads the objects of a cluster and queries its proxies, using a kubeconfig.

use std::collections::BTreeSet;
use std::path::Path;

use futures_util::{StreamExt, stream};
use k8s_openapi::api::core::v1::{ConfigMap, Pod, Secret};
use kube::api::{ApiResource, DynamicObject, ListParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::discovery::ApiGroup;
use kube::{Api, Client, Config, Resource, discovery};
use peergate_fault::{ExitStatus, Failure, Fault};
use policy_schema::istio::ResourceKind;
use policy_schema::verify::{Kind, Object};
use serde_json::Value;
use thiserror::Error;

use crate::admin::{self, AdminAnswers, AdminError};
use crate::network;

/// The port of a sidecar's admin endpoint, only reachable from its pod.
const ADMIN_PORT: u16 = 15000;

/// The maximum number of proxies queried concurrently.
const MAX_CONCURRENT_PROXIES: usize = 8;

/// The page size of list requests.
const PAGE_SIZE: u32 = 500;

/// The kinds to list, by API group.
const KINDS: [(&str, &[&str]); 9] = [
    ("", &["Namespace", "Pod", "Service"]),
    (
        "apps",
        &["DaemonSet", "Deployment", "ReplicaSet", "StatefulSet"],
    ),
    ("batch", &["CronJob", "Job"]),
    ("extensions.istio.io", &["TrafficExtension", "WasmPlugin"]),
    (
        "gateway.networking.k8s.io",
        &[
            "GRPCRoute",
            "Gateway",
            "GatewayClass",
            "HTTPRoute",
            "TCPRoute",
            "TLSRoute",
            "UDPRoute",
        ],
    ),
    (
        "networking.istio.io",
        &[
            "DestinationRule",
            "EnvoyFilter",
            "Gateway",
            "ProxyConfig",
            "ServiceEntry",
            "Sidecar",
            "VirtualService",
        ],
    ),
    ("networking.k8s.io", &["NetworkPolicy"]),
    (
        "security.istio.io",
        &[
            "AuthorizationPolicy",
            "PeerAuthentication",
            "RequestAuthentication",
        ],
    ),
    ("telemetry.istio.io", &["Telemetry"]),
];

/// The kinds to compare with rendered objects, by API group.
const COMPARED: [(&str, [ResourceKind; 2]); 2] = [
    (
        "extensions.istio.io",
        [ResourceKind::TrafficExtension, ResourceKind::WasmPlugin],
    ),
    (
        "security.istio.io",
        [
            ResourceKind::AuthorizationPolicy,
            ResourceKind::PeerAuthentication,
        ],
    ),
];

/// Why a cluster cannot be read.
#[derive(Debug, Error)]
pub(crate) enum ClusterError {
    #[error("cannot read the cluster: invalid kubeconfig: {0}")]
    Kubeconfig(#[from] kube::config::KubeconfigError),
    #[error("cannot read the cluster: found no kubeconfig and no in-cluster config: {0}")]
    NoConfig(#[from] kube::config::InferConfigError),
    #[error("cannot read the cluster: {}", reason_text(.0))]
    Client(#[from] kube::Error),
    #[error("cannot read {what} from the cluster: {reason}")]
    Unseen { what: String, reason: String },
}

impl Fault for ClusterError {
    fn status(&self) -> ExitStatus {
        ExitStatus::Failure
    }

    fn help(&self) -> Option<&str> {
        Some(match self {
            Self::Client(reason) if network::is_authority_unknown(reason) => {
                "set the cluster's CA in the kubeconfig: `certificate-authority` or `certificate-authority-data`"
            }
            Self::Kubeconfig(_) | Self::NoConfig(_) | Self::Client(_) => {
                "check that `kubectl get namespaces` works with the same kubeconfig and context"
            }
            Self::Unseen { .. } => "grant permission to list them with the role in docs/verify.md",
        })
    }
}

/// The message of the API server, or the cause of a failed request.
fn reason_text(reason: &kube::Error) -> String {
    match reason {
        kube::Error::Service(_) | kube::Error::HyperError(_) => network::cause(reason),
        _ => reason.to_string(),
    }
}

/// A cluster.
pub(crate) struct Cluster {
    client: Client,
}

/// The objects of a cluster.
#[derive(Debug, Default)]
pub(crate) struct ClusterObjects {
    pub(crate) objects: Vec<Object>,
    /// Unreadable kinds and objects, with the reason.
    pub(crate) unseen: Vec<(String, String)>,
    /// Kinds that could not be listed completely.
    pub(crate) unlisted: BTreeSet<Kind>,
}

impl ClusterObjects {
    fn cannot_list(&mut self, group: &str, kind: &str) {
        self.unlisted.insert(Kind {
            group: group.to_owned(),
            name: kind.to_owned(),
        });
    }
}

impl Cluster {
    /// Connects to the cluster of a kubeconfig context. Defaults to `kubectl`'s.
    pub(crate) async fn connect(
        kubeconfig: Option<&Path>,
        context: Option<&str>,
    ) -> Result<Self, ClusterError> {
        let options = KubeConfigOptions {
            context: context.map(str::to_owned),
            ..KubeConfigOptions::default()
        };
        let config = match (kubeconfig, context) {
            (Some(path), _) => {
                let kubeconfig = Kubeconfig::read_from(path)?;
                Config::from_custom_kubeconfig(kubeconfig, &options).await?
            }
            (None, Some(_)) => Config::from_kubeconfig(&options).await?,
            (None, None) => Config::infer().await?,
        };
        Ok(Self {
            client: Client::try_from(config)?,
        })
    }

    /// Lists all kinds, and gets these Secrets and `ConfigMap`s by name, so that it needs no permission to read others.
    /// `config_maps` names them, given the listed objects.
    pub(crate) async fn list_all_kinds(
        &self,
        secrets: &[(&str, &str)],
        config_maps: impl FnOnce(&[Object]) -> Vec<(String, String)>,
    ) -> Result<ClusterObjects, ClusterError> {
        let mut seen = ClusterObjects::default();
        let served = self.client.list_api_groups().await?;
        for (group, kinds) in KINDS {
            let is_served = served.groups.iter().any(|known| known.name == group);
            if !group.is_empty() && !is_served {
                continue;
            }
            match discovery::group(&self.client, group).await {
                Ok(served) => {
                    for kind in kinds {
                        self.list(&served, kind, &mut seen).await;
                    }
                }
                Err(reason) => {
                    let what = format!("the kinds of `{group}`");
                    seen.unseen.push((what, reason_text(&reason)));
                    for kind in kinds {
                        seen.cannot_list(group, kind);
                    }
                }
            }
        }
        for (namespace, name) in secrets {
            self.get::<Secret>(namespace, name, &mut seen).await;
        }
        for (namespace, name) in config_maps(&seen.objects) {
            self.get::<ConfigMap>(&namespace, &name, &mut seen).await;
        }
        Ok(seen)
    }

    /// Lists the compared objects of these kinds. A kind that the cluster does not serve is unreadable.
    async fn compared_objects(
        &self,
        kinds: &BTreeSet<ResourceKind>,
    ) -> Result<ClusterObjects, ClusterError> {
        let mut seen = ClusterObjects::default();
        for (group, compared) in COMPARED {
            let wanted: Vec<_> = compared
                .into_iter()
                .filter(|kind| kinds.contains(kind))
                .map(ResourceKind::as_str)
                .collect();
            if wanted.is_empty() {
                continue;
            }
            let group = discovery::group(&self.client, group).await?;
            for kind in wanted {
                if served(&group, kind).is_none() {
                    let reason = "the cluster does not serve it".to_owned();
                    seen.unseen.push((kind.to_owned(), reason));
                }
                self.list(&group, kind, &mut seen).await;
            }
        }
        Ok(seen)
    }

    /// Lists a kind in any served version. A kind that is not served has no objects.
    async fn list(&self, group: &ApiGroup, kind: &str, seen: &mut ClusterObjects) {
        let Some(resource) = served(group, kind) else {
            return;
        };
        if let Err(reason) = self.list_all(&resource, &mut seen.objects).await {
            let what = format!("{} of {}", resource.plural, resource.api_version);
            seen.unseen.push((what, reason_text(&reason)));
            seen.cannot_list(group.name(), kind);
        }
    }

    /// Adds all objects of a kind, or those before an error.
    async fn list_all(
        &self,
        resource: &ApiResource,
        objects: &mut Vec<Object>,
    ) -> kube::Result<()> {
        let api = Api::<DynamicObject>::all_with(self.client.clone(), resource);
        let known = objects.len();
        let mut page = ListParams::default().limit(PAGE_SIZE);
        loop {
            let list = match api.list(&page).await {
                // The continue token has expired, which happens after some minutes.
                Err(kube::Error::Api(status)) if status.code == 410 && page.limit.is_some() => {
                    objects.truncate(known);
                    page = ListParams::default();
                    continue;
                }
                answer => answer?,
            };
            let read = list.items.into_iter();
            objects.extend(read.filter_map(|object| read_object(object, resource)));
            match list.metadata.continue_.filter(|token| !token.is_empty()) {
                Some(token) => page = page.continue_token(&token),
                None => return Ok(()),
            }
        }
    }

    async fn get<K: Resource<DynamicType = ()>>(
        &self,
        namespace: &str,
        name: &str,
        seen: &mut ClusterObjects,
    ) {
        let resource = ApiResource::erase::<K>(&());
        let api = Api::<DynamicObject>::namespaced_with(self.client.clone(), namespace, &resource);
        match api.get_opt(name).await {
            Ok(object) => seen
                .objects
                .extend(object.and_then(|object| read_object(object, &resource))),
            Err(reason) => {
                let what = format!("{} {namespace}/{name}", resource.kind);
                seen.unseen.push((what, reason_text(&reason)));
                seen.cannot_list(&resource.group, &resource.kind);
            }
        }
    }

    /// Queries the proxies of these pods, by namespace and name, in this order.
    pub(crate) async fn ask_proxies(
        &self,
        pods: &[(String, String)],
    ) -> Vec<Result<AdminAnswers, String>> {
        let answers = pods
            .iter()
            .map(|(namespace, name)| self.ask_proxy(namespace, name));
        stream::iter(answers)
            .buffered(MAX_CONCURRENT_PROXIES)
            .collect()
            .await
    }

    async fn ask_proxy(&self, namespace: &str, name: &str) -> Result<AdminAnswers, String> {
        let pods = Api::<Pod>::namespaced(self.client.clone(), namespace);
        let forwarded = pods.portforward(name, &[ADMIN_PORT]).await;
        let mut forwarded = forwarded.map_err(|reason| reason.to_string())?;
        let stream = forwarded
            .take_stream(ADMIN_PORT)
            .ok_or_else(|| "the port is not forwarded".to_owned())?;
        admin::ask_over(stream)
            .await
            .map_err(|reason: AdminError| reason.to_string())
    }
}

/// Lists the compared objects of these kinds in `kubectl`'s current cluster. Fails if a kind cannot be listed.
pub fn compared_objects(kinds: &BTreeSet<ResourceKind>) -> Result<Vec<Object>, Failure> {
    let seen = network::block_on(async {
        let cluster = Cluster::connect(None, None).await?;
        cluster.compared_objects(kinds).await
    });
    let seen = seen??;
    match seen.unseen.into_iter().next() {
        Some((what, reason)) => Err(ClusterError::Unseen { what, reason }.into()),
        None => Ok(seen.objects),
    }
}

/// A kind in its most stable served version. Some kinds are not served in the preferred version of their group.
fn served(group: &ApiGroup, kind: &str) -> Option<ApiResource> {
    let resources = group.resources_by_stability().into_iter();
    let mut resources = resources.map(|(resource, _)| resource);
    resources.find(|resource| resource.kind == kind)
}

/// Converts a list item, which does not repeat its kind.
fn read_object(object: DynamicObject, resource: &ApiResource) -> Option<Object> {
    let mut value = serde_json::to_value(object).ok()?;
    let fields = value.as_object_mut()?;
    fields.insert(
        "apiVersion".to_owned(),
        resource.api_version.as_str().into(),
    );
    fields.insert("kind".to_owned(), resource.kind.as_str().into());
    if let Some(Value::Object(metadata)) = fields.get_mut("metadata") {
        metadata.remove("managedFields");
    }
    Object::new(value)
}
