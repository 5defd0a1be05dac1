//! Imports a rule of an `AuthorizationPolicy` as equivalent rules.

use super::external_certificates::{part_for_certificates, report_exclusions, with_exclusions};
use super::reading::{Importer, is_about_identity};
use super::report::Report;
use super::values::{NeverMatches, Values};
use crate::istio::authorization_policy::{
    Action, AuthorizationPolicySpec, AuthorizationRule, OperationEntry, Source, SourceEntry,
};
use crate::istio::tcp::{condition_asks_http, rule_asks_http};
use crate::rule_spec::{Effect, OperationSpec, RuleSpec, SourceSpec};

/// The rules that are equivalent to `rule`, with ID suffixes: a single one without, or one for each
/// kind of caller that it matches.
pub(super) fn rules(
    rule: &AuthorizationRule,
    spec: &AuthorizationPolicySpec,
    importer: Importer<'_>,
    report: &mut Report<'_>,
) -> Vec<RuleSpec> {
    let effect = match spec.action {
        Action::Allow => Effect::Allow,
        Action::Deny => Effect::Deny,
        Action::Audit => Effect::Audit,
        Action::Custom => Effect::Custom,
    };
    if effect == Effect::Deny && denies_all_tcp(rule) {
        report(
            false,
            "it denies all traffic on TCP ports, as in Istio, which drops HTTP conditions there; list such ports in `tcpPorts` to prevent that".to_owned(),
        );
    }
    let mut values = Values {
        effect,
        importer,
        report,
    };
    let when: Result<Vec<_>, _> = rule
        .when
        .iter()
        .filter_map(|condition| values.condition(condition).transpose())
        .collect();
    let sources = rule.from.iter().map(|from| {
        let carried = values.source(&from.source)?;
        let report = &mut *values.report;
        Ok(with_exclusions(
            &from.source,
            carried,
            rule,
            effect,
            importer,
            report,
        ))
    });
    let sources: Vec<Result<_, NeverMatches>> = sources.collect();
    if rule.from.is_empty() {
        report_exclusions(rule, effect, importer, values.report);
    }
    let from: Vec<_> = sources.into_iter().filter_map(Result::ok).collect();
    let operations = rule.to.iter().map(|to| values.operation(&to.operation));
    let operations: Vec<_> = operations.collect();
    let to: Vec<_> = operations.into_iter().filter_map(Result::ok).collect();
    let never_matches = when.is_err()
        || (from.is_empty() && !rule.from.is_empty())
        || (to.is_empty() && !rule.to.is_empty());
    let whole = RuleSpec {
        id: String::new(),
        effect,
        provider: spec.provider.as_ref().map(|provider| provider.name.clone()),
        description: None,
        owner: None,
        not_before: None,
        not_after: None,
        enforcement: None,
        from: Some(from).filter(|from| !from.is_empty()),
        to: Some(to).filter(|to| !to.is_empty()),
        when: when.ok().filter(|when| !when.is_empty()),
    };
    let outside = part_for_certificates(rule, &whole, importer, report);
    let mut rules = Vec::new();
    if !never_matches && effect != Effect::Allow {
        rules.push(whole);
    } else if !never_matches {
        let anonymous = importer
            .accepts_plaintext
            .then(|| without_identity(&whole))
            .flatten();
        rules.extend(with_identity(whole));
        rules.extend(anonymous);
    }
    rules.extend(outside);
    if effect == Effect::Allow && rule_asks_http(rule) {
        rules.iter_mut().for_each(keep_to_http);
    }
    rules
}

/// Whether a `DENY` rule denies everything on TCP ports, because none of its conditions applies to
/// connections. Istio's webhook warns about such rules (`ValidateAuthorizationPolicy`).
fn denies_all_tcp(rule: &AuthorizationRule) -> bool {
    let takes_every_caller = |from: &SourceEntry| {
        let mut of_connection = from.source.clone();
        of_connection.request_principals.clear();
        of_connection.not_request_principals.clear();
        of_connection == Source::default()
    };
    let takes_every_port =
        |to: &OperationEntry| to.operation.ports.is_empty() && to.operation.not_ports.is_empty();
    let mut conditions = rule.when.iter();
    rule_asks_http(rule)
        && (rule.from.is_empty() || rule.from.iter().any(takes_every_caller))
        && (rule.to.is_empty() || rule.to.iter().any(takes_every_port))
        && conditions.all(|condition| condition_asks_http(&condition.key))
}

/// Whether a rule requires HTTP.
pub(super) fn asks_http(rule: &RuleSpec) -> bool {
    let asks_source = |source: &SourceSpec| {
        source.request_principals.is_some() || source.not_request_principals.is_some()
    };
    let asks_operation = |operation: &OperationSpec| {
        let lists = [
            &operation.methods,
            &operation.not_methods,
            &operation.paths,
            &operation.not_paths,
            &operation.hosts,
            &operation.not_hosts,
        ];
        lists.iter().any(|list| list.is_some())
    };
    let mut conditions = rule.when.iter().flatten();
    rule.from.iter().flatten().any(asks_source)
        || rule.to.iter().flatten().any(asks_operation)
        || conditions.any(|condition| condition_asks_http(&condition.key))
}

/// Restricts an `Allow` rule to HTTP by requiring a method, which every HTTP request has. Istio
/// drops an `ALLOW` rule from TCP ports if any part of it requires HTTP, but the rule here may lack
/// that part.
pub(super) fn keep_to_http(rule: &mut RuleSpec) {
    if asks_http(rule) {
        return;
    }
    for operation in rule
        .to
        .get_or_insert_with(|| vec![OperationSpec::default()])
    {
        operation.methods = Some(vec!["*".to_owned()]);
    }
}

/// The part of an `Allow` rule for callers with an identity. None if it excludes them all.
fn with_identity(mut rule: RuleSpec) -> Option<RuleSpec> {
    let excludes_all = |list: &Option<Vec<String>>| list.iter().flatten().any(|value| value == "*");
    if let Some(sources) = &mut rule.from {
        sources.retain(|source| {
            !(excludes_all(&source.not_principals)
                || excludes_all(&source.not_namespaces)
                || excludes_all(&source.not_trust_domains))
        });
        if sources.is_empty() {
            return None;
        }
    }
    let is_open = rule.when.iter().flatten().all(|condition| {
        !(is_about_identity(&condition.key) && excludes_all(&condition.not_values))
    });
    is_open.then_some(rule)
}

/// The part of an `Allow` rule for callers without identity. In Istio they are in no list of
/// identities, and so no list excludes them.
fn without_identity(rule: &RuleSpec) -> Option<RuleSpec> {
    let everybody = [SourceSpec::default()];
    let sources = rule.from.as_deref().unwrap_or(&everybody);
    let sources: Vec<_> = sources
        .iter()
        .filter(|source| {
            let asks = [
                &source.principals,
                &source.service_accounts,
                &source.namespaces,
                &source.trust_domains,
            ];
            asks.iter().all(|list| list.is_none())
        })
        .map(|source| SourceSpec {
            anonymous: Some(true),
            not_principals: None,
            not_service_accounts: None,
            not_namespaces: None,
            not_trust_domains: None,
            ..source.clone()
        })
        .collect();
    let mut conditions = rule.when.clone().unwrap_or_default();
    let requires_identity = conditions
        .iter()
        .any(|condition| is_about_identity(&condition.key) && condition.values.is_some());
    if sources.is_empty() || requires_identity {
        return None;
    }
    conditions.retain(|condition| !is_about_identity(&condition.key));
    Some(RuleSpec {
        id: "-anonymous".to_owned(),
        from: Some(sources),
        when: Some(conditions).filter(|conditions| !conditions.is_empty()),
        ..rule.clone()
    })
}
