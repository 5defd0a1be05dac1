//! Judges objects that no document renders.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::object::{Object, ObjectId};
use crate::document::Outbound;
use crate::policy::PolicySet;

const GATEWAY_API: &str = "gateway.networking.k8s.io";
const NETWORKING: &str = "networking.istio.io";

/// The name for all sidecars in the `gateways` of a `VirtualService`.
const SIDECARS: &str = "mesh";

/// The context for judging such objects.
pub(super) struct Foreign<'m> {
    pub(super) set: &'m PolicySet,
    /// The observed objects.
    pub(super) objects: &'m BTreeMap<&'m ObjectId, Vec<&'m Object>>,
    /// The IDs of the rendered objects.
    pub(super) rendered: &'m BTreeSet<ObjectId>,
}

impl Foreign<'_> {
    /// The effect of an object that no document renders, if it interferes with the documents.
    pub(super) fn part(&self, object: &Object) -> Option<&'static str> {
        let declares = self.set.mesh.outbound == Outbound::Declared;
        let kind = object.kind();
        match object.id().group.as_str() {
            "security.istio.io" if kind == "AuthorizationPolicy" => {
                Some("may allow or deny additional requests")
            }
            "extensions.istio.io" if matches!(kind, "TrafficExtension" | "WasmPlugin") => {
                Some("can change or answer requests before policies are enforced")
            }
            "networking.k8s.io" if kind == "NetworkPolicy" && self.adds_packets(object) => {
                Some("allows additional packets")
            }
            "telemetry.istio.io" if kind == "Telemetry" && self.silences(object) => {
                Some("overrides the telemetry settings of the documents")
            }
            GATEWAY_API if kind.ends_with("Route") && self.leads_from_gateway_api(object) => {
                Some("adds routes to a gateway")
            }
            NETWORKING => match kind {
                "EnvoyFilter" => Some("can change any part of a proxy's configuration"),
                "Gateway" if self.opens_gateway(object) => Some("may add servers to a gateway"),
                "VirtualService" if self.leads_from_gateway(object) => {
                    Some("adds routes to a gateway")
                }
                "Sidecar" if declares => Some("changes which hosts workloads can reach"),
                "ServiceEntry" if declares => Some("adds hosts that workloads can reach"),
                _ => None,
            },
            _ => None,
        }
    }

    /// Whether an Istio `Gateway` may select the pods of a declared gateway. They may have more
    /// labels than the documents mention.
    fn opens_gateway(&self, object: &Object) -> bool {
        let selector = object.texts("/spec/selector");
        let mut gateways = self.set.mesh.gateways.iter();
        gateways.any(|gateway| {
            let known = &gateway.labels;
            let contradicts = |(key, value)| known.get(key).is_some_and(|own| own != value);
            !known.is_empty() && !selector.iter().any(contradicts)
        })
    }

    /// Whether a `VirtualService` applies to a declared gateway, or to a `Gateway` at its pods.
    fn leads_from_gateway(&self, object: &Object) -> bool {
        let gateways = names(object, "/spec/gateways", Value::as_str);
        let named = gateways.filter(|gateway| *gateway != SIDECARS);
        let mut named = named.map(|gateway| {
            let own = || (object.namespace(), gateway);
            gateway.split_once('/').unwrap_or_else(own)
        });
        named.any(|(namespace, name)| {
            let id = gateway(NETWORKING, namespace, name);
            let seen = self.objects.get(&id).into_iter().flatten();
            self.rendered.contains(&id) || seen.copied().any(|other| self.opens_gateway(other))
        })
    }

    /// Whether a route of the Gateway API applies to a declared gateway.
    fn leads_from_gateway_api(&self, object: &Object) -> bool {
        let mut parents = names(object, "/spec/parentRefs", |parent| {
            let text = |field| parent.get(field).and_then(Value::as_str);
            let is_gateway = text("kind").is_none_or(|kind| kind == "Gateway");
            let namespace = text("namespace").unwrap_or_else(|| object.namespace());
            text("name")
                .filter(|_| is_gateway)
                .map(|name| (namespace, name))
        });
        parents.any(|(namespace, name)| {
            let id = gateway(GATEWAY_API, namespace, name);
            self.rendered.contains(&id)
        })
    }

    /// Whether a `NetworkPolicy` admits anything where the documents limit packets: policies add
    /// up.
    fn adds_packets(&self, object: &Object) -> bool {
        let first = ObjectId {
            name: String::new(),
            ..object.id().clone()
        };
        let limit = self.rendered.range(first..).next();
        let is_limited = limit.is_some_and(|limit| {
            limit.kind == object.kind() && limit.namespace == object.namespace()
        });
        let has_rules = |rules: &str| {
            let rules = object.at(rules).and_then(Value::as_array);
            rules.is_some_and(|rules| !rules.is_empty())
        };
        is_limited && (has_rules("/spec/ingress") || has_rules("/spec/egress"))
    }

    /// Whether a `Telemetry` logs or traces less than the documents request. Objects for a workload
    /// override those for the mesh.
    fn silences(&self, object: &Object) -> bool {
        let asked = &self.set.mesh.telemetry;
        let has = |settings: &str, is_less: fn(&Value) -> bool| {
            let settings = object.at(settings).and_then(Value::as_array);
            settings.is_some_and(|settings| settings.iter().any(is_less))
        };
        let logs_less =
            |logging: &Value| is_set(logging, "disabled") || logging.get("filter").is_some();
        let traces_less = |tracing: &Value| is_set(tracing, "disableSpanReporting");
        asked.access_log.is_some() && has("/spec/accessLogging", logs_less)
            || asked.tracing.is_some() && has("/spec/tracing", traces_less)
    }
}

/// The ID of a `Gateway` of an API group.
fn gateway(group: &str, namespace: &str, name: &str) -> ObjectId {
    ObjectId {
        kind: "Gateway".to_owned(),
        group: group.to_owned(),
        namespace: namespace.to_owned(),
        name: name.to_owned(),
    }
}

fn is_set(settings: &Value, field: &str) -> bool {
    settings.get(field) == Some(&Value::Bool(true))
}

/// The results of `read` for the elements of a list in an object.
fn names<'o, T>(
    object: &'o Object,
    list: &str,
    read: impl FnMut(&'o Value) -> Option<T>,
) -> impl Iterator<Item = T> {
    let elements = object.at(list).and_then(Value::as_array);
    elements.into_iter().flatten().filter_map(read)
}
