//! Policies by the gateways that they may be for, as [`Mesh::gateways_of`](super::Mesh::gateways_of) has it the other
//! way round.

use std::collections::{BTreeMap, HashMap};

use super::selectors::Selectors;
use super::{Attachment, Gateway, Labels, ServicePolicy};

/// Policies by the gateways that they may be for.
#[derive(Debug)]
pub(crate) struct AtGateways<'p> {
    /// The first for a class of gateways, which may be that of any.
    class: Option<usize>,
    /// The first of each `Gateway`, by its namespace and name.
    gateways: HashMap<(&'p str, &'p str), usize>,
    /// The first of each namespace.
    namespaces: BTreeMap<&'p str, usize>,
    workloads: BTreeMap<&'p str, Selectors<&'p Labels>>,
    mesh: Selectors<&'p Labels>,
}

impl<'p> AtGateways<'p> {
    /// Indexes policies, each with its position; these ascend.
    pub(crate) fn of(policies: impl Iterator<Item = (usize, &'p ServicePolicy)>) -> Self {
        let mut class = None;
        let mut gateways = HashMap::new();
        let mut namespaces = BTreeMap::new();
        let mut workloads: BTreeMap<&str, Vec<_>> = BTreeMap::new();
        let mut mesh = Vec::new();
        for (position, policy) in policies {
            let namespace = policy.name.namespace.as_str();
            match &policy.attachment {
                Attachment::Workload(labels) => {
                    let there = workloads.entry(namespace).or_default();
                    there.push((position, labels));
                }
                Attachment::Namespace => {
                    namespaces.entry(namespace).or_insert(position);
                }
                Attachment::Mesh(labels) => mesh.push((position, labels)),
                Attachment::Targets(targets) => {
                    for target in targets {
                        match &*target.kind {
                            "GatewayClass" => class = class.or(Some(position)),
                            "Gateway" => {
                                let gateway = (namespace, target.name.as_str());
                                gateways.entry(gateway).or_insert(position);
                            }
                            _ => {}
                        }
                    }
                }
            }
        }
        let workloads = workloads.into_iter();
        Self {
            class,
            gateways,
            namespaces,
            workloads: workloads
                .map(|(namespace, ranked)| (namespace, Selectors::of(ranked)))
                .collect(),
            mesh: Selectors::of(mesh),
        }
    }

    /// The first that may be for a gateway.
    pub(crate) fn first(&self, gateway: &Gateway) -> Option<usize> {
        let (namespace, name) = (gateway.namespace.as_str(), gateway.name.as_str());
        let labels = gateway.pod_labels();
        let workloads = self.workloads.get(namespace);
        let found = [
            self.class,
            self.gateways.get(&(namespace, name)).copied(),
            self.namespaces.get(namespace).copied(),
            workloads.and_then(|selectors| selectors.compatible(&labels).next()),
            self.mesh.compatible(&labels).next(),
        ];
        found.into_iter().flatten().min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::SourceText;
    use crate::timestamp::Timestamp;
    use crate::validate::{Options, validate};

    const MESH: &str = r#"
apiVersion: peergate.dev/v1alpha1
kind: Mesh
metadata: {name: shop}
spec:
  trustDomain: cluster.local
  istioVersion: "1.30"
  gateways:
    - {name: a, namespace: edge, serviceAccount: a, selector: {matchLabels: {istio: a}}, servers: [{hosts: [a.example], tls: {secret: a}}]}
    - {name: b, namespace: edge, serviceAccount: b, selector: {matchLabels: {istio: b, zone: x}}, servers: [{hosts: [b.example], tls: {secret: b}}]}
    - {name: c, namespace: shop, api: Kubernetes, servers: [{hosts: [c.example], tls: {secret: c}}]}
    - {name: d, namespace: far, api: Kubernetes, servers: [{hosts: [d.example], tls: {secret: d}}]}
"#;

    /// What policies are for, each with its namespace.
    const POLICIES: [(&str, &str); 12] = [
        ("edge", "selector: {matchLabels: {istio: b}}"),
        ("edge", "selector: {matchLabels: {zone: y}}"),
        ("edge", "selector: {matchLabels: {app: web, istio: a}}"),
        ("shop", "selector: {matchLabels: {istio: a}}"),
        (
            "shop",
            "selector: {matchLabels: {gateway.networking.k8s.io/gateway-name: d}}",
        ),
        ("edge", "scope: Namespace"),
        (
            "shop",
            "targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: c}]",
        ),
        (
            "edge",
            "targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: c}]",
        ),
        ("shop", "targetRefs: [{kind: Service, name: c}]"),
        (
            "istio-system",
            "scope: Mesh, selector: {matchLabels: {zone: y}}",
        ),
        (
            "istio-system",
            "targetRefs: [{group: gateway.networking.k8s.io, kind: GatewayClass, name: istio}]",
        ),
        ("istio-system", "scope: Mesh"),
    ];

    #[test]
    fn the_first_policy_for_a_gateway_is_the_one_that_a_plain_loop_finds() {
        let policies = POLICIES.iter().enumerate();
        let policies = policies.map(|(number, (namespace, spec))| {
            format!("---\napiVersion: peergate.dev/v1alpha1\nkind: ServicePolicy\nmetadata: {{name: p{number}, namespace: {namespace}}}\nspec: {{{spec}, rules: []}}\n")
        });
        let text = MESH.to_owned() + &policies.collect::<String>();
        let source = SourceText {
            name: "policies.yaml".to_owned(),
            text,
        };
        let options = Options {
            at: Timestamp::from_unix_nanoseconds(0),
            istio_version: None,
        };
        let validated = validate(&[source], options);
        let set = validated.policies.expect("policies");
        let mut found = Vec::new();
        for start in 0..=POLICIES.len() {
            let policies = || set.policies.iter().enumerate().skip(start);
            let index = AtGateways::of(policies());
            for gateway in set.mesh.gateways.iter() {
                let is_for = |(_, policy): &(usize, &ServicePolicy)| {
                    let (namespace, attachment) = (&policy.name.namespace, &policy.attachment);
                    let mut gateways = set.mesh.gateways.iter();
                    gateways.any(|other| {
                        other.name == gateway.name && may_be_for(attachment, namespace, other)
                    })
                };
                let first = policies().find(is_for).map(|(position, _)| position);
                assert_eq!(index.first(gateway), first, "{} from {start}", gateway.name);
                found.extend(first);
                for (_, policy) in policies() {
                    let (namespace, attachment) = (&policy.name.namespace, &policy.attachment);
                    let mut gateways = set.mesh.gateways_of(namespace, attachment);
                    assert_eq!(
                        gateways.any(|other| other.name == gateway.name),
                        may_be_for(attachment, namespace, gateway),
                        "{} {}",
                        policy.name,
                        gateway.name
                    );
                }
            }
        }
        found.sort_unstable();
        found.dedup();
        assert!(found.len() > 6, "{found:?}");
    }

    fn may_be_for(attachment: &Attachment, namespace: &str, gateway: &Gateway) -> bool {
        let is_there = gateway.namespace == namespace;
        match attachment {
            Attachment::Targets(targets) => targets.iter().any(|target| {
                target.kind == "GatewayClass"
                    || target.kind == "Gateway" && is_there && target.name == gateway.name
            }),
            _ => attachment.may_meet(namespace, &gateway.namespace, &gateway.pod_labels()),
        }
    }
}
