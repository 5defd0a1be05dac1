//! A cluster with Istio's kinds of objects, a node, and the shop's cart service in a pod of it.

use std::env;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use kube::api::{Api, ApiResource, DynamicObject, GroupVersionKind, Patch, PatchParams};
use kube::{Client, discovery};
use peergate_sandbox::wait::{TIMEOUT, wait_for};
use peergate_sandbox::{INBOUND_STRICT, Leaf, Service};
use policy_schema::yaml;
use serde_json::{Value, json};

use super::filter::http_filter;
use super::server::{Server, block_on, client, programs};
use super::{SHOP, printed};

/// The definitions that the shop needs, where Istio's own are not at hand.
const KINDS: [(&str, &str, &str); 10] = [
    ("extensions.istio.io", "v1alpha1", "WasmPlugin"),
    ("networking.istio.io", "v1", "DestinationRule"),
    ("networking.istio.io", "v1", "Gateway"),
    ("networking.istio.io", "v1", "ServiceEntry"),
    ("networking.istio.io", "v1", "Sidecar"),
    ("networking.istio.io", "v1", "VirtualService"),
    ("networking.istio.io", "v1alpha3", "EnvoyFilter"),
    ("security.istio.io", "v1", "AuthorizationPolicy"),
    ("security.istio.io", "v1", "PeerAuthentication"),
    ("telemetry.istio.io", "v1", "Telemetry"),
];

/// A cluster. All of it ends with this value.
pub(crate) struct Cluster {
    server: Server,
    client: Client,
    /// The cart service, which runs for as long as it is kept.
    cart: Option<Service>,
}

impl Cluster {
    pub(crate) fn start() -> Self {
        let server = Server::start();
        let client = client(&server.kubeconfig_of("admin"));
        let cluster = Self {
            server,
            client,
            cart: None,
        };
        for namespace in [
            "boutique",
            "istio-ingress",
            "istio-system",
            "reporting",
            "warehouse",
        ] {
            let object =
                json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}});
            cluster.apply(&object.to_string());
        }
        cluster
    }

    pub(crate) fn kubeconfig(&self) -> PathBuf {
        self.server.kubeconfig_of("admin")
    }

    pub(crate) fn kubeconfig_of(&self, user: &str) -> PathBuf {
        self.server.kubeconfig_of(user)
    }

    /// Defines Istio's kinds: as Istio has them, or without a schema.
    pub(crate) fn define_istio(&self) {
        let definitions = match env::var_os("ISTIO_CRDS") {
            Some(folder) => {
                let path = PathBuf::from(folder).join("istio-1.29.yaml");
                documents(&std::fs::read_to_string(path).unwrap())
            }
            None => KINDS
                .map(|(group, version, kind)| definition(group, version, kind))
                .into(),
        };
        self.define(&definitions);
    }

    /// Defines kinds, and waits until they are served.
    pub(crate) fn define(&self, definitions: &[Value]) {
        for definition in definitions {
            self.apply_object(definition);
        }
        for definition in definitions {
            let spec = &definition["spec"];
            let kind = spec["names"]["kind"].as_str().unwrap();
            let group = spec["group"].as_str().unwrap();
            wait_for(kind, TIMEOUT, || Ok(self.resource_of(group, kind))).unwrap();
        }
    }

    /// How a kind is served, if it is.
    fn resource_of(&self, group: &str, kind: &str) -> Option<ApiResource> {
        let group = block_on(discovery::group(&self.client, group)).ok()?;
        // Some kinds are not in the version that the group recommends.
        let mut resources = group
            .versions()
            .flat_map(|version| group.versioned_resources(version));
        let (resource, _) = resources.find(|(resource, _)| resource.kind == kind)?;
        Some(resource)
    }

    /// Applies all objects of a text.
    pub(crate) fn apply(&self, text: &str) {
        for object in &documents(text) {
            self.apply_object(object);
        }
    }

    fn apply_object(&self, object: &Value) {
        self.try_apply(object)
            .unwrap_or_else(|reason| panic!("{}: {reason}", object["metadata"]));
    }

    /// Applies an object as `kubectl` does, for which a field that nobody knows is a fault.
    pub(crate) fn try_apply(&self, object: &Value) -> kube::Result<()> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let version = text(&object["apiVersion"]);
        let (group, version) = version.split_once('/').unwrap_or(("", &version));
        let kind = GroupVersionKind::gvk(group, version, &text(&object["kind"]));
        let metadata = &object["metadata"];
        let (name, namespace) = (text(&metadata["name"]), text(&metadata["namespace"]));
        block_on(async {
            let (resource, _) = discovery::pinned_kind(&self.client, &kind).await?;
            let api = self.api(&resource, &namespace);
            let params = PatchParams::apply("test").force().validation_strict();
            api.patch(&name, &params, &Patch::Apply(object)).await?;
            Ok(())
        })
    }

    fn api(&self, resource: &ApiResource, namespace: &str) -> Api<DynamicObject> {
        if namespace.is_empty() {
            Api::all_with(self.client.clone(), resource)
        } else {
            Api::namespaced_with(self.client.clone(), namespace, resource)
        }
    }

    /// `kind` with its group, as `kubectl` takes it.
    fn objects(&self, kind: &str, namespace: &str) -> Api<DynamicObject> {
        let (kind, group) = kind.split_once('.').unwrap();
        self.api(&self.resource_of(group, kind).unwrap(), namespace)
    }

    pub(crate) fn delete(&self, kind: &str, namespace: &str, name: &str) {
        let objects = self.objects(kind, namespace);
        block_on(objects.delete(name, &<_>::default())).unwrap();
    }

    pub(crate) fn patch(&self, kind: &str, namespace: &str, name: &str, change: &Value) {
        let objects = self.objects(kind, namespace);
        block_on(objects.patch(name, &<_>::default(), &Patch::Merge(change))).unwrap();
    }

    /// Runs the cart service behind a real sidecar, in a pod on a node that forwards ports to it.
    pub(crate) fn run_cart(&mut self) {
        let policy = "boutique/cartservice";
        let config = printed(&[
            "render",
            "-f",
            SHOP,
            "--only",
            "plugin-config",
            "--policy",
            policy,
        ]);
        let leaf = Leaf::spiffe("spiffe://cluster.local/ns/boutique/sa/cartservice");
        let cart = Service::start(&leaf, |mut sidecar, _| {
            sidecar.pod = Some(("boutique".to_owned(), "cartservice-1".to_owned()));
            sidecar.labels = [("app".to_owned(), "cartservice".to_owned())].into();
            sidecar.http_filters = vec![http_filter(policy, config)];
            let mut bootstrap = sidecar.bootstrap();
            let listeners = bootstrap["static_resources"]["listeners"]
                .as_array_mut()
                .unwrap();
            listeners.retain(|listener| listener["name"] == INBOUND_STRICT);
            bootstrap
        });
        let cart = cart.unwrap();
        self.add_node(&cart.envoy.admin_addr().to_string());
        self.add_pod();
        self.cart = Some(cart);
    }

    /// A node whose kubelet forwards every port to `address`.
    fn add_node(&mut self, address: &str) {
        let mut kubelet = Command::new(programs().join("kubelet"))
            .arg(address)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut port = String::new();
        let mut output = BufReader::new(kubelet.stdout.take().unwrap());
        output.read_line(&mut port).unwrap();
        self.server.add(kubelet);
        let node = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "node"}});
        self.apply(&node.to_string());
        let port: u16 = port.trim().parse().unwrap();
        let status = json!({"status": {
            "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": port}},
        }});
        self.patch_status("Node", "", "node", &status);
    }

    fn add_pod(&self) {
        let pod = json!({
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "name": "cartservice-1",
                "namespace": "boutique",
                "labels": {"app": "cartservice"},
            },
            "spec": {
                "nodeName": "node",
                "serviceAccountName": "cartservice",
                "containers": [
                    {"name": "server", "image": "example.com/shop/cartservice:1"},
                    {"name": "istio-proxy", "image": "example.com/proxyv2:1"},
                ],
            },
        });
        self.apply(&pod.to_string());
        let status = json!({"status": {"phase": "Running", "podIP": "127.0.0.1"}});
        self.patch_status("Pod", "boutique", "cartservice-1", &status);
    }

    /// Merges a change as Istio does, and returns what the object is then. A field that the kind does
    /// not have is refused.
    pub(crate) fn merge<K>(&self, namespace: &str, name: &str, change: &Value) -> Value
    where
        K: kube::Resource<DynamicType = ()>,
    {
        let api = self.api(&ApiResource::erase::<K>(&()), namespace);
        let params = PatchParams::default().validation_strict();
        let merged = block_on(api.patch(name, &params, &Patch::Strategic(change)));
        serde_json::to_value(merged.unwrap()).unwrap()
    }

    fn patch_status(&self, kind: &str, namespace: &str, name: &str, status: &Value) {
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk("", "v1", kind));
        let api = self.api(&resource, namespace);
        block_on(api.patch_status(name, &<_>::default(), &Patch::Merge(status))).unwrap();
    }
}

/// A kind without a schema.
fn definition(group: &str, version: &str, kind: &str) -> Value {
    let singular = kind.to_ascii_lowercase();
    let plural = match singular.strip_suffix('y') {
        Some(stem) if !stem.ends_with('a') => format!("{stem}ies"),
        _ => format!("{singular}s"),
    };
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("{plural}.{group}")},
        "spec": {
            "group": group,
            "names": {"kind": kind, "plural": plural, "singular": singular},
            "scope": "Namespaced",
            "versions": [{
                "name": version,
                "served": true,
                "storage": true,
                "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}},
            }],
        },
    })
}

/// The documents of a text.
pub(crate) fn documents(text: &str) -> Vec<Value> {
    yaml::parse(text)
        .unwrap()
        .iter()
        .map(|node| yaml::read(node).0.unwrap())
        .collect()
}
