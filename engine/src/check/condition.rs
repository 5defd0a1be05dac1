//! Conditions: Istio's keys (`AuthorizationPolicy`, "Condition") and the values that each accepts.

use super::ip_block::check_ip_block;
use super::operation::check_port;
use super::source::{
    check_namespace, check_principal, check_request_principal, check_service_account,
    check_trust_domain,
};
use super::{CheckText, RuleContext, check_header_pattern, check_pattern, check_texts};
use crate::code;
use crate::matching::TextMatch;
use crate::problem::{Cursor, Problems};
use crate::rule::{Condition, MetadataKey, MetadataMatch, MetadataTarget, Source, Terms, Test};
use crate::rule_spec::ConditionSpec;

/// The pseudo-headers that Envoy keeps in its header map.
const PSEUDO_HEADERS: [&str; 4] = [":authority", ":method", ":path", ":scheme"];

/// What a key refers to.
enum Attribute<'k> {
    Caller(CallerAttribute),
    Port,
    DestinationIp,
    ServerName,
    Header(String),
    Claim(Vec<&'k str>),
    FilterMetadata { filter: &'k str, key: &'k str },
}

/// The source field that a key corresponds to.
enum CallerAttribute {
    Principal,
    ServiceAccount,
    Namespace,
    TrustDomain,
    RequestPrincipal,
    Ip,
    RemoteIp,
}

pub(super) fn check(
    spec: &ConditionSpec,
    scope: &RuleContext<'_>,
    cursor: &Cursor<'_>,
    problems: &mut Problems,
) -> Option<Condition> {
    let before = problems.count();
    if spec.values.is_none() && spec.not_values.is_none() {
        problems.report(
            code::EMPTY_MATCHER,
            cursor,
            "the condition has no values",
            "add `values` or `notValues`",
        );
    }
    let attribute = Attribute::from_key(&spec.key);
    if attribute.is_none() {
        problems.report(
            code::UNKNOWN_CONDITION,
            &cursor.key("key"),
            format!("unknown attribute `{}`", spec.key),
            "use one of Istio's keys, such as `request.headers[x-tenant]`, `request.auth.claims[groups]` or `source.ip`",
        );
    }
    let test = attribute?.check(&mut ConditionLists {
        spec,
        scope,
        cursor,
        problems,
    });
    (problems.count() == before).then(|| Condition {
        key: spec.key.as_str().into(),
        test,
    })
}

impl<'k> Attribute<'k> {
    fn from_key(key: &'k str) -> Option<Self> {
        use CallerAttribute as Of;
        let attribute = match key {
            "source.ip" => Self::Caller(Of::Ip),
            "remote.ip" => Self::Caller(Of::RemoteIp),
            "source.namespace" => Self::Caller(Of::Namespace),
            "source.principal" => Self::Caller(Of::Principal),
            "source.serviceAccount" => Self::Caller(Of::ServiceAccount),
            "source.trustDomain" => Self::Caller(Of::TrustDomain),
            "request.auth.principal" => Self::Caller(Of::RequestPrincipal),
            "request.auth.audiences" => Self::Claim(vec!["aud"]),
            "request.auth.presenter" => Self::Claim(vec!["azp"]),
            "destination.ip" => Self::DestinationIp,
            "destination.port" => Self::Port,
            "connection.sni" => Self::ServerName,
            _ => return Self::from_bracketed_key(key),
        };
        Some(attribute)
    }

    /// Parses the keys that end in bracketed names.
    fn from_bracketed_key(key: &'k str) -> Option<Self> {
        let (name, rest) = key.split_once('[')?;
        let mut names = Vec::new();
        let mut rest = rest.strip_suffix(']')?;
        while let Some((name, others)) = rest.split_once(']') {
            names.push(name);
            rest = others.strip_prefix('[')?;
        }
        names.push(rest);
        if names
            .iter()
            .any(|name| name.is_empty() || name.contains('['))
        {
            return None;
        }
        match (name, names.as_slice()) {
            ("request.headers", &[header]) => {
                let header = header.to_ascii_lowercase();
                is_header_name(&header).then_some(Self::Header(header))
            }
            ("request.auth.claims", _) => Some(Self::Claim(names)),
            (_, &[key]) => {
                let filter = name.strip_prefix("experimental.envoy.filters.")?;
                (!filter.is_empty()).then_some(Self::FilterMetadata { filter, key })
            }
            _ => None,
        }
    }

    fn check(self, lists: &mut ConditionLists<'_, '_>) -> Test {
        match self {
            Self::Caller(attribute) => Test::Caller(Box::new(attribute.check(lists))),
            Self::Port => Test::Port(lists.read(&check_port_text)),
            Self::DestinationIp => Test::DestinationIp(lists.read(&check_ip_block)),
            Self::ServerName => Test::ServerName(lists.read(&check_server_name)),
            Self::Header(name) => Test::Header {
                name: name.into(),
                values: lists.read(&check_header_value),
            },
            Self::Claim(names) => Test::Metadata {
                key: MetadataKey::claim(names),
                values: lists.read(&|text, cursor, problems| {
                    let text = check_pattern(text, cursor, problems)?;
                    let target = MetadataTarget::Either;
                    Some(MetadataMatch { target, text })
                }),
            },
            Self::FilterMetadata { filter, key } => Test::Metadata {
                key: MetadataKey {
                    filter: filter.into(),
                    path: vec![key.into()],
                },
                values: lists.read(&check_filter_metadata),
            },
        }
    }
}

impl CallerAttribute {
    fn check(&self, lists: &mut ConditionLists<'_, '_>) -> Source {
        let scope = lists.scope;
        let mut source = Source::default();
        match self {
            Self::Principal => {
                let values = lists
                    .read(&|text, cursor, problems| check_principal(text, scope, cursor, problems));
                source.principals = values;
            }
            Self::ServiceAccount => {
                let values = lists.read(&|text, cursor, problems| {
                    check_service_account(text, scope, cursor, problems)
                });
                source.service_accounts = values;
            }
            Self::Namespace => {
                let values = lists.read(&check_namespace);
                source.namespaces = values;
            }
            Self::TrustDomain => {
                let values = lists.read(&|text, cursor, problems| {
                    check_trust_domain(text, scope, cursor, problems)
                });
                source.trust_domains = values;
            }
            Self::RequestPrincipal => {
                let values = lists.read(&check_request_principal);
                source.request_principals = values;
            }
            Self::Ip => {
                let values = lists.read(&check_ip_block);
                source.ip_blocks = values;
            }
            Self::RemoteIp => {
                let values = lists.read(&check_ip_block);
                source.remote_ip_blocks = values;
            }
        }
        source
    }
}

/// `values` and `notValues` of a condition.
struct ConditionLists<'a, 'p> {
    spec: &'a ConditionSpec,
    scope: &'a RuleContext<'a>,
    cursor: &'a Cursor<'a>,
    problems: &'p mut Problems,
}

impl ConditionLists<'_, '_> {
    fn read<V>(&mut self, check: CheckText<'_, V>) -> Terms<Vec<V>> {
        let mut read = |values: &Option<Vec<String>>, key| {
            check_texts(
                values.as_deref(),
                &self.cursor.key(key),
                self.problems,
                check,
            )
        };
        Terms {
            any_of: read(&self.spec.values, "values"),
            none_of: read(&self.spec.not_values, "notValues"),
        }
    }
}

fn check_port_text(text: &str, cursor: &Cursor<'_>, problems: &mut Problems) -> Option<u16> {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    match text.parse() {
        Ok(port) if is_number => check_port(port, cursor, problems),
        _ => {
            problems.report(
                code::INVALID_VALUE,
                cursor,
                format!("`{text}` is not a port"),
                "use a port from 1 to 65535",
            );
            None
        }
    }
}

/// Envoy converts the server name to lower case.
fn check_server_name(
    text: &str,
    cursor: &Cursor<'_>,
    problems: &mut Problems,
) -> Option<TextMatch> {
    let pattern = check_pattern(text, cursor, problems)?;
    let is_possible = pattern
        .literal()
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && !byte.is_ascii_uppercase());
    if !is_possible {
        problems.report(
            code::INVALID_VALUE,
            cursor,
            format!("no client sends the server name `{text}`"),
            "write it in lower case",
        );
        return None;
    }
    Some(pattern)
}

fn check_header_value(
    text: &str,
    cursor: &Cursor<'_>,
    problems: &mut Problems,
) -> Option<TextMatch> {
    let pattern = check_header_pattern(text, cursor, problems)?;
    if text.contains(|letter: char| letter.is_ascii_control() && letter != '\t') {
        problems.report(
            code::INVALID_VALUE,
            cursor,
            "header values cannot contain control characters",
            "remove them",
        );
        return None;
    }
    Some(pattern)
}

/// A value in brackets is an element of a list.
fn check_filter_metadata(
    text: &str,
    cursor: &Cursor<'_>,
    problems: &mut Problems,
) -> Option<MetadataMatch> {
    let element = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'));
    let (target, text) = match element {
        Some("") => {
            problems.report(
                code::EMPTY_VALUE,
                cursor,
                "the brackets are empty",
                "add the element to look for, or use `[*]` for any",
            );
            return None;
        }
        Some(element) => (MetadataTarget::Element, element),
        None => (MetadataTarget::Whole, text),
    };
    let text = check_pattern(text, cursor, problems)?;
    Some(MetadataMatch { target, text })
}

fn is_header_name(name: &str) -> bool {
    PSEUDO_HEADERS.contains(&name)
        || name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

#[cfg(test)]
mod tests;
