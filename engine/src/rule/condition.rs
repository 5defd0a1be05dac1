//! Conditions: what a rule's `when` asks of one attribute.

use std::fmt;

use ipnet::IpNet;

use super::Source;
use super::terms::Terms;
use crate::matching::TextMatch;

/// The filter that leaves the claims of a verified JWT in dynamic metadata, below `payload`
/// (Istio since 1.21).
const JWT_FILTER: &str = "envoy.filters.http.jwt_authn";

/// A condition on one attribute, by the key that Istio has for it
/// (`AuthorizationPolicy`, "Condition").
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// The key as it is written.
    pub key: Box<str>,
    /// What it asks of the attribute.
    pub test: Test,
}

/// What a condition asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Test {
    /// `source.*`, `remote.ip` and `request.auth.principal`: a source with one field and its
    /// `not…` twin.
    Caller(Box<Source>),
    /// `destination.port`.
    Port(Terms<Vec<u16>>),
    /// `destination.ip`.
    DestinationIp(Terms<Vec<IpNet>>),
    /// `request.headers[NAME]`.
    Header {
        /// In lower case.
        name: Box<str>,
        /// Compared with each value of the header.
        values: Terms<Vec<TextMatch>>,
    },
    /// `connection.sni`.
    ServerName(Terms<Vec<TextMatch>>),
    /// `request.auth.claims[…]` and its short forms, and `experimental.envoy.filters.…`.
    Metadata {
        /// Where it is.
        key: MetadataKey,
        /// Compared with the text there, or with each text of a list.
        values: Terms<Vec<MetadataMatch>>,
    },
}

/// A place in the dynamic metadata of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetadataKey {
    /// The filter that left the metadata.
    pub filter: Box<str>,
    /// The keys that lead to the value.
    pub path: Vec<Box<str>>,
}

impl MetadataKey {
    /// A claim of the request's JWT. A claim within another is named by the claims that lead there.
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

    /// Whether it is a claim.
    pub fn is_claim(&self) -> bool {
        &*self.filter == JWT_FILTER
    }
}

/// A pattern over texts in dynamic metadata.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetadataMatch {
    /// Where the text is looked for.
    pub place: Place,
    /// What it must be.
    pub text: TextMatch,
}

/// Where a text may stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// It is the value.
    Whole,
    /// It is in the list that is the value: written in brackets.
    Element,
    /// Either of the two: how claims are read.
    Either,
}

impl fmt::Display for MetadataMatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place {
            Place::Element => write!(f, "[{}]", self.text),
            Place::Whole | Place::Either => self.text.fmt(f),
        }
    }
}
