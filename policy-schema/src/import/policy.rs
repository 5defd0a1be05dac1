//! `AuthorizationPolicy` objects → one `ServicePolicy` for each workload.

use std::collections::{BTreeMap, BTreeSet};

use super::mesh::ImportedMesh;
use super::outside::closes_gateways;
use super::reading::Importer;
use super::resources::{DEFAULT_NAMESPACE, Placed, Resources};
use super::rule::rules;
use super::{Finding, ImportedPolicy};
use crate::check::is_dns_label;
use crate::document::{
    MeshSpec, MtlsMode, PolicyMetadata, PolicyScope, Selector, ServicePolicyDocument,
    ServicePolicyKind, ServicePolicySpec, TargetRef,
};
use crate::identity::TrustDomains;
use crate::istio::AuthorizationPolicy;
use crate::istio::authorization_policy::{Action, TargetReference};
use crate::plugin_config::ApiVersion;
use crate::policy::{self, Labels, Pods};
use crate::rule_spec::{Enforcement, Otherwise, RuleSpec};

/// What objects are for: those that are for the same become one policy.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Attachment {
    namespace: String,
    labels: BTreeMap<String, String>,
    targets: BTreeSet<TargetReference>,
}

pub(super) fn policies(
    resources: &Resources,
    mesh: &ImportedMesh,
    findings: &mut Vec<Finding>,
) -> Vec<ImportedPolicy> {
    let mut groups: BTreeMap<Attachment, Vec<&Placed<AuthorizationPolicy>>> = BTreeMap::new();
    for policy in &resources.policies {
        let attachment = Attachment::of(&policy.resource);
        groups.entry(attachment).or_default().push(policy);
    }
    let namespaces_of_gateways: BTreeSet<_> = groups
        .keys()
        .filter(|attachment| attachment.is_at_gateway())
        .map(|attachment| attachment.namespace.clone())
        .collect();
    let spec = &mesh.document.spec;
    let aliases = spec.trust_domain_aliases.as_deref().unwrap_or_default();
    let Some(trust_domains) = TrustDomains::new(&spec.trust_domain, aliases) else {
        return Vec::new(); // Which has been reported.
    };
    let root_namespace = mesh.root_namespace();
    let excepted = excepted(spec);
    let mut policies: Vec<_> = groups
        .into_iter()
        .map(|(attachment, mut objects)| {
            objects.sort_by(|a, b| a.resource.metadata.name.cmp(&b.resource.metadata.name));
            let importer = Importer {
                namespace: &attachment.namespace,
                trust_domains: &trust_domains,
                are_trust_domains_known: mesh.are_trust_domains_known,
                istio_version: mesh.istio_version,
                takes_plaintext: attachment.is_at_gateway()
                    || attachment.takes_plaintext(excepted.as_ref(), root_namespace),
                at_gateway: attachment.is_at_gateway(),
            };
            let may_be_gateway = attachment.is_for_all()
                && (attachment.namespace == root_namespace
                    || namespaces_of_gateways.contains(&attachment.namespace));
            if may_be_gateway {
                report_closed_gateways(&objects, importer, findings);
            }
            policy(&attachment, &objects, importer, root_namespace, findings)
        })
        .collect();
    let name = |policy: &ImportedPolicy| {
        let metadata = &policy.document.metadata;
        (metadata.namespace.clone(), metadata.name.clone())
    };
    policies.sort_by_key(name);
    policies
}

impl Attachment {
    fn of(object: &AuthorizationPolicy) -> Self {
        let spec = &object.spec;
        let selector = spec.selector.clone().unwrap_or_default();
        let targets = spec.target_ref.iter().chain(&spec.target_refs);
        Self {
            namespace: namespace_of(object),
            labels: selector.match_labels,
            targets: targets.cloned().collect(),
        }
    }

    /// Whether it is for all workloads of its namespace, or of the mesh.
    fn is_for_all(&self) -> bool {
        self.labels.is_empty() && self.targets.is_empty()
    }

    /// Whether all workloads are gateways.
    fn is_at_gateway(&self) -> bool {
        let mut targets = self.targets.iter();
        if self.targets.is_empty() {
            policy::has_gateway_label(&self.labels)
        } else {
            targets.all(|target| policy::is_gateway(&target.kind, &target.name))
        }
    }

    /// Whether callers without identity may reach the workloads. `excepted` are those that may accept plaintext; none
    /// where all do.
    fn takes_plaintext(&self, excepted: Option<&Pods<Labels>>, root_namespace: &str) -> bool {
        let Some(excepted) = excepted else {
            return true;
        };
        let attachment = if !self.targets.is_empty() {
            policy::Attachment::Targets(Vec::new())
        } else if self.namespace == root_namespace {
            policy::Attachment::Mesh(self.labels.clone())
        } else if self.labels.is_empty() {
            policy::Attachment::Namespace
        } else {
            policy::Attachment::Workload(self.labels.clone())
        };
        let mut met = excepted.met_by(&self.namespace, &attachment);
        met.next().is_some()
    }
}

/// The pods of exceptions from strict mutual TLS; none where the mesh is not strict.
fn excepted(mesh: &MeshSpec) -> Option<Pods<Labels>> {
    let mtls = mesh.mtls.as_ref();
    let mtls = mtls.filter(|mtls| mtls.mode == Some(MtlsMode::Strict))?;
    let exceptions = mtls.exceptions.iter().flatten();
    Some(Pods::of(exceptions.map(|exception| {
        let selector = exception.selector.as_ref();
        let labels = selector.map(|selector| selector.match_labels.clone());
        (exception.namespace.as_str(), labels.unwrap_or_default())
    })))
}

/// Reports objects for gateways and other workloads that deny clients from outside the mesh at gateways: only a
/// policy for gateways alone can tell them from workloads with a bad identity.
fn report_closed_gateways(
    objects: &[&Placed<AuthorizationPolicy>],
    importer: Importer<'_>,
    findings: &mut Vec<Finding>,
) {
    for Placed {
        resource, place, ..
    } in objects
    {
        if closes_gateways(&resource.spec, importer) && !resource.is_dry_run() {
            findings.push(Finding {
                place: *place,
                is_refused: false,
                message: format!(
                    "`{}/{}` is for gateways too, where it denies client certificates from outside the mesh that Istio \
                     lets in; if clients of a gateway have any, write a policy for the gateway, and select the other \
                     workloads by labels here",
                    namespace_of(resource),
                    resource.metadata.name
                ),
            });
        }
    }
}

pub(super) fn namespace_of(object: &AuthorizationPolicy) -> String {
    match object.metadata.namespace.as_str() {
        "" => DEFAULT_NAMESPACE.to_owned(),
        namespace => namespace.to_owned(),
    }
}

fn policy(
    attachment: &Attachment,
    objects: &[&Placed<AuthorizationPolicy>],
    importer: Importer<'_>,
    root_namespace: &str,
    findings: &mut Vec<Finding>,
) -> ImportedPolicy {
    let mut otherwise = Otherwise::Pass;
    let mut all: Vec<RuleSpec> = Vec::new();
    let mut rule_origins = Vec::new();
    let mut origins = Vec::new();
    let mut ids = BTreeSet::new();
    for Placed {
        resource,
        place,
        rules: places,
    } in objects
    {
        let name = &resource.metadata.name;
        let qualified = format!("{}/{name}", attachment.namespace);
        let is_dry_run = resource.is_dry_run();
        let action = resource.spec.action;
        if action == Action::Allow && !is_dry_run {
            otherwise = Otherwise::Deny;
        }
        if action != Action::Allow && resource.spec.rules.is_empty() {
            findings.push(Finding {
                place: *place,
                is_refused: false,
                message: format!("`{qualified}` has no rules, and so does nothing"),
            });
        }
        for (number, rule) in resource.spec.rules.iter().enumerate() {
            let mut refuse = |is_refused, message: String| {
                findings.push(Finding {
                    place: places.get(number).copied().unwrap_or(*place),
                    is_refused,
                    message: format!("rule {number} of `{qualified}`: {message}"),
                });
            };
            for mut imported in rules(rule, &resource.spec, importer, &mut refuse) {
                imported.id = unused_id(name, number, &imported.id, &mut ids);
                imported.enforcement = is_dry_run.then_some(Enforcement::Shadow);
                all.push(imported);
                rule_origins.push((qualified.clone(), number));
            }
        }
        origins.push((qualified, *place));
    }
    let name = objects
        .first()
        .map(|first| first.resource.metadata.name.clone())
        .unwrap_or_default();
    let has_labels = !attachment.labels.is_empty();
    let has_targets = !attachment.targets.is_empty();
    let scope = match (attachment.namespace == root_namespace, has_labels) {
        _ if has_targets => None,
        (true, _) => Some(PolicyScope::Mesh),
        (false, false) => Some(PolicyScope::Namespace),
        (false, true) => None,
    };
    let targets = attachment.targets.iter().map(|target| TargetRef {
        group: Some(target.group.clone()).filter(|group| !group.is_empty()),
        kind: target.kind.clone(),
        name: target.name.clone(),
    });
    ImportedPolicy {
        document: ServicePolicyDocument {
            api_version: ApiVersion::V1Alpha1,
            kind: ServicePolicyKind::ServicePolicy,
            metadata: PolicyMetadata {
                name,
                namespace: attachment.namespace.clone(),
                labels: None,
                annotations: None,
            },
            spec: ServicePolicySpec {
                scope,
                selector: has_labels.then(|| Selector {
                    match_labels: attachment.labels.clone(),
                }),
                target_refs: has_targets.then(|| targets.collect()),
                service_account: None,
                service: None,
                exposures: None,
                external_hosts: None,
                otherwise: (otherwise == Otherwise::Pass).then_some(otherwise),
                tcp_ports: None,
                enforcement: None,
                rules: all,
            },
        },
        origins,
        rule_origins,
    }
}

/// The object's name and the rule's number, as far as a rule id can have them.
fn unused_id(name: &str, number: usize, suffix: &str, used: &mut BTreeSet<String>) -> String {
    let plain = name.replace(|letter: char| !letter.is_ascii_alphanumeric(), "-");
    let end = format!("-{number}{suffix}");
    let length = 63_usize.saturating_sub(end.len());
    let start: String = plain.to_ascii_lowercase().chars().take(length).collect();
    let wanted = format!("{start}{end}");
    let candidates = std::iter::once(wanted.clone())
        .chain((2..).map(|attempt| format!("rule-{}-{attempt}", used.len())));
    let mut free = candidates.filter(|id| is_dns_label(id) && !used.contains(id));
    let id = free.next().unwrap_or(wanted);
    used.insert(id.clone());
    id
}
