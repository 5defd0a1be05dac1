//! The ports of pods, for `verify` to probe.

use super::mutual_tls::may_accept_plaintext;
use super::object::Object;
use super::pod::container_ports;
use crate::policy::PolicySet;

/// A port of a pod with a sidecar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodPort {
    /// The pod, in words.
    pub pod: String,
    /// Its IPv4 or IPv6 address.
    pub ip: String,
    /// The port.
    pub port: u16,
    /// Whether the documents permit plaintext on it.
    pub may_accept_plaintext: bool,
}

/// The declared ports of pods with a sidecar, except the sidecar's own.
pub fn pod_ports(set: &PolicySet, objects: &[Object]) -> Vec<PodPort> {
    let pods = objects.iter().filter(|object| object.has_sidecar());
    let mut found = Vec::new();
    for pod in pods {
        let Some(ip) = pod.text("/status/podIP") else {
            continue;
        };
        let labels = pod.texts("/metadata/labels");
        found.extend(container_ports(pod.value()).map(|port| PodPort {
            pod: pod.to_string(),
            ip: ip.to_owned(),
            port,
            may_accept_plaintext: may_accept_plaintext(
                &set.mesh,
                pod.namespace(),
                &labels,
                Some(port),
            ),
        }));
    }
    found
}
