//! Objects → the ports of pods, for those who want to try them.

use super::mutual_tls::may_accept_plaintext;
use super::object::Object;
use super::pod::container_ports;
use crate::policy::PolicySet;

/// A port of a pod that has a sidecar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodPort {
    /// The pod, as people name it.
    pub pod: String,
    /// Its address: one of IPv4 or of IPv6.
    pub ip: String,
    /// The port.
    pub port: u16,
    /// Whether the documents permit plaintext on it.
    pub may_accept_plaintext: bool,
}

/// The ports that the containers of pods with a sidecar name, but for the sidecar's own.
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
