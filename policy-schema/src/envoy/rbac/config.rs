//! The configuration of Envoy's RBAC (`envoy.config.rbac.v3`): the part that Istio uses.

use std::collections::BTreeMap;

use serde::Serialize;

/// An entry for `http_filters`, or for the `filters` of a chain without HTTP.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RbacFilter {
    pub(super) name: &'static str,
    pub(super) typed_config: Rbac,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Rbac {
    #[serde(rename = "@type")]
    pub(super) type_url: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) rules: Option<Rules>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) shadow_rules: Option<Rules>,
    pub(super) shadow_rules_stat_prefix: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) stat_prefix: Option<&'static str>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Rules {
    #[serde(skip_serializing_if = "RbacAction::is_allow")]
    pub(super) action: RbacAction,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) policies: BTreeMap<String, Policy>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum RbacAction {
    Allow,
    Deny,
    Log,
}

impl RbacAction {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
    fn is_allow(&self) -> bool {
        *self == Self::Allow
    }
}

/// Matches if ANY of the permissions and ANY of the principals match.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Policy {
    pub(super) permissions: Vec<Permission>,
    pub(super) principals: Vec<Principal>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Permission {
    Any(bool),
    AndRules { rules: Vec<Permission> },
    OrRules { rules: Vec<Permission> },
    NotRule(Box<Permission>),
    Header(HeaderMatcher),
    UrlPath { path: StringMatcher },
    UriTemplate(UriTemplate),
    DestinationIp(CidrRange),
    DestinationPort(u16),
    RequestedServerName(StringMatcher),
    Metadata(MetadataMatcher),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Principal {
    Any(bool),
    AndIds { ids: Vec<Principal> },
    OrIds { ids: Vec<Principal> },
    NotId(Box<Principal>),
    Authenticated { principal_name: StringMatcher },
    DirectRemoteIp(CidrRange),
    RemoteIp(CidrRange),
    Header(HeaderMatcher),
    Metadata(MetadataMatcher),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct StringMatcher {
    #[serde(flatten)]
    pub(super) pattern: StringPattern,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) ignore_case: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum StringPattern {
    Exact(String),
    Prefix(String),
    Suffix(String),
    SafeRegex { regex: String },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct HeaderMatcher {
    pub(super) name: String,
    #[serde(flatten)]
    pub(super) value: HeaderPattern,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum HeaderPattern {
    PresentMatch(bool),
    StringMatch(StringMatcher),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct UriTemplate {
    pub(super) name: &'static str,
    pub(super) typed_config: UriTemplateConfig,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct UriTemplateConfig {
    #[serde(rename = "@type")]
    pub(super) type_url: &'static str,
    pub(super) path_template: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct CidrRange {
    pub(super) address_prefix: String,
    pub(super) prefix_len: u8,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct MetadataMatcher {
    pub(super) filter: String,
    pub(super) path: Vec<PathSegment>,
    pub(super) value: ValueMatcher,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct PathSegment {
    pub(super) key: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::enum_variant_names, reason = "they are Envoy's names")]
pub(super) enum ValueMatcher {
    StringMatch(StringMatcher),
    ListMatch { one_of: Box<ValueMatcher> },
    OrMatch { value_matchers: Vec<ValueMatcher> },
}
