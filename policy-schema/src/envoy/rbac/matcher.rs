//! Translates values of an `AuthorizationPolicy` to Envoy's matchers (Istio,
//! `pilot/pkg/security/authz/matcher` and `model/generator.go`).

use std::net::IpAddr;

use ipnet::IpNet;

use super::config::{
    CidrRange, HeaderMatcher, HeaderPattern, MetadataMatcher, PathSegment, Permission, Principal,
    StringMatcher, StringPattern, UriTemplate, UriTemplateConfig, ValueMatcher,
};

/// The metadata namespace of Envoy's JWT filter, with the claims.
const JWT_FILTER: &str = "envoy.filters.http.jwt_authn";

const SCHEME: &str = "spiffe://";

/// A value that Istio cannot translate to a matcher.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed;

pub(super) fn text(value: &str) -> StringMatcher {
    text_after("", value)
}

/// A pattern over texts with the prefix `start`.
fn text_after(start: &str, value: &str) -> StringMatcher {
    let pattern = if value == "*" {
        regex(".+")
    } else if let Some(suffix) = value.strip_prefix('*') {
        if start.is_empty() {
            StringPattern::Suffix(suffix.to_owned())
        } else {
            regex(&format!("{start}.*{}", quoted(suffix)))
        }
    } else if let Some(prefix) = value.strip_suffix('*') {
        StringPattern::Prefix(format!("{start}{prefix}"))
    } else {
        StringPattern::Exact(format!("{start}{value}"))
    };
    pattern.into()
}

fn regex(regex: &str) -> StringPattern {
    StringPattern::SafeRegex {
        regex: regex.to_owned(),
    }
}

impl From<StringPattern> for StringMatcher {
    fn from(pattern: StringPattern) -> Self {
        Self {
            pattern,
            ignore_case: false,
        }
    }
}

/// A regular expression that matches exactly the text.
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len());
    for letter in text.chars() {
        if r"\.+*?()|[]{}^$".contains(letter) {
            quoted.push('\\');
        }
        quoted.push(letter);
    }
    quoted
}

pub(super) fn header(name: &str, value: &str) -> HeaderMatcher {
    let value = if value == "*" {
        HeaderPattern::PresentMatch(true)
    } else {
        HeaderPattern::StringMatch(text(value))
    };
    HeaderMatcher {
        name: name.to_owned(),
        value,
    }
}

pub(super) fn host(value: &str) -> HeaderMatcher {
    let mut header = header(":authority", value);
    if let HeaderPattern::StringMatch(matcher) = &mut header.value {
        matcher.ignore_case = true;
    }
    header
}

pub(super) fn path(value: &str) -> Permission {
    if value.contains("{*}") || value.contains("{**}") {
        return Permission::UriTemplate(UriTemplate {
            name: "uri-template",
            typed_config: UriTemplateConfig {
                type_url: "type.googleapis.com/envoy.extensions.path.match.uri_template.v3.UriTemplateMatchConfig",
                path_template: value.replace("{**}", "**").replace("{*}", "*"),
            },
        });
    }
    Permission::UrlPath { path: text(value) }
}

pub(super) fn port(value: &str) -> Result<Permission, Malformed> {
    let port = value.parse().map_err(|_| Malformed)?;
    Ok(Permission::DestinationPort(port))
}

pub(super) fn cidr(value: &str) -> Result<CidrRange, Malformed> {
    let block = match value.parse::<IpAddr>() {
        Ok(address) => IpNet::from(address),
        Err(_) => value.parse().map_err(|_| Malformed)?,
    };
    Ok(CidrRange {
        address_prefix: block.addr().to_string(),
        prefix_len: block.prefix_len(),
    })
}

pub(super) fn principal(value: &str) -> Principal {
    // In Istio, `*` matches every name, even one that is not a SPIFFE ID.
    let start = if value == "*" { "" } else { SCHEME };
    authenticated(text_after(start, value))
}

fn authenticated(principal_name: StringMatcher) -> Principal {
    Principal::Authenticated { principal_name }
}

pub(super) fn namespace(value: &str) -> Principal {
    let value = quoted(value).replace(r"\*", ".*");
    authenticated(regex(&format!(".*/ns/{value}/.*")).into())
}

pub(super) fn service_account(value: &str, own_namespace: &str) -> Principal {
    let (namespace, name) = value.split_once('/').unwrap_or((own_namespace, value));
    let (namespace, name) = (quoted(namespace), quoted(name));
    authenticated(regex(&format!("spiffe://.+/ns/{namespace}/(.+/|)sa/{name}(/.+)?")).into())
}

pub(super) fn trust_domain(value: &str) -> Principal {
    let matcher = if value == "*" {
        StringPattern::Prefix(SCHEME.to_owned())
    } else if value.contains('*') {
        regex(&format!(
            "{SCHEME}{}/.*",
            quoted(value).replace(r"\*", "[^/]*")
        ))
    } else {
        StringPattern::Prefix(format!("{SCHEME}{value}/"))
    };
    authenticated(matcher.into())
}

/// Issuer and subject are separate claims. The last slash separates their patterns.
pub(super) fn request_principal(value: &str) -> Principal {
    let any = || text("*");
    let (issuer, subject) = match (value.rsplit_once('/'), value) {
        (_, "*") => (any(), any()),
        (Some((issuer, subject)), _) => (text(issuer), text(subject)),
        (None, _) if value.starts_with('*') => (any(), text(value)),
        (None, _) if value.ends_with('*') => (text(value), any()),
        (None, _) => (text(value), text("")),
    };
    let claim = |name: &str, matcher| Principal::Metadata(claim(&[name], matcher));
    Principal::AndIds {
        ids: vec![
            claim("iss", ValueMatcher::StringMatch(issuer)),
            claim("sub", ValueMatcher::StringMatch(subject)),
        ],
    }
}

/// A claim that equals the text, or a list that contains it.
pub(super) fn claim_or_element(names: &[&str], value: &str) -> Principal {
    let whole = ValueMatcher::StringMatch(text(value));
    let element = ValueMatcher::ListMatch {
        one_of: Box::new(whole.clone()),
    };
    Principal::Metadata(claim(
        names,
        ValueMatcher::OrMatch {
            value_matchers: vec![whole, element],
        },
    ))
}

fn claim(names: &[&str], value: ValueMatcher) -> MetadataMatcher {
    let names = std::iter::once(&"payload").chain(names);
    MetadataMatcher {
        filter: JWT_FILTER.to_owned(),
        path: names
            .map(|name| PathSegment {
                key: (*name).to_owned(),
            })
            .collect(),
        value,
    }
}

/// Metadata of another filter: a text, or with brackets an element of a list.
pub(super) fn filter_metadata(filter: &str, key: &str, value: &str) -> MetadataMatcher {
    let element = value
        .strip_prefix('[')
        .and_then(|value| value.strip_suffix(']'));
    let matcher = match element {
        Some(element) => ValueMatcher::ListMatch {
            one_of: Box::new(ValueMatcher::StringMatch(text(element))),
        },
        None => ValueMatcher::StringMatch(text(value)),
    };
    MetadataMatcher {
        filter: filter.to_owned(),
        path: vec![PathSegment {
            key: key.to_owned(),
        }],
        value: matcher,
    }
}
