//! Checks that a proxy enforces policies with `targetRefs` at their targets.

use std::collections::BTreeMap;

use super::extent::KindsRead;
use super::object::{Object, ObjectId, by_id};
use super::workloads::Workloads;
use super::{Finding, FindingCode, Verdict};
use crate::document::TargetRef;
use crate::policy::{Attachment, IstioVersion, PolicySet, ServicePolicy};

const GATEWAY_API: &str = "gateway.networking.k8s.io";

/// The class of gateways and waypoints that apply no policies (Istio, "agentgateway").
const AGENTGATEWAY: &str = "istio-agentgateway";

/// The label of pods that Istio creates for a `Gateway`.
const CLASS_NAME: &str = "gateway.networking.k8s.io/gateway-class-name";

/// The labels with which services and namespaces select a waypoint (Istio, "Labels").
const USE_WAYPOINT: &str = "istio.io/use-waypoint";
const WAYPOINT_NAMESPACE: &str = "istio.io/use-waypoint-namespace";

/// The label with the kinds of traffic that a waypoint handles.
const WAYPOINT_FOR: &str = "istio.io/waypoint-for";

/// The first version in which a plugin for a service does not keep a waypoint of another namespace
/// from starting.
const FOREIGN_PLUGINS: IstioVersion = IstioVersion::minor(31);

/// The observed objects.
struct Seen<'s> {
    set: &'s PolicySet,
    objects: BTreeMap<&'s ObjectId, Vec<&'s Object>>,
    kinds_read: &'s KindsRead,
}

/// The waypoint that a service or its namespace selects.
enum Choice<'o> {
    Waypoint {
        namespace: &'o str,
        name: &'o str,
    },
    Nothing,
    /// The namespace was not observed.
    Unknown,
}

pub(super) fn check(
    set: &PolicySet,
    objects: &[Object],
    workloads: &Workloads<'_>,
    kinds_read: &KindsRead,
    verdict: &mut Verdict,
) {
    let seen = Seen {
        set,
        objects: by_id(objects),
        kinds_read,
    };
    for policy in &set.policies {
        if let Attachment::Targets(targets) = &policy.attachment {
            for target in targets {
                seen.check_target(policy, target, verdict);
            }
        }
    }
    check_pods(workloads, verdict);
}

/// Reports pods that a policy selects although their gateway applies no policies.
fn check_pods(workloads: &Workloads<'_>, verdict: &mut Verdict) {
    for workload in &workloads.all {
        let class = workload.labels.get(CLASS_NAME);
        if !class.is_some_and(|class| class.starts_with(AGENTGATEWAY)) {
            continue;
        }
        for policy in &workload.policies {
            let by_target = matches!(policy.attachment, Attachment::Targets(_));
            if !by_target {
                verdict.findings.push(Finding {
                    subject: workload.title.clone(),
                    ..Finding::about(
                        workload.object,
                        FindingCode::UnenforcedTarget,
                        format!(
                            "policy `{}` selects it, but gateways of class `{}` enforce no policies",
                            policy.name,
                            class.map_or("", String::as_str)
                        ),
                        USE_ANOTHER_CLASS,
                    )
                });
            }
        }
    }
}

const USE_ANOTHER_CLASS: &str =
    "use the class `istio` for gateways, and `istio-waypoint` for waypoints";

impl<'s> Seen<'s> {
    fn check_target(&self, policy: &ServicePolicy, target: &TargetRef, verdict: &mut Verdict) {
        let group = target.group.as_deref().unwrap_or_default();
        let namespace = &*policy.name.namespace;
        let mut unenforced = |message: String, help: &str| {
            verdict.findings.push(Finding::new(
                format!("ServicePolicy {}", policy.name),
                FindingCode::UnenforcedTarget,
                message,
                help,
            ));
        };
        let title = format!("{} `{}`", target.kind, target.name);
        match (group, &*target.kind) {
            (GATEWAY_API, "GatewayClass") if target.name.starts_with(AGENTGATEWAY) => {
                unenforced(
                    format!("proxies of its target {title} enforce no policies"),
                    USE_ANOTHER_CLASS,
                );
            }
            (GATEWAY_API, "Gateway") => {
                if let Some(class) = self.class_of(namespace, &target.name)
                    && class.starts_with(AGENTGATEWAY)
                {
                    unenforced(
                        format!(
                            "its target {title} has class `{class}`, which enforces no policies"
                        ),
                        USE_ANOTHER_CLASS,
                    );
                }
            }
            ("", "Service") | ("networking.istio.io", "ServiceEntry") => {
                // A missing target is reported elsewhere.
                if let Some(service) = self.object(group, &target.kind, namespace, &target.name) {
                    self.check_service(policy, &title, service, verdict);
                }
            }
            _ => {}
        }
    }

    fn check_service(
        &self,
        policy: &ServicePolicy,
        title: &str,
        service: &Object,
        verdict: &mut Verdict,
    ) {
        let about = |code, message: String, help: &str| {
            Finding::new(
                format!("ServicePolicy {}", policy.name),
                code,
                message,
                help,
            )
        };
        let unenforced = |message, help| about(FindingCode::UnenforcedTarget, message, help);
        let (namespace, name) = match self.choice_of(service) {
            Choice::Waypoint { namespace, name } => (namespace, name),
            Choice::Nothing => {
                verdict.findings.push(unenforced(
                    format!(
                        "its target {title} uses no waypoint, and nothing else enforces the policy"
                    ),
                    "set the label `istio.io/use-waypoint` on the target or its namespace",
                ));
                return;
            }
            Choice::Unknown => {
                verdict.unchecked.push(format!(
                    "whether {title} uses a waypoint: its `Namespace` was not read"
                ));
                return;
            }
        };
        let waypoint = format!("waypoint `{namespace}/{name}`");
        let Some(gateway) = self.object(GATEWAY_API, "Gateway", namespace, name) else {
            if self.kinds_read.has(GATEWAY_API, "Gateway") {
                verdict.findings.push(unenforced(
                    format!("its target {title} uses {waypoint}, which does not exist"),
                    "create the waypoint with `istioctl waypoint apply`, or correct the label `istio.io/use-waypoint`",
                ));
            } else {
                verdict
                    .unchecked
                    .push(format!("whether {waypoint} of {title} exists"));
            }
            return;
        };
        let class = gateway.text("/spec/gatewayClassName").unwrap_or_default();
        if class.starts_with(AGENTGATEWAY) {
            verdict.findings.push(unenforced(
                format!("its target {title} uses {waypoint} of class `{class}`, which enforces no policies"),
                USE_ANOTHER_CLASS,
            ));
        }
        if let Some(traffic @ ("workload" | "none")) = gateway.label(WAYPOINT_FOR) {
            verdict.findings.push(unenforced(
                format!("its target {title} uses {waypoint}, whose label `{WAYPOINT_FOR}: {traffic}` excludes services"),
                "set the label `istio.io/waypoint-for` of the waypoint to `service` or `all`",
            ));
        }
        let mesh = &self.set.mesh;
        if namespace != &*policy.name.namespace
            && mesh.filter_image.is_some()
            && mesh.istio_version < FOREIGN_PLUGINS
        {
            verdict.findings.push(about(
                FindingCode::StalledWaypoint,
                format!(
                    "its filter for {title} prevents {waypoint} from starting: before {FOREIGN_PLUGINS}, Istio does not send a waypoint the plugins of another namespace"
                ),
                "use a waypoint in the policy's namespace, or upgrade to Istio 1.31",
            ));
        }
    }

    fn choice_of(&self, service: &'s Object) -> Choice<'s> {
        let namespace = self.object("", "Namespace", "", service.namespace());
        let chooser = match (service.label(USE_WAYPOINT), namespace) {
            (Some(_), _) => service,
            (None, Some(namespace)) => namespace,
            (None, None) => return Choice::Unknown,
        };
        match chooser.label(USE_WAYPOINT) {
            None | Some("none") => Choice::Nothing,
            Some(name) => Choice::Waypoint {
                namespace: chooser
                    .label(WAYPOINT_NAMESPACE)
                    .unwrap_or_else(|| service.namespace()),
                name,
            },
        }
    }

    fn class_of(&self, namespace: &str, gateway: &str) -> Option<&'s str> {
        let gateway = self.object(GATEWAY_API, "Gateway", namespace, gateway)?;
        gateway.text("/spec/gatewayClassName")
    }

    fn object(&self, group: &str, kind: &str, namespace: &str, name: &str) -> Option<&'s Object> {
        let id = ObjectId {
            kind: kind.to_owned(),
            group: group.to_owned(),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        };
        self.objects.get(&id)?.first().copied()
    }
}
