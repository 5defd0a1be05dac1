//! What is asked to be looked at → what is seen of it.

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
use crate::admin::{self, Said};
use crate::certificates::expected::Expected;
use crate::cluster::Cluster;
use crate::network;
use crate::probe::{self, Answer, Answers};

/// What was seen.
#[derive(Debug, Default)]
pub(super) struct Observation {
    pub(super) observed: Observed,
    pub(super) seen: Seen,
    /// The texts of manifests.
    pub(super) sources: Vec<SourceText>,
    /// What was found on looking.
    pub(super) findings: Vec<Finding>,
}

/// A proxy that was asked.
struct Asked {
    name: String,
    answer: Result<Said, String>,
}

/// Looks at all that is in scope.
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
        let found = certificates::of_object(set, object, expected);
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

/// Istio's mesh config wherever istiod may run, and the `ConfigMap`s that the documents are rendered to, each by its
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

    /// Asks a cluster and proxies.
    async fn ask_all(
        &mut self,
        scope: &Scope,
        set: &PolicySet,
        objects: &mut Vec<Object>,
    ) -> Result<Vec<Asked>, Failure> {
        let mut asked = Vec::new();
        if let Some(wanted) = &scope.cluster {
            let (kubeconfig, context) = (wanted.kubeconfig.as_deref(), wanted.context.as_deref());
            let cluster = Cluster::connect(kubeconfig, context).await?;
            let seen = cluster
                .look(&certificates::secrets(set), |objects| {
                    config_maps(set, objects)
                })
                .await?;
            for (what, reason) in seen.unseen {
                self.findings.push(not_checked(
                    &what,
                    &format!("it cannot be read: {reason}"),
                    "grant the role in docs/verify.md, or run this again if the API server did not answer",
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
                        .map(|(name, answer)| Asked { name, answer }),
                );
            }
            objects.extend(seen.objects);
            self.observed.extent = Extent::Cluster {
                unlisted: seen.unlisted,
            };
        }
        for address in &scope.admin_endpoints {
            let answer = admin::ask(address).await;
            asked.push(Asked {
                name: address.clone(),
                answer: answer.map_err(|reason| reason.to_string()),
            });
        }
        Ok(asked)
    }

    fn add_proxy(&mut self, Asked { name, answer }: Asked, expected: &Expected) {
        let said = match answer {
            Ok(said) => said,
            Err(reason) => {
                self.seen.mute_proxies += 1;
                return self.findings.push(Finding::new(
                    format!("proxy {name}"),
                    FindingCode::UnreachableProxy,
                    format!("it does not say what it runs: {reason}"),
                    "see whether it is up, and whether you may forward ports of its pod",
                ));
            }
        };
        let mut proxy = match Proxy::from_config_dump(&name, &said.config_dump) {
            Ok(proxy) => proxy,
            Err(reason) => {
                self.seen.mute_proxies += 1;
                return self.findings.push(not_checked(
                    &format!("proxy {name}"),
                    &format!("its `/config_dump` cannot be read: {reason}"),
                    "see the proxy's log: it may have been sent a type of filter that it does not have",
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
                let found = certificates::of_proxy(&proxy, &certs, expected);
                self.findings.extend(found);
            }
            Err(reason) => self.findings.push(not_checked(
                &format!("proxy {}", proxy.name),
                &format!("its certificates cannot be read: {reason}"),
                "ask its `/certs` by hand",
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
                let found = of_answers(&subject, &answers, may_accept_plaintext);
                self.findings.extend(found);
                self.seen.probes.push(Probed {
                    address: address.to_owned(),
                    pod,
                    answers,
                });
            }
            Err(reason) => self.findings.push(not_checked(
                &subject,
                &format!("it cannot be tried: {reason}"),
                "run this where the port can be reached, such as in the cluster",
            )),
        }
    }
}

/// What is wrong with how a port answers.
fn of_answers(subject: &str, answers: &Answers, may_accept_plaintext: bool) -> Vec<Finding> {
    let tries = [
        (
            answers.plaintext,
            FindingCode::AcceptsPlaintext,
            "who speaks plaintext",
        ),
        (
            answers.no_certificate,
            FindingCode::AcceptsNoCertificate,
            "who has no certificate",
        ),
        (
            answers.foreign_identity,
            FindingCode::AcceptsForeignIdentity,
            "who has a certificate that nobody of the mesh signed",
        ),
    ];
    let mut findings = Vec::new();
    for (answer, code, who) in tries {
        match answer {
            // Where plaintext is permitted, the workload may speak TLS itself.
            Answer::Accepted if !may_accept_plaintext => findings.push(Finding::new(
                subject,
                code,
                format!("it answers a caller {who}"),
                "see whether the port is behind a sidecar, and which `PeerAuthentication` is for it",
            )),
            Answer::Silent if !may_accept_plaintext => findings.push(not_checked(
                subject,
                &format!("it neither answers nor refuses a caller {who}"),
                "see with a client of what it speaks",
            )),
            Answer::Closed if !may_accept_plaintext => findings.push(not_checked(
                subject,
                &format!("it ends the connection of a caller {who}, and says nothing"),
                "see with a client of what it speaks",
            )),
            Answer::Accepted | Answer::Refused | Answer::Closed | Answer::Silent => {}
        }
    }
    findings
}

fn not_checked(subject: &str, message: &str, help: &str) -> Finding {
    Finding::new(subject, FindingCode::NotChecked, message, help)
}
