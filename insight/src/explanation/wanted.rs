//! The values that a rule accepts for an attribute, as written in the document.

use policy_schema::engine::Attribute;
use policy_schema::rule_spec::{OperationSpec, RuleSpec, SourceSpec};

/// The accepted values of an attribute. Any of them matches.
pub(super) fn wanted(rule: &RuleSpec, attribute: Attribute) -> Vec<String> {
    let mut wanted = match attribute {
        Attribute::Caller => sources(rule, callers),
        Attribute::Token => sources(rule, tokens),
        Attribute::Address => sources(rule, addresses),
        Attribute::Method => operations(rule, |to| (&to.methods, &to.not_methods)),
        Attribute::Path => operations(rule, |to| (&to.paths, &to.not_paths)),
        Attribute::Host => operations(rule, |to| (&to.hosts, &to.not_hosts)),
        Attribute::Port => ports(rule),
        Attribute::When => {
            let conditions = rule.when.iter().flatten();
            conditions.map(|condition| condition.key.clone()).collect()
        }
        Attribute::Time => times(rule),
    };
    wanted.dedup();
    wanted
}

type Lists<'r> = (&'r Option<Vec<String>>, &'r Option<Vec<String>>);

fn operations(rule: &RuleSpec, lists: impl Fn(&OperationSpec) -> Lists<'_>) -> Vec<String> {
    let operations = rule.to.iter().flatten();
    operations
        .flat_map(|operation| {
            let (any_of, none_of) = lists(operation);
            with_negation(any_of.iter().flatten(), none_of.iter().flatten())
        })
        .collect()
}

fn ports(rule: &RuleSpec) -> Vec<String> {
    let operations = rule.to.iter().flatten();
    operations
        .flat_map(|operation| {
            let (any_of, none_of) = (&operation.ports, &operation.not_ports);
            with_negation(any_of.iter().flatten(), none_of.iter().flatten())
        })
        .collect()
}

fn sources(rule: &RuleSpec, named: impl Fn(&SourceSpec) -> Vec<String>) -> Vec<String> {
    rule.from.iter().flatten().flat_map(named).collect()
}

fn callers(source: &SourceSpec) -> Vec<String> {
    let anonymous = source.anonymous.unwrap_or_default();
    let anonymous = anonymous.then(|| "anonymous callers".to_owned());
    let named = with_kinds([
        (
            "client certificate ",
            (&source.client_certificates, &source.not_client_certificates),
        ),
        ("", (&source.principals, &source.not_principals)),
        (
            "service account ",
            (&source.service_accounts, &source.not_service_accounts),
        ),
        ("namespace ", (&source.namespaces, &source.not_namespaces)),
        (
            "trust domain ",
            (&source.trust_domains, &source.not_trust_domains),
        ),
    ]);
    anonymous.into_iter().chain(named).collect()
}

fn tokens(source: &SourceSpec) -> Vec<String> {
    with_kinds([(
        "request principal ",
        (&source.request_principals, &source.not_request_principals),
    )])
}

/// Excludes addresses of the connection itself, which the filter cannot access.
fn addresses(source: &SourceSpec) -> Vec<String> {
    with_kinds([(
        "client address ",
        (&source.remote_ip_blocks, &source.not_remote_ip_blocks),
    )])
}

fn with_kinds<const N: usize>(lists: [(&str, Lists<'_>); N]) -> Vec<String> {
    let named = lists.into_iter().flat_map(|(kind, (any_of, none_of))| {
        let texts = with_negation(any_of.iter().flatten(), none_of.iter().flatten());
        texts
            .into_iter()
            .map(move |text| match text.strip_prefix("not ") {
                Some(text) => format!("not {kind}{text}"),
                None => format!("{kind}{text}"),
            })
    });
    named.collect()
}

fn with_negation<'t, T: ToString + 't>(
    any_of: impl Iterator<Item = &'t T>,
    none_of: impl Iterator<Item = &'t T>,
) -> Vec<String> {
    let any_of = any_of.map(ToString::to_string);
    any_of
        .chain(none_of.map(|text| format!("not {}", text.to_string())))
        .collect()
}

fn times(rule: &RuleSpec) -> Vec<String> {
    let from = rule.not_before.iter().map(|time| format!("from {time}"));
    let until = rule.not_after.iter().map(|time| format!("before {time}"));
    from.chain(until).collect()
}
