//! The policies for a workload, ready to answer questions.

use std::collections::BTreeSet;

use policy_schema::document::PathNormalization;
use policy_schema::engine::{CompiledPolicy, CompiledRule};
use policy_schema::plugin_config::PluginConfig;
use policy_schema::policy::{Labels, Mesh, PolicySet, ServicePolicy};
use policy_schema::rule_spec::RuleSpec;

use super::answer::{Answer, Asked};
use super::headers::as_envoy_joins_them;
use super::omitted::Rules;
use super::question::Question;
use super::target::Workload;
use super::unanswerable::Unanswerable;
use super::{compiled, config_at, of_workload};
use crate::failure::Failure;

/// The policies for a workload.
#[derive(Debug)]
pub(super) struct Decider<'s> {
    set: &'s PolicySet,
    workload: Workload<'s>,
    http: Rules,
    policy: CompiledPolicy,
    labels: Labels,
    notes: Vec<String>,
}

impl<'s> Decider<'s> {
    pub(super) fn new(
        set: &'s PolicySet,
        workload: Workload<'s>,
        labels: &Labels,
    ) -> Result<Self, Failure> {
        let config = config_at(set, workload.leader, labels);
        let policy = compiled(workload.leader, &config)?;
        let mut notes = Vec::new();
        if set.mesh().filter_image().is_none() {
            notes.push(
                "the `Mesh` names no image of the filter: RBAC alone enforces the policy, without times, shadow rules \
                 and reasons"
                    .to_owned(),
            );
        }
        Ok(Self {
            set,
            workload,
            http: Rules::new(config),
            policy,
            labels: labels.clone(),
            notes,
        })
    }

    /// What becomes of an HTTP request.
    pub(super) fn answer(&self, question: &mut Question<'_>) -> Result<Answer<'_>, Unanswerable> {
        let of_caller = self.notes_about(&question.caller)?;
        question.port = question
            .port
            .or(self.workload.port)
            .or_else(|| self.only_port(ServicePolicy::declared_http_ports));
        let mode = self.set.mesh().path_normalization();
        let asked = Asked {
            policy: &self.policy,
            mode,
            notes: self.notes.clone(),
        };
        let path = match question.path_seen(mode) {
            Some(Err(reason)) => return Ok(asked.refused(question, reason)),
            Some(Ok(path)) => Some(path),
            None => None,
        };
        let headers = as_envoy_joins_them(&question.headers);
        let headers: Vec<_> = headers
            .iter()
            .map(|(name, value)| (*name, &**value))
            .collect();
        let request = question.request(path.as_deref(), &headers);
        if let Some(undetermined) = self.http.undetermined(&request) {
            return Err(undetermined.into());
        }
        let mut answer = asked.answer(question, &request, |rule| self.http.spec(rule));
        answer
            .notes
            .extend(of_caller.iter().map(ToString::to_string));
        if let Some(port) = question.port.filter(|port| self.has_tcp_port(*port)) {
            answer.notes.push(format!(
                "port {port} is among `tcpPorts`, where rules see no HTTP: ask with `tcp` about connections to it"
            ));
        }
        if let Some(note) = answer
            .rule
            .and_then(|id| self.plane_note(&answer.policy, id))
        {
            answer.notes.push(note);
        }
        Ok(answer)
    }

    /// The policies as RBAC applies them to connections without HTTP.
    pub(super) fn without_http(&self, question: &Question<'_>) -> Result<TcpDecider, Failure> {
        let port = question
            .port
            .or(self.workload.port)
            .or_else(|| self.only_port(ServicePolicy::declared_tcp_ports));
        let port = port.ok_or_else(|| Failure::InvalidQuestion {
            message: "which rules apply to a connection without HTTP depends on its port"
                .to_owned(),
            help: "name the port of the workload: `--port`".to_owned(),
        })?;
        let leader = self.workload.leader;
        let config = of_workload(
            PluginConfig::without_http(self.set, leader, port),
            leader,
            &self.labels,
        );
        let policy = compiled(leader, &config)?;
        let mut notes = vec![
            "the filter does not see connections without HTTP: RBAC alone decides, by what Istio leaves of the rules"
                .to_owned(),
        ];
        if !self.has_tcp_port(port) {
            notes.push(format!(
                "port {port} is not among `tcpPorts`: from rules that deny by HTTP, Istio drops what they ask of HTTP, \
                 and they deny every connection"
            ));
        }
        Ok(TcpDecider {
            rules: Rules::new(config),
            policy,
            port,
            notes,
        })
    }

    pub(super) fn set(&self) -> &'s PolicySet {
        self.set
    }

    pub(super) fn mesh(&self) -> &'s Mesh {
        self.set.mesh()
    }

    /// The policy that the question names.
    pub(super) fn target(&self) -> &'s ServicePolicy {
        self.workload.policy
    }

    /// The policies that decide, as the filter has them.
    pub(super) fn policy(&self) -> &CompiledPolicy {
        &self.policy
    }

    /// Whether any of the policies is for gateways only, and so the workload is a gateway.
    pub(super) fn is_at_gateway(&self) -> bool {
        let config = self.http.config();
        let mut along = config.along.iter();
        config.at_gateway || along.any(|along| along.at_gateway)
    }

    /// Whether client certificates from outside the mesh are callers of their own.
    pub(super) fn takes_client_certificates(&self) -> bool {
        self.policy.takes_client_certificates()
    }

    /// A label that the workload is known to have.
    pub(super) fn label(&self, key: &str) -> Option<String> {
        let selected = self.workload.policy.selected_labels();
        let known = self.labels.get(key).or_else(|| selected?.get(key));
        known.cloned()
    }

    fn only_port(&self, ports: impl Fn(&ServicePolicy) -> BTreeSet<u16>) -> Option<u16> {
        let Workload { policy, leader, .. } = self.workload;
        let declared = [policy, leader].into_iter().map(ports);
        let declared = declared.into_iter().find(|ports| !ports.is_empty())?;
        let mut ports = declared.into_iter();
        ports.next().filter(|_| ports.next().is_none())
    }

    fn has_tcp_port(&self, port: u16) -> bool {
        let Workload { policy, leader, .. } = self.workload;
        [policy, leader]
            .iter()
            .any(|policy| policy.declared_tcp_ports().contains(&port))
    }

    /// What one of the enforcement points does not do of a rule.
    fn plane_note(&self, policy: &str, id: &str) -> Option<String> {
        let (namespace, name) = policy.split_once('/')?;
        let policy = self.set.policy(namespace, name)?;
        let mut notes = policy.plane_differences();
        let (_, note) = notes.find(|(rule, _)| *rule == id)?;
        Some(format!("rule `{id}`: {note}"))
    }
}

/// The policies for a workload as RBAC applies them to one of its ports.
#[derive(Debug)]
pub(super) struct TcpDecider {
    rules: Rules,
    policy: CompiledPolicy,
    port: u16,
    notes: Vec<String>,
}

impl TcpDecider {
    /// What becomes of a connection.
    pub(super) fn answer(&self, question: &mut Question<'_>) -> Result<Answer<'_>, Unanswerable> {
        question.port = Some(self.port);
        let request = question.request(None, &[]);
        if let Some(undetermined) = self.rules.undetermined(&request) {
            return Err(undetermined.into());
        }
        let asked = Asked {
            policy: &self.policy,
            mode: PathNormalization::None,
            notes: self.notes.clone(),
        };
        let mut answer = asked.answer(question, &request, |rule| self.rules.spec(rule));
        // The filter makes no ids here, and `explain` could not tell that there was no HTTP.
        answer.id = None;
        answer.revision = None;
        Ok(answer)
    }
}

impl Rules {
    /// A rule as it is written.
    fn spec(&self, rule: &CompiledRule) -> Option<RuleSpec> {
        let config = self.config();
        let along = config
            .along
            .iter()
            .map(|along| (&along.policy, &along.rules));
        let mut policies = [(&config.policy, &config.rules)].into_iter().chain(along);
        let (_, rules) = policies.find(|(name, _)| *name == rule.policy())?;
        rules.iter().find(|spec| spec.id == rule.id()).cloned()
    }
}
