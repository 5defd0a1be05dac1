//! Imports `AuthorizationPolicy` objects with the same attachment as one `ServicePolicy`.

use std::collections::{BTreeMap, BTreeSet};

use super::attachment::{Attachment, exempt_pods};
use super::external_certificates::denies_at_gateways;
use super::mesh::ImportedMesh;
use super::metadata::{self, Metadata};
use super::names::{PolicyNames, RuleIds};
use super::objects::Placed;
use super::reading::Importer;
use super::resources::Resources;
use super::rule::rules;
use super::{Finding, ImportedPolicy, Origin, Outcome, RuleOrigin};
use crate::document::{
    PolicyMetadata, PolicyScope, Selector, ServicePolicyDocument, ServicePolicyKind,
    ServicePolicySpec, TargetRef,
};
use crate::identity::TrustDomains;
use crate::istio::AuthorizationPolicy;
use crate::istio::ObjectMetadata;
use crate::istio::authorization_policy::{Action, TargetReference};
use crate::plugin_config::ApiVersion;
use crate::rule_spec::{Enforcement, Otherwise, RuleSpec};

/// Objects with the same attachment.
pub(super) struct Group {
    pub(super) attachment: Attachment,
    /// The policy that they become. None if any of them cannot be imported.
    pub(super) policy: Option<ImportedPolicy>,
}

/// Imports all readable objects, group by group.
pub(super) fn groups(
    resources: &Resources,
    mesh: &ImportedMesh,
    findings: &mut Vec<Finding>,
) -> Vec<Group> {
    let groups = grouped(&resources.policies);
    let namespaces_of_gateways: BTreeSet<_> = groups
        .keys()
        .filter(|attachment| attachment.is_at_gateway())
        .map(|attachment| attachment.namespace.clone())
        .collect();
    let spec = &mesh.document.spec;
    let aliases = spec.trust_domain_aliases.as_deref().unwrap_or_default();
    let Some(trust_domains) = TrustDomains::new(&spec.trust_domain, aliases) else {
        return Vec::new(); // Reported already.
    };
    let root_namespace = mesh.root_namespace();
    let exempt_pods = exempt_pods(spec);
    let mut names = PolicyNames::new(&groups, &resources.unread);
    let mut carried = Vec::with_capacity(groups.len());
    for (attachment, mut objects) in groups {
        objects.sort_by(|a, b| a.resource.metadata.name.cmp(&b.resource.metadata.name));
        let importer = Importer {
            namespace: &attachment.namespace,
            trust_domains: &trust_domains,
            are_trust_domains_known: mesh.are_trust_domains_known,
            istio_version: mesh.istio_version,
            accepts_plaintext: attachment.is_at_gateway()
                || attachment.accepts_plaintext(exempt_pods.as_ref(), root_namespace),
            at_gateway: attachment.is_at_gateway(),
        };
        let may_be_gateway = attachment.is_for_all()
            && (attachment.namespace == root_namespace
                || namespaces_of_gateways.contains(&attachment.namespace));
        if may_be_gateway {
            report_closed_gateways(&objects, importer, findings);
        }
        let name = names.take(&attachment, &objects);
        let policy = policy(
            name,
            &attachment,
            &objects,
            importer,
            root_namespace,
            findings,
        );
        carried.push(Group { attachment, policy });
    }
    carried
}

type Grouped<'r> = BTreeMap<Attachment, Vec<&'r Placed<AuthorizationPolicy>>>;

/// Groups the objects by attachment. A target forms a group of its own if other objects apply to it
/// than to its neighbors: in the language, each target has one policy.
pub(super) fn grouped(objects: &[Placed<AuthorizationPolicy>]) -> Grouped<'_> {
    let mut groups: Grouped<'_> = BTreeMap::new();
    let mut of_target: BTreeMap<(String, TargetReference), Vec<usize>> = BTreeMap::new();
    for (position, object) in objects.iter().enumerate() {
        let attachment = Attachment::from_object(&object.resource);
        if attachment.targets.is_empty() {
            groups.entry(attachment).or_default().push(object);
            continue;
        }
        for target in attachment.targets {
            let target = (attachment.namespace.clone(), target);
            of_target.entry(target).or_default().push(position);
        }
    }
    let mut targets: BTreeMap<(String, Vec<usize>), BTreeSet<TargetReference>> = BTreeMap::new();
    for ((namespace, target), positions) in of_target {
        let alike = targets.entry((namespace, positions)).or_default();
        alike.insert(target);
    }
    for ((namespace, positions), targets) in targets {
        let attachment = Attachment {
            namespace,
            labels: BTreeMap::new(),
            targets,
        };
        let objects = positions.into_iter().filter_map(|at| objects.get(at));
        groups.insert(attachment, objects.collect());
    }
    groups
}

/// Reports objects for gateways and other workloads that deny clients from outside the mesh at
/// gateways. Only a policy for gateways alone can distinguish such clients from workloads with an
/// invalid identity.
fn report_closed_gateways(
    objects: &[&Placed<AuthorizationPolicy>],
    importer: Importer<'_>,
    findings: &mut Vec<Finding>,
) {
    for Placed {
        resource, place, ..
    } in objects
    {
        if denies_at_gateways(&resource.spec, importer) && !resource.is_dry_run() {
            findings.push(Finding {
                place: *place,
                outcome: Outcome::Noted,
                message: format!(
                    "`{}/{}` also applies to gateways. There it denies clients with certificates from outside the mesh, although Istio allows them; if a gateway has such clients, write a policy for it, and select the other workloads by labels here",
                    resource.metadata.namespace,
                    resource.metadata.name
                ),
            });
        }
    }
}

/// The policy that objects become. None if any part of them cannot be imported.
fn policy(
    name: String,
    attachment: &Attachment,
    objects: &[&Placed<AuthorizationPolicy>],
    importer: Importer<'_>,
    root_namespace: &str,
    findings: &mut Vec<Finding>,
) -> Option<ImportedPolicy> {
    let mut carried = Carried::default();
    for object in objects {
        carried.add(object, importer, findings);
    }
    let metadata = metadata::of(objects, findings);
    let Metadata {
        labels,
        annotations,
    } = metadata.filter(|_| !carried.is_refused)?;
    Some(ImportedPolicy {
        document: ServicePolicyDocument {
            api_version: ApiVersion::V1Alpha1,
            kind: ServicePolicyKind::ServicePolicy,
            metadata: PolicyMetadata {
                name,
                namespace: attachment.namespace.clone(),
                labels,
                annotations,
            },
            spec: ServicePolicySpec {
                scope: scope_of(attachment, root_namespace),
                selector: selector_of(attachment),
                target_refs: targets_of(attachment),
                service_account: None,
                service: None,
                exposures: None,
                external_hosts: None,
                otherwise: (!carried.allows).then_some(Otherwise::Pass),
                tcp_ports: None,
                enforcement: None,
                rules: carried.rules,
            },
        },
        origins: carried.origins,
        rule_origins: carried.rule_origins,
    })
}

fn scope_of(attachment: &Attachment, root_namespace: &str) -> Option<PolicyScope> {
    if !attachment.targets.is_empty() {
        None
    } else if attachment.namespace == root_namespace {
        Some(PolicyScope::Mesh)
    } else {
        attachment
            .labels
            .is_empty()
            .then_some(PolicyScope::Namespace)
    }
}

fn selector_of(attachment: &Attachment) -> Option<Selector> {
    let labels = &attachment.labels;
    (!labels.is_empty()).then(|| Selector {
        match_labels: labels.clone(),
    })
}

fn targets_of(attachment: &Attachment) -> Option<Vec<TargetRef>> {
    let targets = attachment.targets.iter().map(|target| TargetRef {
        group: Some(target.group.clone()).filter(|group| !group.is_empty()),
        kind: target.kind.clone(),
        name: target.name.clone(),
    });
    (!attachment.targets.is_empty()).then(|| targets.collect())
}

/// The imported parts of some objects.
#[derive(Default)]
struct Carried {
    rules: Vec<RuleSpec>,
    rule_origins: Vec<RuleOrigin>,
    origins: Vec<Origin>,
    ids: RuleIds,
    /// Whether an object allows, so that requests that none of them allows are denied.
    allows: bool,
    /// Whether any part cannot be imported.
    is_refused: bool,
}

impl Carried {
    fn add(
        &mut self,
        object: &Placed<AuthorizationPolicy>,
        importer: Importer<'_>,
        findings: &mut Vec<Finding>,
    ) {
        let Placed {
            resource,
            place,
            rules: places,
            comments,
        } = object;
        let ObjectMetadata {
            namespace, name, ..
        } = &resource.metadata;
        let qualified = format!("{namespace}/{name}");
        let is_dry_run = resource.is_dry_run();
        let action = resource.spec.action;
        self.allows |= action == Action::Allow && !is_dry_run;
        if action == Action::Custom && is_dry_run {
            self.is_refused = true;
            findings.push(Finding {
                place: *place,
                outcome: Outcome::LeftOut,
                message: format!(
                    "`{qualified}` has `istio.io/dry-run`, but Istio asks its authorizer anyway; remove the annotation or the object"
                ),
            });
        }
        if action != Action::Allow && resource.spec.rules.is_empty() {
            findings.push(Finding {
                place: *place,
                outcome: Outcome::Noted,
                message: format!("`{qualified}` has no rules and no effect"),
            });
        }
        for (number, rule) in resource.spec.rules.iter().enumerate() {
            let place = places.get(number).copied().unwrap_or(*place);
            let mut report = |refuses, message: String| {
                self.is_refused |= refuses;
                findings.push(Finding {
                    place,
                    outcome: if refuses {
                        Outcome::LeftOut
                    } else {
                        Outcome::Noted
                    },
                    message: format!("rule {number} of `{qualified}`: {message}"),
                });
            };
            let parts = rules(rule, &resource.spec, importer, &mut report);
            let mut about = comments.rules.get(number).cloned().unwrap_or_default();
            for mut part in parts {
                part.id = self.ids.id_of(&part, resource, number);
                part.enforcement = is_dry_run.then_some(Enforcement::Shadow);
                self.rules.push(part);
                self.rule_origins.push(RuleOrigin {
                    object: qualified.clone(),
                    number,
                    place,
                    comments: std::mem::take(&mut about),
                });
            }
        }
        self.origins.push(Origin {
            object: qualified,
            place: *place,
            comments: comments.object.clone(),
        });
    }
}
