//! A decision ID and documents → the reason of the decision, and the change that would allow the request.
//!
//! ```text
//! id ──▶ record ──▶ request ─┐
//! documents ──▶ policy ──────┴─ engine ─▶ reason, nearest rules ──▶ remedy ──▶ changed text
//! ```
//!
//! A pure function of the texts. The engine is the filter's. Every proposed remedy is verified: with it, the engine allows
//! the request.

pub mod advice;
pub mod amendment;
pub mod change;
pub mod explained;
pub mod near;
mod new_rule;
pub mod remedy;
pub mod scalar;
mod source_rules;
mod wanted;

use policy_schema::decision_id::{DecisionRecord, RecordedCaller};
use policy_schema::engine::{
    Attribute, CompiledPolicy, CompiledRule, DecisionOutcome, Differences, NearMiss, PeerIp,
    Reason, Request,
};
use policy_schema::identity::{ClientCertificate, PeerIdentity};
use policy_schema::plugin_config::PolicyName;
use policy_schema::policy::ServicePolicy;
use policy_schema::rule_spec::{Effect, Enforcement, RuleSpec, SourceSpec};
use policy_schema::telemetry::ReasonCode;
use policy_schema::timestamp::Timestamp;

use near::MAX_NEAR_RULES;
use source_rules::SourceRules;

pub use near::{NamedRule, NearRule, nearest};
pub use remedy::Remedy;

/// Why a request was denied.
#[derive(Debug)]
pub struct Explanation {
    /// The reason that the filter gave.
    pub given: Option<ReasonCode>,
    /// The reason according to the documents.
    pub reason: ReasonCode,
    /// Whether the documents allow the request.
    pub is_allowed: bool,
    /// The rule that decides according to the documents.
    pub rule: Option<NamedRule>,
    /// The rules nearest to allowing the request, the nearest first.
    pub near: Vec<NearRule>,
    /// The nearest rule that differs from the request only in attributes that no ID records, or in its destination.
    pub(crate) unseen: Option<NearRule>,
    /// The destination required by the nearest rule that differs from the request only in its destination.
    pub(crate) place: Option<RequiredDestination>,
    /// The shadow rule that would allow the request.
    pub shadow: Option<ShadowRule>,
    /// Whether the documents enforce the policy.
    pub enforcement: Enforcement,
    /// Whether the documents have the filter's revision. None if either has no revision.
    pub is_same_revision: Option<bool>,
    /// Whether the documents give the same decision by the same rule.
    pub(crate) is_as_given: bool,
    /// Whether a candidate rule depends on attributes that the ID does not record.
    pub asks_for_more: bool,
}

/// The destination attributes that a rule requires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RequiredDestination {
    pub(crate) host: bool,
    pub(crate) port: bool,
}

/// A rule in shadow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShadowRule {
    /// The rule.
    pub rule: NamedRule,
    /// Whether the rule itself is in shadow. Otherwise its policy is.
    pub(crate) says_so_itself: bool,
}

/// The client certificate, from the names that the ID records. The last name may be truncated.
fn client_certificate(record: &DecisionRecord) -> Option<ClientCertificate> {
    match &record.caller {
        RecordedCaller::Certificate(names) => ClientCertificate::parse(names.lines()),
        RecordedCaller::Anonymous | RecordedCaller::Malformed | RecordedCaller::Workload(_) => None,
    }
}

/// Reconstructs the request from a decision record.
fn request<'r>(
    record: &'r DecisionRecord,
    client_certificate: Option<&'r ClientCertificate>,
) -> Request<'r> {
    let peer = match &record.caller {
        RecordedCaller::Anonymous
            if ReasonCode::from_number(record.reason)
                == Some(ReasonCode::UnvalidatedCertificate) =>
        {
            PeerIdentity::Unvalidated
        }
        RecordedCaller::Anonymous => PeerIdentity::Absent,
        // The names of a client certificate take precedence over its identity.
        RecordedCaller::Malformed | RecordedCaller::Certificate(_) => PeerIdentity::Malformed,
        RecordedCaller::Workload(id) => PeerIdentity::from_uri_san(Some(id.as_bytes())),
    };
    Request {
        client_certificate,
        method: record.method.as_deref(),
        path: record.path.as_deref(),
        authority: record.host.as_deref(),
        port: record.port,
        // The filter has no access to this either.
        peer_ip: PeerIp::Hidden,
        ..Request::from_peer(peer, at(record))
    }
}

/// The time of the decision.
pub fn at(record: &DecisionRecord) -> Timestamp {
    Timestamp::from_unix_nanoseconds(record.time.saturating_mul(1_000_000_000))
}

/// Repeats the decision and explains it. `policy_of` finds the document of a policy.
pub(crate) fn explain<'p>(
    record: &DecisionRecord,
    compiled: &CompiledPolicy,
    policy_of: impl Fn(&PolicyName) -> Option<&'p ServicePolicy>,
) -> Explanation {
    let certificate = client_certificate(record);
    let request = request(record, certificate.as_ref());
    let decision = compiled.evaluate(&request);
    let reason = decision.reason();
    let written = SourceRules::new(compiled, policy_of);
    let spec = |rule: &CompiledRule| written.find(rule);
    let misses = match decision.outcome() {
        DecisionOutcome::Allowed => Vec::new(),
        DecisionOutcome::Denied => compiled.nearest(&request, usize::MAX, usize::MAX),
    };
    let nearest = misses.iter().take(MAX_NEAR_RULES);
    let near: Vec<_> = nearest.map(|miss| NearRule::new(miss, spec)).collect();
    let first = |takes: &dyn Fn(&NearMiss<'_>) -> bool| misses.iter().find(|miss| takes(miss));
    let unseen = first(&|miss| lacks_unrecorded(miss, spec));
    let place = first(&|miss| lacks_only(miss.differences, &DESTINATION));
    let would_allow = |rule: &&CompiledRule| rule.effect() == Effect::Allow && rule.is_shadow();
    let shadow = match reason {
        // A `Deny` rule overrides every `Allow` rule.
        Reason::AllowedByRule(_) | Reason::NotDenied | Reason::DeniedByRule(_) => None,
        _ => compiled.recorded_matches(&request).find(would_allow),
    };
    let given = ReasonCode::from_number(record.reason);
    let revisions = record.revision.as_deref().zip(compiled.revision());
    let is_same_revision = revisions.map(|(given, known)| given == known);
    // Rule numbers are only valid within a revision.
    let rule_given = record.rule.filter(|_| is_same_revision == Some(true));
    let rule_given = rule_given.and_then(|rule| usize::try_from(rule).ok());
    let deciding = [
        reason.rule(),
        rule_given.and_then(|rule| compiled.rules().get(rule)),
        shadow,
    ];
    let in_question = deciding.into_iter().flatten().chain(
        misses
            .iter()
            .take(MAX_NEAR_RULES)
            .chain(unseen)
            .map(|miss| miss.rule),
    );
    let asks_for_more = in_question.filter_map(&spec).any(asks_for_more);
    let is_same_rule =
        is_same_revision != Some(true) || reason.rule().map(CompiledRule::position) == rule_given;
    Explanation {
        given,
        reason: reason.code(),
        is_allowed: decision.outcome() == DecisionOutcome::Allowed,
        rule: reason.rule().map(NamedRule::from),
        near,
        unseen: unseen.map(|miss| NearRule::new(miss, spec)),
        place: place
            .and_then(|miss| spec(miss.rule))
            .map(required_destination),
        shadow: shadow.map(|rule| ShadowRule {
            rule: NamedRule::from(rule),
            says_so_itself: spec(rule).is_some_and(|spec| spec.enforcement.is_some()),
        }),
        enforcement: decision.enforcement(),
        is_same_revision,
        is_as_given: given == Some(reason.code()) && is_same_rule,
        asks_for_more,
    }
}

/// The attributes of a request's destination.
const DESTINATION: [Attribute; 2] = [Attribute::Host, Attribute::Port];

fn lacks_only(differences: Differences, attributes: &[Attribute]) -> bool {
    differences.iter().all(|lacks| attributes.contains(&lacks))
}

/// Whether a rule differs from a request only in attributes that no ID records, or in its destination.
fn lacks_unrecorded<'r>(
    miss: &NearMiss<'_>,
    spec: impl Fn(&CompiledRule) -> Option<&'r RuleSpec>,
) -> bool {
    const UNRECORDED: [Attribute; 3] = [Attribute::Token, Attribute::Address, Attribute::When];
    let differences = miss.differences;
    let is_unseen = |attribute: Attribute| match attribute {
        Attribute::When => spec(miss.rule).is_none_or(has_unseen_condition),
        attribute => UNRECORDED.contains(&attribute),
    };
    differences
        .iter()
        .all(|lacks| DESTINATION.contains(&lacks) || is_unseen(lacks))
        && !lacks_only(differences, &DESTINATION)
}

fn required_destination(spec: &RuleSpec) -> RequiredDestination {
    let asks = |attribute| !wanted::wanted(spec, attribute).is_empty();
    RequiredDestination {
        host: asks(Attribute::Host),
        port: asks(Attribute::Port),
    }
}

/// Whether a rule depends on attributes that no ID records.
fn asks_for_more(spec: &RuleSpec) -> bool {
    let asks = |source: &SourceSpec| {
        source.request_principals.is_some()
            || source.not_request_principals.is_some()
            || source.remote_ip_blocks.is_some()
            || source.not_remote_ip_blocks.is_some()
    };
    has_unseen_condition(spec) || spec.from.iter().flatten().any(asks)
}

fn has_unseen_condition(spec: &RuleSpec) -> bool {
    const RECORDED: [&str; 3] = ["source.principal", "source.namespace", "destination.port"];
    let mut conditions = spec.when.iter().flatten();
    conditions.any(|condition| !RECORDED.contains(&&*condition.key))
}
