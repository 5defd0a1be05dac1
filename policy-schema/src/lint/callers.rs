//! The service accounts and namespaces in rules, each with its place.

use crate::matching::TextMatch;
use crate::policy::istio_account;
use crate::problem::Cursor;
use crate::rule::{Rule, Source, Test};

/// A caller that a rule names.
#[derive(Clone, Copy, Debug)]
pub(super) struct NamedCaller<'r> {
    pub(super) namespace: &'r str,
    /// None for every account of the namespace.
    pub(super) account: Option<&'r str>,
    /// Whether the rule includes these callers, rather than excludes them.
    pub(super) is_included: bool,
    /// Whether it is a principal without the `sa` in the form that Istio gives to workloads.
    pub(super) lacks_sa: bool,
}

/// Visits each caller that `rule` names by account or namespace.
pub(super) fn visit<'r>(
    rule: &'r Rule,
    rule_cursor: &Cursor<'_>,
    visit: &mut impl FnMut(&Cursor<'_>, NamedCaller<'r>),
) {
    let from = rule_cursor.key("from");
    for (index, source) in rule.sources.iter().enumerate() {
        visit_source(source, |key| key, &from.index(index), visit);
    }
    let when = rule_cursor.key("when");
    for (index, condition) in rule.conditions.iter().enumerate() {
        if let Test::Caller(source) = &condition.test {
            let key_of = |key: &'static str| {
                if key.starts_with("not") {
                    "notValues"
                } else {
                    "values"
                }
            };
            visit_source(source, key_of, &when.index(index), visit);
        }
    }
}

/// Visits the callers of a source. `key_of` maps its fields to keys of the document.
fn visit_source<'r>(
    source: &'r Source,
    key_of: impl Fn(&'static str) -> &'static str,
    cursor: &Cursor<'_>,
    visit: &mut impl FnMut(&Cursor<'_>, NamedCaller<'r>),
) {
    for (key, accounts, is_included) in [
        ("serviceAccounts", &source.service_accounts.any_of, true),
        (
            "notServiceAccounts",
            &source.service_accounts.none_of,
            false,
        ),
    ] {
        let list = cursor.key(key_of(key));
        for (index, account) in accounts.iter().enumerate() {
            let named = NamedCaller {
                namespace: &account.namespace,
                account: Some(&account.name),
                is_included,
                lacks_sa: false,
            };
            visit(&list.index(index), named);
        }
    }
    for (key, principals, is_included) in [
        ("principals", &source.principals.any_of, true),
        ("notPrincipals", &source.principals.none_of, false),
    ] {
        let list = cursor.key(key_of(key));
        for (index, principal) in principals.iter().enumerate() {
            if let Some((namespace, account, lacks_sa)) = parts(principal) {
                let named = NamedCaller {
                    namespace,
                    account,
                    is_included,
                    lacks_sa,
                };
                visit(&list.index(index), named);
            }
        }
    }
    for (key, namespaces, is_included) in [
        ("namespaces", &source.namespaces.any_of, true),
        ("notNamespaces", &source.namespaces.none_of, false),
    ] {
        let list = cursor.key(key_of(key));
        for (index, namespace) in namespaces.iter().enumerate() {
            if let TextMatch::Exact(namespace) = namespace {
                let named = NamedCaller {
                    namespace,
                    account: None,
                    is_included,
                    lacks_sa: false,
                };
                visit(&list.index(index), named);
            }
        }
    }
}

/// The namespace and account of a principal in Istio's form, if the pattern determines them, and
/// whether `sa` is missing between them.
fn parts(principal: &TextMatch) -> Option<(&str, Option<&str>, bool)> {
    match principal {
        TextMatch::Exact(id) => {
            if let Some((namespace, account)) = istio_account(id) {
                return Some((namespace, Some(account), false));
            }
            let (_, path) = id.split_once("/ns/")?;
            let (namespace, account) = path.split_once('/')?;
            let is_name = !account.contains('/') && !matches!(account, "" | "sa");
            is_name.then_some((namespace, Some(account), true))
        }
        TextMatch::Prefix(start) => {
            let (_, path) = start.split_once("/ns/")?;
            let (namespace, rest) = path.split_once('/')?;
            matches!(rest, "" | "sa/").then_some((namespace, None, false))
        }
        TextMatch::Any | TextMatch::Suffix(_) => None,
    }
}
