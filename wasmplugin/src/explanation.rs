//! The id of a decision × documents → why it was so, and what would make it otherwise.
//!
//! ```text
//! id ──▶ record ──▶ request ─┐
//! documents ──▶ policy ──────┴─ engine ─▶ reason, nearest rules ──▶ remedy ──▶ changed text
//! ```
//!
//! A pure function of the texts; the engine is the filter's. A remedy is tried before it is told: what is
//! proposed makes the engine allow the request.

pub(crate) mod remedy;
mod wanted;

use policy_schema::decision_id::{DecisionRecord, RecordedCaller};
use policy_schema::engine::{
    Attribute, CompiledPolicy, CompiledRule, Outcome, PeerIp, Reason, Request,
};
use policy_schema::identity::PeerIdentity;
use policy_schema::policy::ServicePolicy;
use policy_schema::rule_spec::{RuleSpec, SourceSpec};
use policy_schema::timestamp::Timestamp;

pub(crate) use remedy::Remedy;

/// How many rules are told that come near.
const NEAR_RULES: usize = 3;

/// Why a request was denied.
#[derive(Debug)]
pub(crate) struct Explanation {
    /// The reason that the filter gave.
    pub(crate) given: Option<&'static str>,
    /// The reason by the documents.
    pub(crate) reason: &'static str,
    /// Whether the documents allow the request.
    pub(crate) is_allowed: bool,
    /// The rule that decides by the documents, of whichever policy.
    pub(crate) rule: Option<NamedRule>,
    /// The rules that come nearest to allowing the request, the nearest first.
    pub(crate) near: Vec<NearRule>,
    /// Whether the documents are those that the filter had; none where either has no revision.
    pub(crate) is_same_revision: Option<bool>,
    /// Whether the documents come to what the filter did, by the same rule.
    pub(crate) is_as_given: bool,
    /// Whether a rule in question looks at what the id does not have.
    pub(crate) is_unknown: bool,
}

/// A rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NamedRule {
    pub(crate) policy: String,
    pub(crate) id: String,
    pub(crate) owner: Option<String>,
}

/// A rule that does not match, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NearRule {
    pub(crate) rule: NamedRule,
    pub(crate) misses: Vec<Miss>,
}

/// What a rule asks for and the request has not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Miss {
    pub(crate) attribute: Attribute,
    /// What the rule takes, as it is written.
    pub(crate) wanted: Vec<String>,
}

/// The request that an id tells of.
pub(crate) fn request(record: &DecisionRecord) -> Request<'_> {
    let peer = match &record.caller {
        RecordedCaller::Anonymous => PeerIdentity::Absent,
        RecordedCaller::Malformed => PeerIdentity::Malformed,
        RecordedCaller::Workload(id) => PeerIdentity::from_uri_san(Some(id.as_bytes())),
    };
    Request {
        method: record.method.as_deref(),
        path: record.path.as_deref(),
        host: record.host.as_deref(),
        port: record.port,
        // As in the filter, which no proxy tells either.
        peer_ip: PeerIp::Hidden,
        ..Request::of_peer(peer, at(record))
    }
}

/// When the decision was made.
pub(crate) fn at(record: &DecisionRecord) -> Timestamp {
    Timestamp::from_unix_nanoseconds(record.time.saturating_mul(1_000_000_000))
}

/// Decides again, and says why. `rules` tells the rules of a policy as they are written.
pub(crate) fn explain<'p>(
    record: &DecisionRecord,
    compiled: &CompiledPolicy,
    policy_of: impl Fn(&CompiledRule) -> Option<&'p ServicePolicy>,
) -> Explanation {
    let request = request(record);
    let decision = compiled.evaluate(&request);
    let reason = decision.reason();
    let spec = |rule: &CompiledRule| {
        let specs = policy_of(rule)?.rule_specs();
        specs.into_iter().find(|spec| spec.id == rule.id())
    };
    let misses = match decision.outcome() {
        Outcome::Allowed => Vec::new(),
        Outcome::Denied => compiled.nearest(&request, NEAR_RULES, usize::MAX),
    };
    let near: Vec<_> = misses
        .iter()
        .map(|miss| {
            let spec = spec(miss.rule);
            let attributes = miss.differences.iter();
            let misses = attributes.map(|attribute| Miss {
                attribute,
                wanted: spec
                    .as_ref()
                    .map(|spec| wanted::wanted(spec, attribute))
                    .unwrap_or_default(),
            });
            NearRule {
                rule: named(miss.rule),
                misses: misses.collect(),
            }
        })
        .collect();
    let given = Reason::code_of(record.reason);
    let revisions = record.revision.as_deref().zip(compiled.revision());
    let deciding = reason.rule().and_then(spec);
    let is_unknown = deciding.iter().any(asks_for_more)
        || near.iter().any(|near| {
            let is_when = |miss: &Miss| miss.attribute == Attribute::When;
            near.misses.iter().any(is_when)
        });
    let is_same_revision = revisions.map(|(given, known)| given == known);
    let position = reason
        .rule()
        .and_then(|rule| u32::try_from(rule.position()).ok());
    // Numbers of rules are those of a revision.
    let is_same_rule = is_same_revision != Some(true) || position == record.rule;
    Explanation {
        given,
        reason: reason.code(),
        is_allowed: decision.outcome() == Outcome::Allowed,
        rule: reason.rule().map(named),
        near,
        is_same_revision,
        is_as_given: given == Some(reason.code()) && is_same_rule,
        is_unknown,
    }
}

/// Whether a rule looks at what no id has.
fn asks_for_more(spec: &RuleSpec) -> bool {
    let asks = |source: &SourceSpec| {
        source.request_principals.is_some()
            || source.not_request_principals.is_some()
            || source.remote_ip_blocks.is_some()
            || source.not_remote_ip_blocks.is_some()
    };
    spec.when.is_some() || spec.from.iter().flatten().any(asks)
}

fn named(rule: &CompiledRule) -> NamedRule {
    NamedRule {
        policy: rule.policy().to_string(),
        id: rule.id().to_owned(),
        owner: rule.owner().map(str::to_owned),
    }
}
