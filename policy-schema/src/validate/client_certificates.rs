//! Reports gateways that require client certificates, if their policies deny all of those clients.

use super::documents_by_name::DocumentsByName;
use crate::code;
use crate::diagnostic::Diagnostic;
use crate::policy::{Gateway, PoliciesByGateway, PolicySet, ServicePolicy};
use crate::problem::Cursor;
use crate::rule_spec::{Effect, Enforcement, Otherwise};

/// Warns about each such gateway, at the first policy that denies its clients.
pub(super) fn check_across_policies(
    documents: &DocumentsByName<'_>,
    set: &PolicySet,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let gateways = set.mesh.gateways.iter();
    let mut gateways = gateways
        .filter(|gateway| gateway.asks_for_certificates(None))
        .peekable();
    if gateways.peek().is_none() {
        return;
    }
    let enforced = Enforced::new(set);
    for gateway in gateways {
        let Some((policy, help)) = enforced.denying(gateway) else {
            continue;
        };
        let Some(document) = documents.get(policy) else {
            continue;
        };
        document.report(
            diagnostics,
            code::UNNAMED_CLIENT_CERTIFICATES,
            &Cursor::Root.key("metadata").key("name"),
            format!(
                "clients of gateway `{}` need certificates, but this policy denies every certificate from outside the mesh there",
                gateway.name
            ),
            help,
        );
    }
}

/// Enforced policies, by their decision about client certificates from outside the mesh.
struct Enforced<'s> {
    set: &'s PolicySet,
    /// Policies that deny every such certificate, unless they apply only to gateways.
    wide: PoliciesByGateway<'s>,
    /// Policies that deny by default.
    denying: PoliciesByGateway<'s>,
    /// Policies that allow some.
    allowing: PoliciesByGateway<'s>,
}

impl<'s> Enforced<'s> {
    fn new(set: &'s PolicySet) -> Self {
        let enforced =
            |is_it: &dyn Fn(&ServicePolicy) -> bool| {
                let policies = set.policies.iter().enumerate();
                PoliciesByGateway::new(policies.filter(|(_, policy)| {
                    policy.enforcement == Enforcement::Enforce && is_it(policy)
                }))
            };
        let is_at_gateway = |policy: &ServicePolicy| {
            set.mesh
                .is_at_gateway(&policy.name.namespace, &policy.attachment)
        };
        Self {
            set,
            wide: enforced(&|policy| lets_pass(policy) && !is_at_gateway(policy)),
            denying: enforced(&|policy| policy.otherwise_in(&set.mesh) == Otherwise::Deny),
            allowing: enforced(&allows_certificates),
        }
    }

    /// The first policy that denies every client certificate from outside the mesh at a gateway,
    /// and the fix.
    fn denying(&self, gateway: &Gateway) -> Option<(&'s ServicePolicy, &'static str)> {
        let policy = |position: usize| self.set.policies.get(position);
        if let Some(policy) = self.wide.first(gateway).and_then(policy) {
            return Some((
                policy,
                "`otherwise: Pass` denies them unless the policy applies to gateways only; add a selector that excludes the gateway",
            ));
        }
        let policy = self.denying.first(gateway).and_then(policy)?;
        if self.allowing.first(gateway).is_some() {
            return None;
        }
        let help = if lets_pass(policy) {
            "the `defaults` of the `Mesh` deny the requests that this policy lets pass; remove `otherwise: Pass` and allow the clients with a rule, such as `from: [{clientCertificates: [\"*\"]}]`"
        } else {
            "allow them in a policy for the gateway: `from: [{clientCertificates: [\"dns:NAME\"]}]`, or `[\"*\"]` for all that the gateway validated"
        };
        Some((policy, help))
    }
}

fn lets_pass(policy: &ServicePolicy) -> bool {
    policy.otherwise == Otherwise::Pass
}

fn allows_certificates(policy: &ServicePolicy) -> bool {
    let mut rules = policy.rules.iter();
    rules.any(|rule| {
        let mut sources = rule.sources.iter();
        rule.effect == Effect::Allow
            && rule.enforcement != Some(Enforcement::Shadow)
            && sources.any(|source| source.matches_only_client_certificates(rule.effect))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::SourceText;
    use crate::policy::Attachment;
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

    /// Attachments, each with its namespace.
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
    fn finds_the_same_first_policy_as_a_plain_loop() {
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
            let index = PoliciesByGateway::new(policies());
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
            _ => attachment.may_select_pods(namespace, &gateway.namespace, &gateway.pod_labels()),
        }
    }
}
