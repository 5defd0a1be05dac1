//! Converts rules to text in canonical spelling.

use ipnet::IpNet;

use super::{Condition, MetadataMatch, Operation, Rule, Source, Terms, Test};
use crate::rule_spec::{ConditionSpec, OperationSpec, RuleSpec, SourceSpec};

impl From<&Rule> for RuleSpec {
    fn from(rule: &Rule) -> Self {
        let text = |text: &Option<Box<str>>| text.as_deref().map(str::to_owned);
        Self {
            id: rule.id.to_string(),
            effect: rule.effect,
            provider: text(&rule.provider),
            description: text(&rule.description),
            owner: text(&rule.owner),
            not_before: rule.validity.not_before.map(|time| time.to_string()),
            not_after: rule.validity.not_after.map(|time| time.to_string()),
            enforcement: rule.enforcement,
            from: non_empty_list(&rule.sources, SourceSpec::from),
            to: non_empty_list(&rule.operations, OperationSpec::from),
            when: non_empty_list(&rule.conditions, ConditionSpec::from),
        }
    }
}

impl From<&Source> for SourceSpec {
    fn from(source: &Source) -> Self {
        Self {
            anonymous: source.anonymous.then_some(true),
            client_certificates: texts(&source.client_certificates.any_of),
            not_client_certificates: texts(&source.client_certificates.none_of),
            principals: texts(&source.principals.any_of),
            not_principals: texts(&source.principals.none_of),
            service_accounts: texts(&source.service_accounts.any_of),
            not_service_accounts: texts(&source.service_accounts.none_of),
            namespaces: texts(&source.namespaces.any_of),
            not_namespaces: texts(&source.namespaces.none_of),
            trust_domains: texts(&source.trust_domains.any_of),
            not_trust_domains: texts(&source.trust_domains.none_of),
            request_principals: texts(&source.request_principals.any_of),
            not_request_principals: texts(&source.request_principals.none_of),
            ip_blocks: non_empty_list(&source.ip_blocks.any_of, ip_block),
            not_ip_blocks: non_empty_list(&source.ip_blocks.none_of, ip_block),
            remote_ip_blocks: non_empty_list(&source.remote_ip_blocks.any_of, ip_block),
            not_remote_ip_blocks: non_empty_list(&source.remote_ip_blocks.none_of, ip_block),
        }
    }
}

impl From<&Operation> for OperationSpec {
    fn from(operation: &Operation) -> Self {
        Self {
            methods: texts(&operation.methods.any_of),
            not_methods: texts(&operation.methods.none_of),
            paths: texts(&operation.paths.any_of),
            not_paths: texts(&operation.paths.none_of),
            hosts: texts(&operation.hosts.any_of),
            not_hosts: texts(&operation.hosts.none_of),
            ports: non_empty_list(&operation.ports.any_of, |&port| port),
            not_ports: non_empty_list(&operation.ports.none_of, |&port| port),
        }
    }
}

impl From<&Condition> for ConditionSpec {
    fn from(condition: &Condition) -> Self {
        let (values, not_values) = match &condition.test {
            Test::Caller(source) => single_field(source),
            Test::Port(ports) => write_lists(ports, ToString::to_string),
            Test::DestinationIp(blocks) => write_lists(blocks, ip_block),
            Test::Header { values, .. } | Test::ServerName(values) => {
                write_lists(values, ToString::to_string)
            }
            Test::Metadata { values, .. } => write_lists(values, MetadataMatch::to_string),
        };
        Self {
            key: condition.key.to_string(),
            values,
            not_values,
        }
    }
}

type ValueLists = (Option<Vec<String>>, Option<Vec<String>>);

fn write_lists<V>(values: &Terms<Vec<V>>, write: impl Fn(&V) -> String) -> ValueLists {
    (
        non_empty_list(&values.any_of, &write),
        non_empty_list(&values.none_of, &write),
    )
}

/// The single field of a condition on the caller, and its `not…` counterpart.
fn single_field(source: &Source) -> ValueLists {
    let spec = SourceSpec::from(source);
    let values = [
        spec.principals,
        spec.service_accounts,
        spec.namespaces,
        spec.trust_domains,
        spec.request_principals,
        spec.ip_blocks,
        spec.remote_ip_blocks,
    ];
    let not_values = [
        spec.not_principals,
        spec.not_service_accounts,
        spec.not_namespaces,
        spec.not_trust_domains,
        spec.not_request_principals,
        spec.not_ip_blocks,
        spec.not_remote_ip_blocks,
    ];
    (
        values.into_iter().flatten().next(),
        not_values.into_iter().flatten().next(),
    )
}

/// An IP block; a single address is written without prefix length.
pub fn ip_block(block: &IpNet) -> String {
    if block.prefix_len() == block.max_prefix_len() {
        block.addr().to_string()
    } else {
        block.to_string()
    }
}

fn texts<V: ToString>(values: &[V]) -> Option<Vec<String>> {
    non_empty_list(values, V::to_string)
}

/// A list as in a document, omitted if empty.
fn non_empty_list<'v, T, U>(values: &'v [T], write: impl Fn(&'v T) -> U) -> Option<Vec<U>> {
    (!values.is_empty()).then(|| values.iter().map(write).collect())
}
