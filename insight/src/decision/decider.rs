//! Answers questions about a workload.

use std::collections::BTreeSet;

use peergate_fault::{ExitStatus, Fault};
use policy_schema::document::PathNormalization;
use policy_schema::engine::{CompiledPolicy, CompiledRule, Reason};
use policy_schema::plugin_config::{PluginConfig, PolicyName};
use policy_schema::policy::{AcceptedConnections, Labels, Mesh, PolicySet, ServicePolicy};
use policy_schema::rule_spec::{Enforcement, RuleSpec};
use thiserror::Error;

use super::answer::{Answer, AnswerContext};
use super::arrival::{Listener, Sent};
use super::omitted::{Rules, Undetermined};
use super::question::Question;
use super::refusal::Refusal;
use super::unanswerable::Unanswerable;
use super::workload::Workload;
use crate::compilation::{CompilationError, compiled, config_at, for_workload};

/// The compiled policies of a workload.
#[derive(Debug)]
pub struct Decider<'s> {
    set: &'s PolicySet,
    workload: Workload<'s>,
    http: Rules,
    policy: CompiledPolicy,
    labels: Labels,
    notes: Vec<String>,
}

impl<'s> Decider<'s> {
    /// Compiles the policies of a workload with the selected labels and these.
    pub fn new(
        set: &'s PolicySet,
        workload: Workload<'s>,
        labels: &Labels,
    ) -> Result<Self, CompilationError> {
        let config = config_at(set, workload.leader, labels);
        let policy = compiled(workload.leader, &config)?;
        let notes = if set.mesh().filter_image().is_none() {
            notes_without_filter(set, &config)
        } else {
            Vec::new()
        };
        Ok(Self {
            set,
            workload,
            http: Rules::new(config),
            policy,
            labels: labels.clone(),
            notes,
        })
    }

    /// Answers a question about an HTTP request.
    pub fn answer(&self, question: &mut Question<'_>) -> Result<Answer<'_>, Unanswerable> {
        let of_caller = self.notes_about(question)?;
        question.port = question
            .port
            .or(self.workload.port)
            .or_else(|| self.only_port(ServicePolicy::declared_http_ports));
        let mode = self.set.mesh().path_normalization();
        let asked = AnswerContext {
            policy: &self.policy,
            mode,
            notes: self.notes.clone(),
        };
        let of_connection = match self.connection(question, question.port)? {
            Ok(note) => note,
            Err(refusal) => return Ok(asked.refused(question, &refusal)),
        };
        let listener = self.listener(question);
        let seen = question
            .check_host()
            .and_then(|()| question.path_seen(mode))
            .and_then(|path| {
                question.check_connect()?;
                let sent = Sent::new(&question.headers)?;
                question.check_udp_path(sent.upgrade())?;
                let arrived = sent.arriving(listener, question.is_connect())?;
                Ok((path, arrived))
            });
        let (path, arrived) = match seen {
            Ok(seen) => seen,
            Err(refusal) => return Ok(asked.refused(question, &refusal)),
        };
        let headers: Vec<_> = arrived
            .headers
            .iter()
            .map(|(name, value)| (*name, &**value))
            .collect();
        let request = question.request(path.as_deref(), &headers);
        let unknown_headers = self
            .http
            .unknown_headers(|name| question.states_header(name) || listener.removes(name));
        if let Some(undetermined) = self.http.undetermined(&request, unknown_headers) {
            return Err(undetermined.into());
        }
        let mut answer = asked.answer(question, &request, |rule| self.http.spec(rule));
        if question.is_connect() && answer.passes {
            answer = Answer {
                shadow: answer.shadow,
                recorded: answer.recorded,
                notes: answer.notes,
                ..asked.refused(question, &Refusal::Connect)
            };
        }
        answer
            .notes
            .extend(of_caller.iter().map(ToString::to_string));
        answer.notes.extend(of_connection);
        answer.notes.extend(arrived.notes());
        if let Some(port) = question.port.filter(|port| self.has_tcp_port(*port)) {
            answer.notes.push(format!(
                "port {port} is in `tcpPorts`, where rules see no HTTP: use `tcp` for connections to it"
            ));
        }
        let of_rule = answer
            .rule
            .and_then(|id| self.plane_note(answer.policy, id));
        // Without the filter, the notes already contain the differences of all rules.
        answer
            .notes
            .extend(of_rule.filter(|_| !self.is_without_filter()));
        let is_by_certificate = BY_CERTIFICATE
            .iter()
            .any(|reason| reason.code().as_str() == answer.reason);
        if self.is_without_filter() && is_by_certificate {
            answer.notes.push(
                "RBAC does not deny callers for their certificate alone: a rule without `from` matches them"
                    .to_owned(),
            );
        }
        Ok(answer)
    }

    /// Compiles the policies as RBAC applies them to connections without HTTP.
    pub fn without_http(&self, question: &Question<'_>) -> Result<TcpDecider, WithoutHttpError> {
        let port = question
            .port
            .or(self.workload.port)
            .or_else(|| self.only_port(ServicePolicy::declared_tcp_ports));
        let port = port.ok_or(WithoutHttpError::NoPort)?;
        let leader = self.workload.leader;
        let config = for_workload(
            self.set.plugin_config_without_http(leader, port),
            leader,
            &self.labels,
        );
        let policy = compiled(leader, &config)?;
        let mut notes = vec![
            "the filter does not see connections without HTTP: only RBAC decides, with the parts of the rules that Istio keeps"
                .to_owned(),
        ];
        if !self.has_tcp_port(port) {
            notes.push(format!(
                "port {port} is not in `tcpPorts`: Istio drops the HTTP attributes of `Deny` rules, so these rules deny every \
                 connection"
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

    /// The policy in the question.
    pub(super) fn target(&self) -> &'s ServicePolicy {
        self.workload.policy
    }

    /// The compiled policies, as in the filter.
    pub(super) fn policy(&self) -> &CompiledPolicy {
        &self.policy
    }

    /// Whether the workload is a gateway, because one of its policies is only for gateways.
    pub(super) fn is_at_gateway(&self) -> bool {
        let config = self.http.config();
        let mut followers = config.co_enforced.iter();
        config.at_gateway || followers.any(|follower| follower.at_gateway)
    }

    /// Whether rules can name client certificates from outside the mesh.
    pub(super) fn accepts_client_certificates(&self) -> bool {
        self.policy.accepts_client_certificates()
    }

    /// The value of a label, if known.
    pub(super) fn label(&self, key: &str) -> Option<String> {
        let selected = self.workload.policy.selected_labels();
        let known = self.labels.get(key).or_else(|| selected?.get(key));
        known.cloned()
    }

    /// Whether the proxy accepts the connection, with a note.
    pub(super) fn connection(
        &self,
        question: &Question<'_>,
        port: Option<u16>,
    ) -> Result<Result<Option<String>, Refusal>, Unanswerable> {
        let labels = self.known_labels();
        let accepted =
            self.set
                .accepted_connections(self.workload.leader, &labels, port, question.at);
        let may_refuse = |why: &str| {
            format!("the proxy rejects connections without mutual TLS if its mode is strict: {why}")
        };
        if question.is_anonymous()
            && let Some(refusal) = self.refusal_without_certificate(question)
        {
            return Ok(Err(refusal));
        }
        Ok(match (accepted, question.is_anonymous()) {
            (AcceptedConnections::All, _)
            | (AcceptedConnections::Plaintext(_), true)
            | (
                AcceptedConnections::MutualTls
                | AcceptedConnections::ThroughWaypoint
                | AcceptedConnections::NotConfigured
                | AcceptedConnections::MaybeGateway(_)
                | AcceptedConnections::MaybeExcepted(_),
                false,
            ) => Ok(None),
            (AcceptedConnections::MutualTls, true) => Err(Refusal::NoMutualTls),
            (AcceptedConnections::ThroughWaypoint, true) => Err(Refusal::OnlyHbone),
            (AcceptedConnections::Plaintext(name), false) => {
                Err(Refusal::OnlyPlaintext(name.to_owned()))
            }
            (AcceptedConnections::ByPort(name), _) => {
                return Err(Undetermined::port_of_exception(name).into());
            }
            (AcceptedConnections::NotConfigured, true) => Ok(Some(may_refuse(
                "the `Mesh` does not set `mtls.mode`, so the cluster decides",
            ))),
            (AcceptedConnections::MaybeGateway(name), true) => Ok(Some(may_refuse(&format!(
                "the workload may be the gateway `{name}`, which accepts every connection"
            )))),
            (AcceptedConnections::MaybeExcepted(name), true) => Ok(Some(may_refuse(&format!(
                "the documents do not show whether the exception `{name}` applies to the workload"
            )))),
        })
    }

    /// Why every gateway that may receive the request rejects callers without a certificate.
    fn refusal_without_certificate(&self, question: &Question<'_>) -> Option<Refusal> {
        let name = question.name_in_tls();
        let gateways = self.set.gateways_named_by(self.workload.policy);
        let first = gateways.first()?;
        let requires = gateways
            .iter()
            .all(|gateway| gateway.requires_certificates(name.as_deref()));
        requires.then(|| Refusal::NoCertificate {
            gateway: first.name().to_owned(),
            ports: gateways
                .iter()
                .flat_map(|gateway| gateway.redirect_ports())
                .collect(),
        })
    }

    /// Whether only RBAC enforces the policies.
    fn is_without_filter(&self) -> bool {
        self.mesh().filter_image().is_none()
    }

    fn listener(&self, question: &Question<'_>) -> Listener {
        let labels = self.known_labels();
        Listener {
            is_sidecar: self.set.is_at_sidecar(self.workload.leader, &labels),
            is_anonymous: question.is_anonymous(),
            forwards_expectations: self.mesh().istio_version().forwards_expectations(),
        }
    }

    /// The labels of the workload known from the question and its policy.
    fn known_labels(&self) -> Labels {
        let selected = self.workload.policy.selected_labels();
        let mut labels = selected.cloned().unwrap_or_default();
        labels.extend(self.labels.clone());
        labels
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

    /// A note about a rule that the enforcement points apply differently.
    fn plane_note(&self, policy: &PolicyName, id: &str) -> Option<String> {
        let policy = self.set.policy(&policy.namespace, &policy.name)?;
        let mut notes = policy.enforcement_differences(self.set.mesh());
        let (_, note) = notes.find(|(rule, _)| *rule == id)?;
        Some(format!("rule `{id}`: {note}"))
    }
}

/// Reasons for which only the filter denies callers.
const BY_CERTIFICATE: [Reason<'_>; 3] = [
    Reason::ForeignTrustDomain,
    Reason::MalformedIdentity,
    Reason::UnvalidatedCertificate,
];

/// The maximum number of rules named in notes.
const MAX_NAMED_RULES: usize = 8;

/// Notes about differences between RBAC and the filter, whose engine decides here.
fn notes_without_filter(set: &PolicySet, config: &PluginConfig) -> Vec<String> {
    let followers = config.co_enforced.iter().map(|follower| &follower.policy);
    let policies = [&config.policy].into_iter().chain(followers);
    let policies = policies.filter_map(|name| set.policy(&name.namespace, &name.name));
    let mut differences = policies.flat_map(|policy| {
        let differences = policy.enforcement_differences(set.mesh());
        differences.map(|(rule, note)| format!("rule `{rule}` of `{}`: {note}", policy.name()))
    });
    let named: Vec<_> = differences.by_ref().take(MAX_NAMED_RULES).collect();
    let is_in_shadow = config.enforcement == Enforcement::Shadow;
    let general = if is_in_shadow {
        "the `Mesh` sets no filter image: nothing enforces or records this policy"
    } else if named.is_empty() {
        "the `Mesh` sets no filter image: only RBAC enforces the policy, without reasons"
    } else {
        "the `Mesh` sets no filter image: only RBAC enforces the policy, without reasons, and may \
         decide differently because of these rules"
    };
    let more = differences.count();
    let more =
        (more > 0).then(|| format!("and {more} more notes about rules: run `peergate render`"));
    [general.to_owned()]
        .into_iter()
        .chain(named)
        .chain(more)
        .collect()
}

/// Why a question about a connection without HTTP has no answer.
#[derive(Debug, Error)]
pub enum WithoutHttpError {
    /// The question has no port, and the policies declare none or several.
    #[error("the rules for a connection without HTTP depend on its port")]
    NoPort,
    /// A policy cannot be compiled.
    #[error(transparent)]
    Compilation(#[from] CompilationError),
}

impl WithoutHttpError {
    /// The help, in terms of fields of a line.
    pub(super) fn help_with_fields(&self) -> Option<&str> {
        match self {
            Self::NoPort => Some("add the workload port as `port`"),
            Self::Compilation(reason) => reason.help(),
        }
    }
}

impl Fault for WithoutHttpError {
    fn status(&self) -> ExitStatus {
        match self {
            Self::NoPort => ExitStatus::Invalid,
            Self::Compilation(reason) => reason.status(),
        }
    }

    fn help(&self) -> Option<&str> {
        match self {
            Self::NoPort => Some("add `--port` with the workload port"),
            Self::Compilation(reason) => reason.help(),
        }
    }
}

/// The policies of a workload as RBAC applies them to one of its TCP ports.
#[derive(Debug)]
pub struct TcpDecider {
    rules: Rules,
    policy: CompiledPolicy,
    port: u16,
    notes: Vec<String>,
}

impl TcpDecider {
    /// Answers a question about a connection to the workload of `decider`.
    pub fn answer(
        &self,
        decider: &Decider<'_>,
        question: &mut Question<'_>,
    ) -> Result<Answer<'_>, Unanswerable> {
        decider.check_without_http(question)?;
        question.port = Some(self.port);
        let asked = AnswerContext {
            policy: &self.policy,
            mode: PathNormalization::None,
            notes: self.notes.clone(),
        };
        let of_connection = match decider.connection(question, question.port)? {
            Ok(note) => note,
            Err(refusal) => return Ok(asked.refused(question, &refusal)),
        };
        let request = question.request(None, &[]);
        if let Some(undetermined) = self.rules.undetermined(&request, BTreeSet::new()) {
            return Err(undetermined.into());
        }
        let mut answer = asked.answer(question, &request, |rule| self.rules.spec(rule));
        answer.notes.extend(of_connection);
        // The filter creates no IDs here, and an ID cannot express a connection without HTTP.
        answer.id = None;
        answer.revision = None;
        Ok(answer)
    }
}

impl Rules {
    /// Finds a rule in the documents.
    fn spec(&self, rule: &CompiledRule) -> Option<&RuleSpec> {
        let config = self.config();
        let followers = config
            .co_enforced
            .iter()
            .map(|follower| (&follower.policy, &follower.rules));
        let mut policies = [(&config.policy, &config.rules)]
            .into_iter()
            .chain(followers);
        let (_, rules) = policies.find(|(name, _)| *name == rule.policy())?;
        rules.iter().find(|spec| spec.id == rule.id())
    }
}
