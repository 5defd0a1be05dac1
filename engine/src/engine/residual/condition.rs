//! The conditions of a rule's `when`.

use ipnet::IpNet;

use super::ResidualSource;
use super::header_set::HeaderSet;
use super::value_set::{RequestTerms, TextSet, ValueSet};
use crate::engine::caller::EngineCaller;
use crate::engine::request::{MetadataText, RequestAttributes};
use crate::identity::TrustDomains;
use crate::matching::Reading;
use crate::matching::host::without_trailing_dots;
use crate::rule::{Condition, MetadataKey, MetadataMatch, MetadataTarget, Terms, Test};
use crate::rule_spec::Effect;

/// A condition, compiled for evaluation.
#[derive(Debug)]
pub(in crate::engine) struct ResidualCondition(ResidualTest);

#[derive(Debug)]
enum ResidualTest {
    Caller(Box<ResidualSource>),
    Port(Terms<Vec<u16>>),
    DestinationIp(Terms<Vec<IpNet>>),
    Header {
        name: Box<str>,
        values: Terms<HeaderSet>,
    },
    ServerName(Terms<TextSet>),
    Metadata {
        key: MetadataKey,
        values: Terms<Vec<MetadataMatch>>,
    },
}

impl ResidualCondition {
    /// A rule's conditions, in order.
    pub(in crate::engine) fn all_of(
        conditions: Vec<Condition>,
        trust_domains: &TrustDomains,
    ) -> Vec<Self> {
        conditions
            .into_iter()
            .map(|condition| Self(ResidualTest::from_test(condition.test, trust_domains)))
            .collect()
    }

    /// Whether the condition holds.
    pub(in crate::engine) fn matches(
        &self,
        caller: &EngineCaller<'_>,
        request: &impl RequestAttributes,
        effect: Effect,
    ) -> bool {
        match &self.0 {
            ResidualTest::Caller(source) => source.matches(caller, request, effect),
            ResidualTest::Port(ports) => ports.matches(effect, || request.port()),
            ResidualTest::DestinationIp(blocks) => blocks.matches(effect, || request.local_ip()),
            ResidualTest::Header { name, values } => values.matches_header(effect, name, request),
            ResidualTest::ServerName(names) => names.matches_each(effect, |patterns, reading| {
                let has = |name| patterns.contains(name, reading);
                request.server_name().is_some_and(|name| {
                    has(name) || (reading == Reading::Wide && has(without_trailing_dots(name)))
                })
            }),
            ResidualTest::Metadata { key, values } => values.matches_each(effect, |patterns, _| {
                let mut is_found = false;
                request.metadata(key, &mut |text| {
                    is_found |= patterns.iter().any(|pattern| pattern.matches(text));
                });
                is_found
            }),
        }
    }
}

impl ResidualCondition {
    /// The number of values that are compared one by one.
    pub(in crate::engine) fn value_count(&self) -> usize {
        match &self.0 {
            ResidualTest::Caller(source) => source.value_count(),
            ResidualTest::Port(ports) => ports.value_count(),
            ResidualTest::DestinationIp(blocks) => blocks.value_count(),
            ResidualTest::Header { .. } | ResidualTest::ServerName(_) => 0,
            ResidualTest::Metadata { values, .. } => values.value_count(),
        }
    }
}

impl ResidualTest {
    fn from_test(test: Test, trust_domains: &TrustDomains) -> Self {
        match test {
            Test::Caller(source) => {
                Self::Caller(Box::new(ResidualSource::whole(*source, trust_domains)))
            }
            Test::Port(ports) => Self::Port(ports),
            Test::DestinationIp(blocks) => Self::DestinationIp(blocks),
            Test::Header { name, values } => Self::Header {
                values: values.map(|values| HeaderSet::new(&name, values)),
                name,
            },
            Test::ServerName(names) => Self::ServerName(names.map(TextSet::new)),
            Test::Metadata { key, values } => Self::Metadata { key, values },
        }
    }
}

impl MetadataMatch {
    fn matches(&self, text: MetadataText<'_>) -> bool {
        match (self.target, text) {
            (MetadataTarget::Whole | MetadataTarget::Either, MetadataText::Whole(text))
            | (MetadataTarget::Element | MetadataTarget::Either, MetadataText::Element(text)) => {
                self.text.matches(text)
            }
            (MetadataTarget::Whole, MetadataText::Element(_))
            | (MetadataTarget::Element, MetadataText::Whole(_)) => false,
        }
    }
}
