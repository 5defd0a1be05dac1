//! The sandbox's sidecar with one listener per policy, enforced by RBAC.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use peergate_sandbox::{
    Authority, CallError, Client, Envoy, EnvoyBinary, INBOUND_PERMISSIVE, Identity, InboundSidecar,
    Leaf, OutboundSidecar, Request,
};
use policy_schema::envoy::{HttpFilter, http_filters};
use policy_schema::policy::{PolicySet, ServicePolicy};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::case::{Caller, Outcome, Sent, Version};
use crate::path_proxy::runtime;

/// The body of a denial by RBAC; the connection manager sends the same status without it.
const DENIED: &str = "RBAC: access denied";

pub(crate) struct Sidecar {
    envoy: Envoy,
    authority: Authority,
    web: Identity,
    files: TempDir,
}

impl Sidecar {
    /// Starts a sidecar with these policies and additional settings of its connection manager.
    pub(crate) fn start(set: &PolicySet, settings: &Value) -> Self {
        let files = TempDir::with_prefix("peergate-arrival-").unwrap();
        let authority = Authority::new().unwrap();
        let ca = authority.write_to(files.path(), "ca").unwrap();
        let issue = |account: &str| {
            let uri = format!("spiffe://cluster.local/ns/shop/sa/{account}");
            authority.issue(&Leaf::spiffe(&uri)).unwrap()
        };
        let identity = issue("cart").write_to(files.path(), "cart").unwrap();
        let web = issue("web");
        // The application answers requests that pass.
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 1));
        let mut sidecar = InboundSidecar::new(identity, ca, nowhere);
        let listeners = set.policies().iter().map(|policy| {
            sidecar.http_filters = rbac(set, policy);
            listener(&sidecar.bootstrap(), &policy_name(policy), settings)
        });
        let listeners: Vec<_> = listeners.collect();
        let mut bootstrap = sidecar.bootstrap();
        bootstrap["static_resources"]["listeners"] = listeners.into();
        bootstrap["layered_runtime"] = runtime();
        let binary = EnvoyBinary::find(None).unwrap();
        let envoy = Envoy::start(&binary, &bootstrap).unwrap();
        Self {
            envoy,
            authority,
            web,
            files,
        }
    }

    /// The listener that enforces the policy `name`.
    fn address(&self, name: &str) -> SocketAddr {
        self.envoy.listener(name).unwrap()
    }

    /// The outcome of a request to the workload of the policy `name`.
    pub(crate) fn outcome(
        &self,
        name: &str,
        sent: &Sent,
        caller: Caller,
        version: Version,
    ) -> Result<Outcome, CallError> {
        let client = Client::new(self.address(name)).unwrap();
        let client = match caller {
            Caller::Anonymous => client,
            Caller::Web => client.tls(&self.authority, Some(&self.web)).unwrap(),
        };
        match version {
            Version::Http1 => {
                let response = client.send_raw(&sent.bytes())?;
                let response = String::from_utf8_lossy(&response);
                // An interim response comes before the final one.
                let interim = "HTTP/1.1 100 Continue\r\n\r\n";
                let last = response.strip_prefix(interim).unwrap_or(&response);
                let status = last.get(9..12).unwrap_or_default().parse().unwrap();
                Ok(Outcome::from_response(status, last.contains(DENIED)))
            }
            Version::Http2 => {
                let client = client.http2();
                let mut connection = client.connect()?;
                let request = match sent.extended_connect {
                    Some(protocol) => {
                        // The server enables extended `CONNECT` with its first response.
                        connection.send(&Request::get("/"))?;
                        Request::extended_connect(protocol, &sent.path)
                    }
                    None if sent.method == "CONNECT" => Request::connect(&sent.host),
                    None => Request::new(sent.method, &sent.path),
                };
                let request = request.authority(&sent.host);
                let request = sent.headers.iter().fold(request, |request, (name, value)| {
                    request.header(name, value)
                });
                let response = connection.send(&request)?;
                let is_denied = response.text().contains(DENIED);
                Ok(Outcome::from_response(response.status, is_denied))
            }
        }
    }

    /// The outcome of a request through the caller's sidecar with this TLS server name.
    pub(crate) fn outcome_at_server_name(&self, name: &str, server_name: &str) -> Outcome {
        let folder = self.files.path();
        let ca = self.authority.write_to(folder, "callers-ca").unwrap();
        let web = self.web.write_to(folder, "web").unwrap();
        let outbound = OutboundSidecar::new(ca, self.address(name)).caller("web", web);
        let mut bootstrap = outbound.bootstrap();
        let cluster = &mut bootstrap["static_resources"]["clusters"][0];
        cluster["transport_socket"]["typed_config"]["sni"] = server_name.into();
        let binary = EnvoyBinary::find(None).unwrap();
        let envoy = Envoy::start(&binary, &bootstrap).unwrap();
        let client = Client::new(envoy.listener("web").unwrap()).unwrap();
        let response = client.http2().send(&Request::get("/a")).unwrap();
        Outcome::from_response(response.status, response.text().contains(DENIED))
    }
}

fn policy_name(policy: &ServicePolicy) -> String {
    let name = policy.name().to_string();
    name.rsplit('/').next().unwrap_or_default().to_owned()
}

/// The RBAC filters of a policy. No rule here needs the module.
fn rbac(set: &PolicySet, policy: &ServicePolicy) -> Vec<Value> {
    let filters = http_filters(&set.rollout(policy), "").unwrap();
    let filters = filters
        .iter()
        .filter(|filter| matches!(filter, HttpFilter::Rbac(_)));
    filters
        .map(|filter| serde_json::to_value(filter).unwrap())
        .collect()
}

/// The sidecar's listener for plaintext and mutual TLS. It answers requests that pass its filters.
fn listener(bootstrap: &Value, name: &str, settings: &Value) -> Value {
    let listeners = bootstrap["static_resources"]["listeners"].as_array();
    let mut listeners = listeners.unwrap().iter();
    let mut listener = listeners
        .find(|listener| listener["name"] == INBOUND_PERMISSIVE)
        .unwrap()
        .clone();
    listener["name"] = name.into();
    for chain in listener["filter_chains"].as_array_mut().unwrap() {
        let manager = &mut chain["filters"][0]["typed_config"];
        // Close connections after the response.
        manager["delayed_close_timeout"] = "0s".into();
        for (key, value) in settings.as_object().unwrap() {
            manager[key] = value.clone();
        }
        let route = &mut manager["route_config"]["virtual_hosts"][0]["routes"][0];
        *route = json!({"match": route["match"], "direct_response": {"status": 200}});
    }
    listener
}

/// Documents with one deny policy for each rule.
pub(crate) fn documents(rules: &BTreeMap<String, String>, istio_version: &str) -> String {
    let policies = rules.iter().map(|(name, rule)| {
        format!(
            "\
apiVersion: peergate.dev/v1alpha1
kind: ServicePolicy
metadata: {{name: {name}, namespace: shop}}
spec:
  selector: {{matchLabels: {{app: {name}}}}}
  otherwise: Pass
  rules:
    - {{id: denied, effect: Deny, {rule}}}
---
"
        )
    });
    let mesh = format!(
        "\
apiVersion: peergate.dev/v1alpha1
kind: Mesh
metadata: {{name: mesh}}
spec:
  trustDomain: cluster.local
  istioVersion: \"{istio_version}\"
  defaults: {{otherwise: Pass}}
"
    );
    policies.chain([mesh]).collect()
}
