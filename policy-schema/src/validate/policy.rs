//! Validates a `ServicePolicy` document.

use super::placed::Placed;
use super::{Options, attachment, enforceable, exposures, service};
use crate::check::{RuleContext, check_ports, check_rules};
use crate::diagnostic::Diagnostic;
use crate::document::{ServicePolicyDocument, ServicePolicySpec};
use crate::lint::lint_rule;
use crate::plugin_config::{PolicyName, check_policy_name};
use crate::policy::{Attachment, Mesh, ServicePolicy};
use crate::problem::{Cursor, Problems};
use crate::rule::Rule;
use crate::rule_spec::Enforcement;
use crate::timestamp::Phase;

/// Checks a single policy. None if its attachment or rules cannot be read.
pub(super) fn check(
    placed: &Placed<'_, ServicePolicyDocument>,
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
    let account = spec.service_account.as_deref();
    service::check_account(account, &cursor.key("serviceAccount"), &mut problems);
    let service = spec
        .service
        .as_ref()
        .map(|service| service::check(service, &name.name, &cursor.key("service"), &mut problems));
    let exposures = exposures::check(
        spec.exposures.as_deref(),
        service.as_ref(),
        mesh,
        &cursor.key("exposures"),
        &mut problems,
    );
    let external_hosts = service::check_external_hosts(
        spec.external_hosts.as_deref(),
        &cursor.key("externalHosts"),
        &mut problems,
    );
    let tcp_ports = check_ports(
        spec.tcp_ports.as_deref(),
        &cursor.key("tcpPorts"),
        &mut problems,
    );
    let around = Around {
        namespace: &name.namespace,
        attachment: attachment.as_ref(),
        mesh,
        enforcement: spec
            .enforcement
            .or(mesh.map(|mesh| mesh.default_enforcement))
            .unwrap_or_default(),
        options,
    };
    let rules = around.rules(spec, &cursor.key("rules"), &mut problems);
    let enforcement = around.enforcement;
    placed.place(problems, diagnostics);
    Some(ServicePolicy {
        name,
        source: placed.source,
        attachment: attachment?,
        enforcement,
        otherwise: spec.otherwise.unwrap_or_default(),
        tcp_ports,
        shared_tcp_ports: Vec::new(),
        followers: Vec::new(),
        rank: 0,
        rules: rules?,
        at: options.at,
        service_account: spec.service_account.clone(),
        service,
        exposures: exposures?,
        external_hosts,
    })
}

/// The policy's settings for all of its rules, and its mesh.
struct Around<'p> {
    namespace: &'p str,
    attachment: Option<&'p Attachment>,
    mesh: Option<&'p Mesh>,
    enforcement: Enforcement,
    options: Options,
}

impl Around<'_> {
    /// The rules of `spec`. None if any cannot be read.
    fn rules(
        &self,
        spec: &ServicePolicySpec,
        cursor: &Cursor<'_>,
        problems: &mut Problems,
    ) -> Option<Vec<Rule>> {
        let place = self.attachment.zip(self.mesh);
        let scope = RuleContext {
            trust_domains: self.mesh.map(Mesh::trust_domains),
            namespace: self.namespace,
            enforcement: self.enforcement,
            otherwise: spec.otherwise.unwrap_or_default(),
            at_gateway: place
                .is_none_or(|(attachment, mesh)| mesh.is_at_gateway(self.namespace, attachment)),
        };
        let mut rules = check_rules(&spec.rules, &scope, cursor, problems);
        if let Some(mesh) = self.mesh {
            let accepts_plaintext = place.is_none_or(|(attachment, mesh)| {
                mesh.accepts_plaintext(self.namespace, attachment)
            });
            for (index, rule) in rules.iter_mut().enumerate() {
                if let Some(rule) = rule {
                    let cursor = cursor.index(index);
                    self.check_in_mesh(rule, mesh, accepts_plaintext, &cursor, problems);
                    take_default_owner(rule, mesh);
                }
            }
        }
        rules.into_iter().collect()
    }

    /// Reports the parts of a rule that never match in the mesh, or that no enforcement point
    /// enforces.
    fn check_in_mesh(
        &self,
        rule: &Rule,
        mesh: &Mesh,
        accepts_plaintext: bool,
        cursor: &Cursor<'_>,
        problems: &mut Problems,
    ) {
        let (enforcement, at) = (self.enforcement, self.options.at);
        lint_rule(rule, mesh, accepts_plaintext, at, cursor, problems);
        enforceable::check_rule(rule, enforcement, at, cursor, problems);
        if mesh.filter_image().is_none() && rule.validity.phase(at) != Phase::After {
            enforceable::check_without_filter(rule, enforcement, at, cursor, problems);
        }
    }
}

fn take_default_owner(rule: &mut Rule, mesh: &Mesh) {
    if rule.owner.is_none() {
        rule.owner = mesh.default_owner.as_deref().map(Into::into);
    }
}
