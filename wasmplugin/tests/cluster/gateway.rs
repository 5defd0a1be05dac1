//! Gateways of the Kubernetes Gateway API: a real API server merges their parameters into the objects that
//! Istio creates, as Istio does.

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::core::v1::Service;
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use serde_json::{Value, json};

use super::cluster::{Cluster, documents};
use super::{SHOP, peergate, stdout_of};

/// The objects that Istio creates for the gateway.
const MADE: &str = include_str!("../meshes/gateway.yaml");

/// A folder with the mesh, whose gateway uses the Kubernetes Gateway API.
fn mesh() -> tempfile::TempDir {
    let mesh = std::fs::read_to_string(format!("{SHOP}/mesh.yaml")).unwrap();
    let mesh = mesh
        .replace("istioVersion: \"1.29\"", "istioVersion: \"1.31\"")
        .replace("name: public\n", "name: public\n      api: Kubernetes\n")
        .replace(
            "      selector:\n        matchLabels:\n          istio: ingressgateway\n",
            "",
        );
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("mesh.yaml"), mesh).unwrap();
    folder
}

fn config_map(folder: &str) -> Value {
    let stream = stdout_of(&["render", "-f", folder, "--only", "gateway"]);
    let mut objects = documents(&stream).into_iter();
    let found = objects.find(|object| object["kind"] == "ConfigMap");
    found.unwrap()
}

#[test]
fn kubernetes_api_gateways_run_like_istio_api_gateways() {
    let folder = mesh();
    let config_map = config_map(folder.path().to_str().unwrap());
    let cluster = Cluster::start();
    cluster.apply(MADE);
    let patch = |key: &str| -> Value {
        let text = config_map["data"][key].as_str().unwrap();
        documents(text).remove(0)
    };
    let (namespace, name) = ("istio-ingress", "public-istio");

    let deployment = cluster.merge::<Deployment>(namespace, name, &patch("deployment"));
    let pods = &deployment["spec"]["template"];
    let terms = "/spec/affinity/podAntiAffinity/preferredDuringSchedulingIgnoredDuringExecution/0";
    let term = &pods.pointer(terms).unwrap()["podAffinityTerm"];
    assert_eq!(
        term["labelSelector"]["matchLabels"],
        deployment["spec"]["selector"]["matchLabels"]
    );
    assert_eq!(
        pods["spec"]["securityContext"],
        json!({
            "seccompProfile": {"type": "RuntimeDefault"},
            "sysctls": [{"name": "net.ipv4.ip_unprivileged_port_start", "value": "0"}],
        })
    );
    assert_eq!(pods["spec"]["containers"].as_array().unwrap().len(), 1);
    let proxy = &pods["spec"]["containers"][0];
    assert_eq!(proxy["image"], "example.com/proxyv2:1");
    assert_eq!(proxy["args"], json!(["proxy", "router"]));
    assert_eq!(proxy["ports"][0]["containerPort"], 15021);
    assert_eq!(
        proxy["resources"],
        json!({
            "requests": {"cpu": "100m", "memory": "128Mi"},
            "limits": {"cpu": "2", "memory": "1Gi"},
        })
    );
    assert_eq!(
        proxy["securityContext"],
        json!({
            "allowPrivilegeEscalation": false,
            "capabilities": {"drop": ["ALL"]},
            "privileged": false,
            "readOnlyRootFilesystem": true,
            "runAsGroup": 1337,
            "runAsNonRoot": true,
            "runAsUser": 1337,
        })
    );

    let autoscaler = patch("horizontalPodAutoscaler");
    let autoscaler = cluster.merge::<HorizontalPodAutoscaler>(namespace, name, &autoscaler);
    assert_eq!(autoscaler["spec"]["scaleTargetRef"]["name"], name);
    assert_eq!(autoscaler["spec"]["minReplicas"], 2);
    assert_eq!(autoscaler["spec"]["maxReplicas"], 5);
    assert_eq!(autoscaler["spec"]["metrics"].as_array().unwrap().len(), 1);

    let budget = patch("podDisruptionBudget");
    let budget = cluster.merge::<PodDisruptionBudget>(namespace, name, &budget);
    assert_eq!(budget["spec"]["minAvailable"], 1);
    assert_eq!(
        budget["spec"]["selector"], deployment["spec"]["selector"],
        "it is for the same pods"
    );

    let service = cluster.merge::<Service>(namespace, name, &patch("service"));
    assert_eq!(service["spec"]["type"], "LoadBalancer");
    assert_eq!(service["spec"]["externalTrafficPolicy"], "Local");
    assert_eq!(service["spec"]["ports"][0]["port"], 443);
}

#[test]
fn verifies_the_gateway_parameters() {
    let folder = mesh();
    let folder = folder.path().to_str().unwrap();
    let cluster = Cluster::start();
    let findings = || {
        let kubeconfig = cluster.kubeconfig();
        let kubeconfig = kubeconfig.to_str().unwrap();
        let args = ["verify", "-f", folder, "--output", "json", "--cluster"];
        let output = peergate(&[&args[..], &["--kubeconfig", kubeconfig]].concat());
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        let findings = report["findings"].as_array().unwrap().iter();
        findings
            .filter(|finding| finding["subject"] == "ConfigMap istio-ingress/public-infrastructure")
            .map(|finding| finding["code"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(findings(), ["missing-object"]);
    let mut config_map = config_map(folder);
    cluster.apply(&config_map.to_string());
    assert_eq!(findings(), [""; 0]);
    config_map["data"]["podDisruptionBudget"] = "spec: {minAvailable: 0}".into();
    cluster.apply(&config_map.to_string());
    assert_eq!(findings(), ["changed-object"]);
}
