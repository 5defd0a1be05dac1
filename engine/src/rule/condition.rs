//! Conditions: the tests of single attributes in a rule's `when`.

use std::fmt;

use ipnet::IpNet;

use super::Source;
use super::terms::Terms;
use crate::matching::TextMatch;

/// The filter that writes the claims of a verified JWT to dynamic metadata, under `payload` (Istio
/// since 1.21).
const JWT_FILTER: &str = "envoy.filters.http.jwt_authn";

/// A condition on one attribute, with the key that Istio has for it (`AuthorizationPolicy`,
/// "Condition").
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// The key as written.
    pub key: Box<str>,
    /// The test of the attribute.
    pub test: Test,
}

/// The test of a condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Test {
    /// `source.*`, `remote.ip` and `request.auth.principal`: a source with one field and its `not…`
    /// counterpart.
    Caller(Box<Source>),
    /// `destination.port`.
    Port(Terms<Vec<u16>>),
    /// `destination.ip`.
    DestinationIp(Terms<Vec<IpNet>>),
    /// `request.headers[NAME]`.
    Header {
        /// The name in lower case.
        name: Box<str>,
        /// Compared with each value of the header.
        values: Terms<Vec<TextMatch>>,
    },
    /// `connection.sni`.
    ServerName(Terms<Vec<TextMatch>>),
    /// `request.auth.claims[…]` and its short forms, and `experimental.envoy.filters.…`.
    Metadata {
        /// The location of the metadata.
        key: MetadataKey,
        /// Compared with the text there, or with each text of a list.
        values: Terms<Vec<MetadataMatch>>,
    },
}

/// A location in the dynamic metadata of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetadataKey {
    /// The filter that wrote the metadata.
    pub filter: Box<str>,
    /// The keys that lead to the value.
    pub path: Vec<Box<str>>,
}

impl MetadataKey {
    /// A claim of the request's JWT. The names of a nested claim include those of its parents.
    pub(crate) fn claim<'n>(names: impl IntoIterator<Item = &'n str>) -> Self {
        Self {
            filter: JWT_FILTER.into(),
            path: ["payload"]
                .into_iter()
                .chain(names)
                .map(Into::into)
                .collect(),
        }
    }

    /// Whether this is a JWT claim.
    pub fn is_claim(&self) -> bool {
        &*self.filter == JWT_FILTER
    }
}

/// A pattern over texts in dynamic metadata.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetadataMatch {
    /// Whether the value or a list element must match.
    pub target: MetadataTarget,
    /// The pattern.
    pub text: TextMatch,
}

/// What a metadata pattern applies to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetadataTarget {
    /// The value itself.
    Whole,
    /// An element of the list that is the value. Written in brackets.
    Element,
    /// Either of the two, as for claims.
    Either,
}

impl fmt::Display for MetadataMatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.target {
            MetadataTarget::Element => write!(f, "[{}]", self.text),
            MetadataTarget::Whole | MetadataTarget::Either => self.text.fmt(f),
        }
    }
}
