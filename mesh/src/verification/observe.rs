//! Reads everything in scope.

use peergate_fault::Failure;
use policy_schema::diagnostic::SourceText;
use policy_schema::istio::{ObjectMetadata, ResourceKind, mesh_config_name, mesh_resources};
use policy_schema::policy::PolicySet;
use policy_schema::verify::{
    Extent, Finding, FindingCode, Measured, Object, Observed, Proxy, control_plane_namespaces,
    pod_ports,
};

use super::scope::Scope;
use super::seen::{Probed, Seen};
use super::{certificates, measured};
use crate::admin::{self, AdminAnswers};
use crate::certificates::expected::Expected;
use crate::cluster::Cluster;
use crate::network;
use crate::probe::{self, ProbeAnswer, ProbeAnswers};

/// The observations.
#[derive(Debug, Default)]
pub(super) struct Observation {
    pub(super) observed: Observed,
    pub(super) seen: Seen,
    /// The texts of manifests.
    pub(super) sources: Vec<SourceText>,
    /// Findings while reading.
    pub(super) findings: Vec<Finding>,
}

/// The answer of a queried proxy.
struct ProxyAnswer {
    name: String,
    answer: Result<AdminAnswers, String>,
}

/// Reads everything in scope.
pub(super) fn observe(
    mut scope: Scope,
    set: &PolicySet,
    expected: &Expected,
) -> Result<Observation, Failure> {
    let mut observation = Observation::default();
    let has_objects = scope.has_objects();
    let mut objects = observation.take_manifests(&mut scope);
    let asked = network::block_on(observation.ask_all(&scope, set, &mut objects))??;
    for proxy in asked {
        observation.add_proxy(proxy, expected);
    }
    observation.observed.proxies.append(&mut scope.proxies);
    for object in &objects {
        let found = certificates::check_object(set, object, expected);
        observation.findings.extend(found);
    }
    for address in &scope.ports {
        observation.probe(address, None, false);
    }
    if scope.pod_ports {
        observation.probe_pods(set, &objects);
    }
    let proxies = &mut observation.observed.proxies;
    proxies.sort_by(|a, b| a.name.cmp(&b.name));
    observation.seen.proxies = proxies.len();
    if has_objects {
        observation.seen.objects = Some(objects.len());
        observation.observed.objects = Some(objects);
    }
    Ok(observation)
}

/// The `ConfigMap`s of Istio's mesh config in all possible control plane namespaces, and those that the documents render, by
/// namespace and name.
fn config_maps(set: &PolicySet, objects: &[Object]) -> Vec<(String, String)> {
    let resources = mesh_resources(set).into_iter();
    let rendered = resources
        .filter(|resource| resource.kind() == ResourceKind::ConfigMap)
        .map(|resource| {
            let ObjectMetadata {
                namespace, name, ..
            } = resource.metadata().clone();
            (namespace, name)
        });
    let mesh = set.mesh();
    let of_mesh = control_plane_namespaces(mesh, objects)
        .into_iter()
        .map(|namespace| (namespace.to_owned(), mesh_config_name(mesh)));
    rendered.chain(of_mesh).collect()
}

impl Observation {
    fn take_manifests(&mut self, scope: &mut Scope) -> Vec<Object> {
        let manifests = scope.manifests.take().unwrap_or_default();
        self.sources = manifests.sources;
        self.observed.values = manifests.values;
        manifests.objects
    }

    /// Queries a cluster and proxies.
    async fn ask_all(
        &mut self,
        scope: &Scope,
        set: &PolicySet,
        objects: &mut Vec<Object>,
    ) -> Result<Vec<ProxyAnswer>, Failure> {
        let mut asked = Vec::new();
        if let Some(wanted) = &scope.cluster {
            let (kubeconfig, context) = (wanted.kubeconfig.as_deref(), wanted.context.as_deref());
            let cluster = Cluster::connect(kubeconfig, context).await?;
            let seen = cluster
                .list_all_kinds(&certificates::secrets(set), |objects| {
                    config_maps(set, objects)
                })
                .await?;
            for (what, reason) in seen.unseen {
                self.findings.push(not_checked(
                    &what,
                    &format!("cannot be read: {reason}"),
                    "grant the role in docs/verify.md, or try again if the API server did not respond",
                ));
            }
            if !wanted.skip_proxies {
                let pods: Vec<_> = seen
                    .objects
                    .iter()
                    .filter(|object| object.has_sidecar())
                    .map(|pod| (pod.namespace().to_owned(), pod.name().to_owned()))
                    .collect();
                let answers = cluster.ask_proxies(&pods).await;
                let names = pods
                    .iter()
                    .map(|(namespace, name)| format!("{namespace}/{name}"));
                asked.extend(
                    names
                        .zip(answers)
                        .map(|(name, answer)| ProxyAnswer { name, answer }),
                );
            }
            objects.extend(seen.objects);
            self.observed.extent = Extent::Cluster {
                unlisted: seen.unlisted,
            };
        }
        for address in &scope.admin_endpoints {
            let answer = admin::ask(address).await;
            asked.push(ProxyAnswer {
                name: address.clone(),
                answer: answer.map_err(|reason| reason.to_string()),
            });
        }
        Ok(asked)
    }

    fn add_proxy(&mut self, ProxyAnswer { name, answer }: ProxyAnswer, expected: &Expected) {
        let said = match answer {
            Ok(said) => said,
            Err(reason) => {
                self.seen.mute_proxies += 1;
                return self.findings.push(Finding::new(
                    format!("proxy {name}"),
                    FindingCode::UnreachableProxy,
                    format!("cannot be queried: {reason}"),
                    "check that the proxy is running, and that you may forward ports of its pod",
                ));
            }
        };
        let mut proxy = match Proxy::from_config_dump(&name, &said.config_dump) {
            Ok(proxy) => proxy,
            Err(reason) => {
                self.seen.mute_proxies += 1;
                return self.findings.push(not_checked(
                    &format!("proxy {name}"),
                    &format!("cannot read its `/config_dump`: {reason}"),
                    "check the proxy's log for a filter type that it does not support",
                ));
            }
        };
        let policies = proxy.policies.iter().map(|policy| policy.name.clone());
        let policies = policies.collect();
        proxy.measured = match said.revisions {
            Ok(text) => measured::read(&text, &policies),
            Err(reason) => Measured::Unread(reason.to_string()),
        };
        match said.certs {
            Ok(certs) => {
                let found = certificates::check_proxy(&proxy, &certs, expected);
                self.findings.extend(found);
            }
            Err(reason) => self.findings.push(not_checked(
                &format!("proxy {}", proxy.name),
                &format!("cannot read its certificates: {reason}"),
                "inspect its `/certs` endpoint",
            )),
        }
        self.observed.proxies.push(proxy);
    }

    fn probe_pods(&mut self, set: &PolicySet, objects: &[Object]) {
        for port in pod_ports(set, objects) {
            let host = if port.ip.contains(':') {
                format!("[{}]", port.ip)
            } else {
                port.ip
            };
            let address = format!("{host}:{}", port.port);
            self.probe(&address, Some(port.pod), port.may_accept_plaintext);
        }
    }

    fn probe(&mut self, address: &str, pod: Option<String>, may_accept_plaintext: bool) {
        let subject = match &pod {
            Some(pod) => format!("{pod} at {address}"),
            None => address.to_owned(),
        };
        self.seen.ports += 1;
        match probe::probe(address) {
            Ok(answers) => {
                let found = check_answers(&subject, &answers, may_accept_plaintext);
                self.findings.extend(found);
                self.seen.probes.push(Probed {
                    address: address.to_owned(),
                    pod,
                    answers,
                });
            }
            Err(reason) => self.findings.push(not_checked(
                &subject,
                &format!("cannot be probed: {reason}"),
                "run this where the port is reachable, for example in the cluster",
            )),
        }
    }
}

/// Checks the probe results of a port.
fn check_answers(
    subject: &str,
    answers: &ProbeAnswers,
    may_accept_plaintext: bool,
) -> Vec<Finding> {
    let tries = [
        (
            answers.plaintext,
            FindingCode::AcceptsPlaintext,
            "without TLS",
        ),
        (
            answers.no_certificate,
            FindingCode::AcceptsNoCertificate,
            "without a certificate",
        ),
        (
            answers.foreign_identity,
            FindingCode::AcceptsForeignIdentity,
            "with a certificate from outside the mesh",
        ),
    ];
    let mut findings = Vec::new();
    for (answer, code, caller) in tries {
        match answer {
            // If plaintext is accepted, the workload itself may speak TLS.
            ProbeAnswer::Accepted if !may_accept_plaintext => findings.push(Finding::new(
                subject,
                code,
                format!("accepts a caller {caller}"),
                "check that the port is behind a sidecar, and which `PeerAuthentication` applies",
            )),
            ProbeAnswer::Silent if !may_accept_plaintext => findings.push(not_checked(
                subject,
                &format!("does not respond to a caller {caller}"),
                "test with a client of its protocol",
            )),
            ProbeAnswer::Closed if !may_accept_plaintext => findings.push(not_checked(
                subject,
                &format!("closes the connection of a caller {caller} without a response"),
                "test with a client of its protocol",
            )),
            ProbeAnswer::Accepted
            | ProbeAnswer::Refused
            | ProbeAnswer::Closed
            | ProbeAnswer::Silent => {}
        }
    }
    findings
}

fn not_checked(subject: &str, message: &str, help: &str) -> Finding {
    Finding::new(subject, FindingCode::NotChecked, message, help)
}
