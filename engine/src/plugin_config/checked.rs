//! A validated plugin config.

use std::collections::BTreeMap;

use super::PluginConfig;
use super::digest::PolicyDigest;
use super::gateways::KnownGateway;
use super::names::{check_policy_name, check_trust_domains};
use super::policy::{CoEnforcedPolicy, MeshIdentity, PolicyName};
use crate::check::{RuleContext, check_rules, read_service_account};
use crate::code;
use crate::decision_id::DecisionKey;
use crate::identity::TrustDomains;
use crate::problem::{Cursor, Problem, Problems};
use crate::reporting::Reporting;
use crate::rule::{Rule, ServiceAccount};
use crate::rule_spec::{Enforcement, Otherwise};

/// A validated plugin config.
#[derive(Debug)]
pub(crate) struct CheckedConfig {
    pub(crate) name: PolicyName,
    pub(crate) revision: Option<String>,
    pub(crate) trust_domains: TrustDomains,
    pub(crate) gateways: Vec<ServiceAccount>,
    pub(crate) reporting: Reporting,
    pub(crate) decision_key: Option<DecisionKey>,
    pub(crate) known_gateways: Vec<KnownGateway>,
    pub(crate) at_gateway: bool,
    /// The leader first.
    pub(crate) policies: Vec<CheckedPolicy>,
    pub(crate) mesh_otherwise: Otherwise,
    pub(crate) may_be_led: bool,
}

/// One policy of a plugin config.
#[derive(Debug)]
pub(crate) struct CheckedPolicy {
    pub(crate) name: PolicyName,
    pub(crate) digest: PolicyDigest,
    match_labels: BTreeMap<String, String>,
    pub(crate) at_gateway: bool,
    pub(crate) enforcement: Enforcement,
    pub(crate) otherwise: Otherwise,
    pub(crate) rules: Vec<Rule>,
}

impl CheckedConfig {
    /// Keeps only the policies that select the workload; `label` looks up its labels.
    pub(crate) fn for_workload(mut self, label: impl Fn(&str) -> Option<String>) -> Self {
        let is_for = |labels: &BTreeMap<String, String>| {
            labels
                .iter()
                .all(|(key, value)| label(key).as_ref() == Some(value))
        };
        self.policies.retain(|policy| is_for(&policy.match_labels));
        self
    }
}

impl PluginConfig {
    /// Validates the config, or returns all problems.
    pub(crate) fn check(self) -> Result<CheckedConfig, Vec<Problem>> {
        let mut problems = Problems::default();
        let root = Cursor::Root;
        let trust_domains = check_trust_domains(&self.mesh, &root.key("mesh"), &mut problems);
        let gateways = check_gateways(&self.mesh, &root.key("mesh"), &mut problems);
        let reporting = self.reporting.check(&root.key("reporting"), &mut problems);
        let known_gateways = check_known_gateways(
            &self.known_gateways,
            &root.key("knownGateways"),
            &mut problems,
        );
        let decision_key = self.decision_key.as_deref();
        let decision_key = decision_key
            .and_then(|key| check_decision_key(key, &root.key("decisionKey"), &mut problems));
        // The leader selects every workload that has the filter.
        let leading = CoEnforcedPolicy {
            policy: self.policy.clone(),
            match_labels: BTreeMap::new(),
            at_gateway: self.at_gateway,
            enforcement: self.enforcement,
            otherwise: self.otherwise,
            rules: self.rules,
        };
        let mut policies = Vec::with_capacity(self.co_enforced.len() + 1);
        policies.push(leading.check(&self.mesh, trust_domains.as_ref(), &root, &mut problems));
        let co_enforced = root.key("coEnforced");
        for (index, policy) in self.co_enforced.into_iter().enumerate() {
            let cursor = co_enforced.index(index);
            policies.push(policy.check(&self.mesh, trust_domains.as_ref(), &cursor, &mut problems));
        }
        match (trust_domains, policies.into_iter().collect()) {
            (Some(trust_domains), Some(policies)) if problems.count() == 0 => Ok(CheckedConfig {
                name: self.policy,
                revision: self.revision,
                trust_domains,
                gateways,
                reporting,
                decision_key,
                known_gateways,
                at_gateway: self.at_gateway,
                policies,
                mesh_otherwise: self.mesh_otherwise,
                may_be_led: self.may_be_led,
            }),
            _ => Err(problems.into_vec()),
        }
    }
}

impl CoEnforcedPolicy {
    fn check(
        self,
        mesh: &MeshIdentity,
        trust_domains: Option<&TrustDomains>,
        cursor: &Cursor<'_>,
        problems: &mut Problems,
    ) -> Option<CheckedPolicy> {
        check_policy_name(&self.policy, &cursor.key("policy"), problems);
        let digest = PolicyDigest::new(mesh, &self);
        let scope = RuleContext {
            trust_domains: Some(trust_domains?),
            namespace: &self.policy.namespace,
            enforcement: self.enforcement,
            otherwise: self.otherwise,
            at_gateway: self.at_gateway,
        };
        let rules = check_rules(&self.rules, &scope, &cursor.key("rules"), problems);
        Some(CheckedPolicy {
            rules: rules.into_iter().collect::<Option<_>>()?,
            name: self.policy,
            digest,
            match_labels: self.match_labels,
            at_gateway: self.at_gateway,
            enforcement: self.enforcement,
            otherwise: self.otherwise,
        })
    }
}

fn check_gateways(
    mesh: &MeshIdentity,
    cursor: &Cursor<'_>,
    problems: &mut Problems,
) -> Vec<ServiceAccount> {
    let cursor = cursor.key("gateways");
    let mut accounts = Vec::with_capacity(mesh.gateways.len());
    for (index, text) in mesh.gateways.iter().enumerate() {
        let account = read_service_account(text, None);
        if account.is_none() {
            problems.report(
                code::INVALID_SERVICE_ACCOUNT,
                &cursor.index(index),
                format!("invalid gateway service account `{text}`"),
                "write `NAMESPACE/NAME`",
            );
        }
        accounts.extend(account);
    }
    accounts
}

fn check_known_gateways(
    texts: &[String],
    cursor: &Cursor<'_>,
    problems: &mut Problems,
) -> Vec<KnownGateway> {
    let mut gateways = Vec::with_capacity(texts.len());
    for (index, text) in texts.iter().enumerate() {
        let gateway = KnownGateway::parse(text);
        if gateway.is_none() {
            problems.report(
                code::INVALID_VALUE,
                &cursor.index(index),
                format!("invalid gateway `{text}`"),
                "write `NAMESPACE/KEY=VALUE,KEY=VALUE`",
            );
        }
        gateways.extend(gateway);
    }
    gateways
}

/// Does not quote the key, because the message may be logged.
fn check_decision_key(
    key: &str,
    cursor: &Cursor<'_>,
    problems: &mut Problems,
) -> Option<DecisionKey> {
    let read = DecisionKey::from_base64(key);
    if read.is_none() {
        problems.report(
            code::INVALID_VALUE,
            cursor,
            "invalid decision key",
            "render the config with `--decision-key`, or remove the field",
        );
    }
    read
}
