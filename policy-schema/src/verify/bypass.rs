//! Reads from a pod's annotations which traffic bypasses its sidecar (Istio, resource annotations).

use serde_json::Value;

/// The wildcard in annotations.
const ALL: &str = "*";

/// The traffic that bypasses a sidecar, as text.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Bypass {
    /// Inbound traffic.
    pub(super) inbound: Vec<String>,
    /// Outbound traffic.
    pub(super) outbound: Vec<String>,
}

impl Bypass {
    /// Reads the annotations of `pod`.
    pub(super) fn from_pod(pod: &Value) -> Self {
        let annotation = |key: &str| {
            let annotations = pod.pointer("/metadata/annotations")?;
            annotations.get(key)?.as_str()
        };
        if annotation("sidecar.istio.io/interceptionMode") == Some("NONE") {
            let everything = |what: &str| vec![format!("all {}", plural(what))];
            return Self {
                inbound: everything("port"),
                outbound: everything("port"),
            };
        }
        let of = |key: &str| {
            let text = annotation(&format!("traffic.sidecar.istio.io/{key}"))?;
            Some(elements(text))
        };
        let interfaces = of("excludeInterfaces").and_then(|some| excluded("interface", &some));
        let inbound = [
            of("excludeInboundPorts").and_then(|ports| excluded("port", &ports)),
            of("includeInboundPorts").and_then(|ports| all_but("port", &ports)),
            interfaces.clone(),
        ];
        let outbound = [
            of("excludeOutboundPorts").and_then(|ports| excluded("port", &ports)),
            of("excludeOutboundIPRanges").and_then(|ranges| excluded("address", &ranges)),
            of("includeOutboundIPRanges").and_then(|ranges| all_but("address", &ranges)),
            interfaces,
        ];
        Self {
            inbound: inbound.into_iter().flatten().collect(),
            outbound: outbound.into_iter().flatten().collect(),
        }
    }
}

/// The elements of an annotation's list, in order and without duplicates.
fn elements(text: &str) -> Vec<&str> {
    let elements = text.split(',').map(str::trim);
    let mut elements: Vec<_> = elements.filter(|element| !element.is_empty()).collect();
    elements.sort_unstable();
    elements.dedup();
    elements
}

/// The traffic that an annotation excludes from the sidecar.
fn excluded(what: &str, elements: &[&str]) -> Option<String> {
    match elements {
        [] => None,
        some if some.contains(&ALL) => Some(format!("all {}", plural(what))),
        [one] => Some(format!("{what} {one}")),
        some => Some(format!("{} {}", plural(what), some.join(", "))),
    }
}

/// The traffic that bypasses the sidecar because an annotation does not include it.
fn all_but(what: &str, elements: &[&str]) -> Option<String> {
    match elements {
        some if some.contains(&ALL) => None,
        [] => Some(format!("all {}", plural(what))),
        some => Some(format!("all {} except {}", plural(what), some.join(", "))),
    }
}

fn plural(what: &str) -> String {
    let end = if what.ends_with('s') { "es" } else { "s" };
    format!("{what}{end}")
}
