//! Translates a rule of an `AuthorizationPolicy` to a policy of Envoy's RBAC (Istio,
//! `pilot/pkg/security/authz/model`).
//!
//! Fields that are malformed, or do not apply to the connection, drop an `ALLOW` rule. They are
//! removed from a rule with another action.

use super::config::{Permission, Policy, Principal};
use super::matcher::{self, Malformed};
use crate::identity::TrustDomains;
use crate::istio::authorization_policy::{Action, AuthorizationRule, Condition, Operation, Source};
use crate::istio::trust_domain_aliases;
use crate::rule::Terms;

/// The context of the translation.
#[derive(Clone, Copy)]
pub(super) struct Scope<'s> {
    pub(super) action: Action,
    pub(super) namespace: &'s str,
    pub(super) trust_domains: &'s TrustDomains,
    /// Whether the connection speaks HTTP.
    pub(super) is_http: bool,
}

/// The policy for a rule. None if Istio drops it.
pub(super) fn policy(rule: &AuthorizationRule, scope: Scope<'_>) -> Option<Policy> {
    let mut of_request = Vec::new();
    let mut of_caller = Vec::new();
    for condition in &rule.when {
        match attribute(condition, scope)? {
            Attribute::Request(terms) => of_request.push(terms),
            Attribute::Caller(terms) => of_caller.push(terms),
        }
    }
    let permissions = each_or_one(&rule.to, |to| {
        let mut terms = to.map_or_else(Vec::new, |to| operation(&to.operation));
        terms.extend(of_request.iter().cloned());
        terms
    });
    let principals = each_or_one(&rule.from, |from| {
        let mut terms = from.map_or_else(Vec::new, |from| source(&from.source, scope));
        terms.extend(of_caller.iter().cloned());
        terms
    });
    Some(Policy {
        permissions: permissions
            .into_iter()
            .map(|terms| all_of(terms, scope))
            .collect::<Option<_>>()?,
        principals: principals
            .into_iter()
            .map(|terms| all_of(terms, scope))
            .collect::<Option<_>>()?,
    })
}

/// One result for each entry, or a single one without an entry.
fn each_or_one<E, T>(entries: &[E], of: impl Fn(Option<&E>) -> T) -> Vec<T> {
    if entries.is_empty() {
        vec![of(None)]
    } else {
        entries.iter().map(|entry| of(Some(entry))).collect()
    }
}

/// A field with its `not…` twin. Some do not apply without HTTP.
#[derive(Clone)]
struct Field<M> {
    terms: Terms<Vec<Result<M, Malformed>>>,
    is_http: bool,
}

impl<M> Field<M> {
    fn new(
        values: &[String],
        not_values: &[String],
        is_http: bool,
        matcher: impl Fn(&str) -> Result<M, Malformed>,
    ) -> Self {
        let written = Terms {
            any_of: values,
            none_of: not_values,
        };
        Self {
            terms: written.map(|values| values.iter().map(|value| matcher(value)).collect()),
            is_http,
        }
    }
}

/// Combines Envoy's permissions or principals.
trait Matcher: Clone {
    fn any() -> Self;
    fn and(terms: Vec<Self>) -> Self;
    fn or(terms: Vec<Self>) -> Self;
    fn not(term: Self) -> Self;
}

impl Matcher for Permission {
    fn any() -> Self {
        Self::Any(true)
    }
    fn and(rules: Vec<Self>) -> Self {
        Self::AndRules { rules }
    }
    fn or(rules: Vec<Self>) -> Self {
        Self::OrRules { rules }
    }
    fn not(term: Self) -> Self {
        Self::NotRule(Box::new(term))
    }
}

impl Matcher for Principal {
    fn any() -> Self {
        Self::Any(true)
    }
    fn and(ids: Vec<Self>) -> Self {
        Self::AndIds { ids }
    }
    fn or(ids: Vec<Self>) -> Self {
        Self::OrIds { ids }
    }
    fn not(term: Self) -> Self {
        Self::NotId(Box::new(term))
    }
}

/// Matches if ALL of the fields match. None if an `ALLOW` rule has a field that does not apply.
fn all_of<M: Matcher>(fields: Vec<Field<M>>, scope: Scope<'_>) -> Option<M> {
    let mut all = Vec::new();
    for field in fields {
        for (terms, is_negated) in [(field.terms.any_of, false), (field.terms.none_of, true)] {
            if terms.is_empty() {
                continue;
            }
            let can_be_asked = scope.is_http || !field.is_http;
            let terms: Result<Vec<M>, Malformed> = terms.into_iter().collect();
            match terms {
                Ok(terms) if can_be_asked && is_negated => all.push(M::not(M::or(terms))),
                Ok(terms) if can_be_asked => all.push(M::or(terms)),
                _ if scope.action == Action::Allow => return None,
                _ => {}
            }
        }
    }
    if all.is_empty() {
        all.push(M::any());
    }
    Some(M::and(all))
}

fn operation(operation: &Operation) -> Vec<Field<Permission>> {
    let Operation {
        hosts,
        not_hosts,
        ports,
        not_ports,
        methods,
        not_methods,
        paths,
        not_paths,
    } = operation;
    let header = |matcher| Ok(Permission::Header(matcher));
    vec![
        Field::new(hosts, not_hosts, true, |value| header(matcher::host(value))),
        Field::new(ports, not_ports, false, matcher::port),
        Field::new(methods, not_methods, true, |value| {
            header(matcher::header(":method", value))
        }),
        Field::new(paths, not_paths, true, |value| Ok(matcher::path(value))),
    ]
}

fn source(source: &Source, scope: Scope<'_>) -> Vec<Field<Principal>> {
    let Source {
        principals,
        not_principals,
        request_principals,
        not_request_principals,
        namespaces,
        not_namespaces,
        service_accounts,
        not_service_accounts,
        trust_domains,
        not_trust_domains,
        ip_blocks,
        not_ip_blocks,
        remote_ip_blocks,
        not_remote_ip_blocks,
    } = source;
    let request_principal = |value: &str| Ok(matcher::request_principal(value));
    let account = |value: &str| Ok(matcher::service_account(value, scope.namespace));
    vec![
        principals_field(principals, not_principals, scope),
        Field::new(
            request_principals,
            not_request_principals,
            true,
            request_principal,
        ),
        Field::new(namespaces, not_namespaces, false, |value| {
            Ok(matcher::namespace(value))
        }),
        Field::new(service_accounts, not_service_accounts, false, account),
        trust_domains_field(trust_domains, not_trust_domains, scope),
        Field::new(ip_blocks, not_ip_blocks, false, |value| {
            matcher::cidr(value).map(Principal::DirectRemoteIp)
        }),
        Field::new(remote_ip_blocks, not_remote_ip_blocks, false, |value| {
            matcher::cidr(value).map(Principal::RemoteIp)
        }),
    ]
}

fn principals_field(
    values: &[String],
    not_values: &[String],
    scope: Scope<'_>,
) -> Field<Principal> {
    let expand = |values: &[String]| -> Vec<String> {
        let expanded = values
            .iter()
            .flat_map(|value| trust_domain_aliases::expand_principal(value, scope.trust_domains));
        expanded.collect()
    };
    Field::new(&expand(values), &expand(not_values), false, |value| {
        Ok(matcher::principal(value))
    })
}

fn trust_domains_field(
    values: &[String],
    not_values: &[String],
    scope: Scope<'_>,
) -> Field<Principal> {
    let expand = |values: &[String]| -> Vec<String> {
        let expanded = values.iter().flat_map(|value| {
            trust_domain_aliases::expand_trust_domain(value, scope.trust_domains)
        });
        expanded.collect()
    };
    Field::new(&expand(values), &expand(not_values), false, |value| {
        Ok(matcher::trust_domain(value))
    })
}

enum Attribute {
    Request(Field<Permission>),
    Caller(Field<Principal>),
}

/// The matchers of a condition. None for a key that Istio does not have.
fn attribute(condition: &Condition, scope: Scope<'_>) -> Option<Attribute> {
    let Condition {
        key,
        values,
        not_values,
    } = condition;
    let caller = |is_http, matcher: &dyn Fn(&str) -> Result<Principal, Malformed>| {
        Attribute::Caller(Field::new(values, not_values, is_http, matcher))
    };
    let request = |is_http, matcher: &dyn Fn(&str) -> Result<Permission, Malformed>| {
        Attribute::Request(Field::new(values, not_values, is_http, matcher))
    };
    let claim = |names: &[&str]| caller(true, &|value| Ok(matcher::claim_or_element(names, value)));
    Some(match key.as_str() {
        "source.ip" => caller(false, &|value| {
            matcher::cidr(value).map(Principal::DirectRemoteIp)
        }),
        "remote.ip" => caller(false, &|value| {
            matcher::cidr(value).map(Principal::RemoteIp)
        }),
        "source.namespace" => caller(false, &|value| Ok(matcher::namespace(value))),
        "source.serviceAccount" => caller(false, &|value| {
            Ok(matcher::service_account(value, scope.namespace))
        }),
        "source.trustDomain" => Attribute::Caller(trust_domains_field(values, not_values, scope)),
        "source.principal" => Attribute::Caller(principals_field(values, not_values, scope)),
        "request.auth.principal" => caller(true, &|value| Ok(matcher::request_principal(value))),
        "request.auth.audiences" => claim(&["aud"]),
        "request.auth.presenter" => claim(&["azp"]),
        "destination.ip" => request(false, &|value| {
            matcher::cidr(value).map(Permission::DestinationIp)
        }),
        "destination.port" => request(false, &matcher::port),
        "connection.sni" => request(false, &|value| {
            Ok(Permission::RequestedServerName(matcher::text(value)))
        }),
        _ => {
            let (name, rest) = key.split_once('[')?;
            let names = rest.strip_suffix(']');
            let names: Vec<_> = names.map(|names| names.split("][").collect())?;
            if name.starts_with("request.headers") {
                let [header] = names.as_slice() else {
                    return Some(caller(true, &|_| Err(Malformed)));
                };
                caller(true, &|value| {
                    Ok(Principal::Header(matcher::header(header, value)))
                })
            } else if name == "request.auth.claims" {
                claim(&names)
            } else {
                let filter = name.strip_prefix("experimental.envoy.filters.")?;
                let key = rest.strip_suffix(']')?;
                request(false, &|value| {
                    let matcher = matcher::filter_metadata(filter, key, value);
                    Ok(Permission::Metadata(matcher))
                })
            }
        }
    })
}
