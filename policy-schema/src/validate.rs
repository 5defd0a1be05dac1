//! Texts → policies, or everything that stands in the way.

mod attachment;
mod documents;
mod enforceable;
mod overlap;

use crate::check::{Scope, check_ports, check_rules, is_dns_label, is_dns_subdomain};
use crate::code::{Code, Severity};
use crate::diagnostic::{Diagnostic, SourceText};
use crate::document::{MeshDocument, ServicePolicyDocument};
use crate::lint::lint_rule;
use crate::plugin_config::{MeshIdentity, PolicyName, check_policy_name, check_trust_domains};
use crate::policy::{IstioVersion, Mesh, PolicySet, ServicePolicy};
use crate::problem::{Cursor, Problems};
use crate::rule::Rule;
use crate::timestamp::Timestamp;

use documents::{Documents, Placed};

/// What validation is done with.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// The time at which a rule counts as expired.
    pub at: Timestamp,
    /// The Istio version to take instead of the mesh's own.
    pub istio_version: Option<IstioVersion>,
}

/// The outcome of validation.
#[derive(Debug)]
pub struct Validated {
    /// The policies; none when there is an error among the diagnostics.
    pub policies: Option<PolicySet>,
    /// All that was found, in the order of the texts.
    pub diagnostics: Vec<Diagnostic>,
}

/// Reads and checks all documents of an input together.
pub fn validate(sources: &[SourceText], options: Options) -> Validated {
    let mut documents = documents::read(sources);
    let mut diagnostics = std::mem::take(&mut documents.diagnostics);
    let mesh = check_meshes(&documents, options, &mut diagnostics);
    let policies: Vec<_> = documents
        .policies
        .iter()
        .map(|document| check_policy(document, mesh.as_ref(), options, &mut diagnostics))
        .collect();
    overlap::check(&documents.policies, &mut diagnostics);
    let policies = mesh
        .zip(policies.into_iter().collect::<Option<Vec<_>>>())
        .map(|(mesh, mut policies)| {
            policies.sort_by(|a, b| a.name.as_pair().cmp(&b.name.as_pair()));
            let mut set = PolicySet { mesh, policies };
            set.find_along();
            enforceable::check_together(&documents.policies, &set, &mut diagnostics);
            set
        });
    diagnostics.sort_by_key(|diagnostic| (diagnostic.source, diagnostic.span.start));
    diagnostics.dedup();
    let has_error = diagnostics
        .iter()
        .any(|diagnostic| diagnostic.severity() == Severity::Error);
    let policies = policies.filter(|_| !has_error);
    Validated {
        policies,
        diagnostics,
    }
}

fn check_meshes(
    documents: &Documents,
    options: Options,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Mesh> {
    let Some((first, others)) = documents.meshes.split_first() else {
        if let (Some(policy), false) = (documents.policies.first(), documents.has_unread_document) {
            policy.report(
                diagnostics,
                Code::MissingMesh,
                &Cursor::Root.key("kind"),
                "no document says what mesh this policy is for",
                "add a document of kind `Mesh` with the trust domain and the Istio version",
            );
        }
        return None;
    };
    for other in others {
        other.report_beside(
            first,
            diagnostics,
            Code::DuplicateMesh,
            &Cursor::Root.key("kind"),
            "there is a mesh already",
            "keep one `Mesh` document",
        );
    }
    check_mesh(first, options, diagnostics)
}

fn check_mesh(
    placed: &Placed<MeshDocument>,
    options: Options,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Mesh> {
    let mut problems = Problems::default();
    let metadata = Cursor::Root.key("metadata");
    let cursor = Cursor::Root.key("spec");
    let spec = &placed.document.spec;
    let name = &placed.document.metadata.name;
    if !is_dns_subdomain(name) {
        problems.report(
            Code::InvalidName,
            &metadata.key("name"),
            format!("`{name}` is not a name that Kubernetes accepts"),
            "use lower-case letters, digits, `-` and `.`, beginning and ending with a letter or digit",
        );
    }
    let identity = MeshIdentity {
        trust_domain: spec.trust_domain.clone(),
        trust_domain_aliases: spec.trust_domain_aliases.clone().unwrap_or_default(),
    };
    if spec
        .trust_domain_aliases
        .as_ref()
        .is_some_and(Vec::is_empty)
    {
        problems.report(
            Code::EmptyList,
            &cursor.key("trustDomainAliases"),
            "the list is empty",
            "name at least one alias, or remove the field",
        );
    }
    let trust_domains = check_trust_domains(&identity, &cursor, &mut problems);
    let own_version = IstioVersion::parse(&spec.istio_version);
    if own_version.is_none() {
        problems.report(
            Code::UnsupportedIstioVersion,
            &cursor.key("istioVersion"),
            format!(
                "`{}` is not an Istio version that Peergate supports",
                spec.istio_version
            ),
            format!(
                "write the minor version in quotes, from \"{}\" to \"{}\"",
                IstioVersion::OLDEST,
                IstioVersion::NEWEST
            ),
        );
    }
    let root_namespace = spec.root_namespace.as_deref().unwrap_or("istio-system");
    if !is_dns_label(root_namespace) {
        problems.report(
            Code::InvalidName,
            &cursor.key("rootNamespace"),
            format!("no namespace can be `{root_namespace}`"),
            "write Istio's `meshConfig.rootNamespace`, or remove the field",
        );
    }
    let filter = spec.filter.clone().unwrap_or_default();
    if let Some(image) = &filter.image
        && !is_image(image)
    {
        problems.report(
            Code::InvalidImage,
            &cursor.key("filter").key("image"),
            format!("`{image}` is not a reference that a sidecar can fetch"),
            "write `oci://REGISTRY/NAME@sha256:…`, `https://…` or `file:///…`",
        );
    }
    let defaults = spec.defaults.clone().unwrap_or_default();
    placed.place(problems, diagnostics);
    Some(Mesh {
        trust_domains: trust_domains?,
        root_namespace: root_namespace.to_owned(),
        istio_version: options.istio_version.or(own_version)?,
        mtls: spec.mtls.map(|mtls| mtls.mode).unwrap_or_default(),
        path_normalization: spec.path_normalization.unwrap_or_default(),
        filter_image: filter.image,
        caller_header: filter.caller_header.unwrap_or_default(),
        default_enforcement: defaults.enforcement.unwrap_or_default(),
        default_owner: defaults.owner,
    })
}

fn is_image(image: &str) -> bool {
    let schemes = ["oci://", "https://", "file://"];
    schemes.iter().any(|scheme| {
        image.strip_prefix(scheme).is_some_and(|rest| {
            !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_graphic())
        })
    })
}

fn check_policy(
    placed: &Placed<ServicePolicyDocument>,
    mesh: Option<&Mesh>,
    options: Options,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<ServicePolicy> {
    let mut problems = Problems::default();
    let ServicePolicyDocument { metadata, spec, .. } = &placed.document;
    let name = PolicyName {
        namespace: metadata.namespace.clone(),
        name: metadata.name.clone(),
    };
    check_policy_name(&name, &Cursor::Root.key("metadata"), &mut problems);
    let cursor = Cursor::Root.key("spec");
    let attachment = attachment::check(spec, &name.namespace, mesh, &cursor, &mut problems);
    let tcp_ports = check_ports(
        spec.tcp_ports.as_deref(),
        &cursor.key("tcpPorts"),
        &mut problems,
    );
    let enforcement = spec
        .enforcement
        .or(mesh.map(|mesh| mesh.default_enforcement))
        .unwrap_or_default();
    let scope = Scope {
        trust_domains: mesh.map(Mesh::trust_domains),
        namespace: &name.namespace,
        enforcement,
        otherwise: spec.otherwise.unwrap_or_default(),
    };
    let cursor = cursor.key("rules");
    let mut rules = check_rules(&spec.rules, &scope, &cursor, &mut problems);
    if let Some(mesh) = mesh {
        for (index, rule) in rules.iter_mut().enumerate() {
            let Some(rule) = rule else { continue };
            lint_rule(rule, mesh, options.at, &cursor.index(index), &mut problems);
            enforceable::check_rule(
                rule,
                enforcement,
                &tcp_ports,
                &cursor.index(index),
                &mut problems,
            );
            take_default_owner(rule, mesh);
        }
    }
    placed.place(problems, diagnostics);
    Some(ServicePolicy {
        name,
        attachment: attachment?,
        enforcement,
        otherwise: spec.otherwise.unwrap_or_default(),
        tcp_ports,
        along: Vec::new(),
        rank: 0,
        rules: rules.into_iter().collect::<Option<_>>()?,
    })
}

fn take_default_owner(rule: &mut Rule, mesh: &Mesh) {
    if rule.owner.is_none() {
        rule.owner = mesh.default_owner.as_deref().map(Into::into);
    }
}
