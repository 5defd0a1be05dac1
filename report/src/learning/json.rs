//! The result of learning, as JSON.

use peergate_insight::learning::document::{ByHand, Document, LearnedTexts};
use peergate_insight::learning::learned::Learned;
use peergate_insight::learning::observed::Tally;
use peergate_insight::learning::path_folding::{Fold, HeldBack, HeldBackReason, Paths};
use peergate_insight::learning::proposal::{Coverage, ProposedCall, Rarity};
use peergate_insight::learning::seen::Faults;
use peergate_insight::learning::workload::Exclusion;
use policy_schema::rule_spec::RuleSpec;
use policy_schema::telemetry::ReasonCode;
use serde::Serialize;

use super::unread::Unread;
use crate::serialized::{self, SerializeError};

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Report<'l> {
    policies: Vec<Proposed<'l>>,
    /// The coverage of all policies together.
    coverage: Covered,
    faulty_lines: Vec<FaultyLines<'l>>,
    /// Lines that do not name the caller.
    #[serde(skip_serializing_if = "Option::is_none")]
    lines_without_caller: Option<LinesWithoutCaller<'l>>,
}

/// The number of requests that the draft allows, and the number of eligible ones.
#[derive(Debug, Serialize)]
struct Covered {
    covered: u64,
    eligible: u64,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct LinesWithoutCaller<'l> {
    lines: u64,
    /// The number of these lines that the workload itself sent.
    outbound: u64,
    file: &'l str,
    first: usize,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Proposed<'l> {
    policy: String,
    seen: Option<Seen>,
    coverage: Covered,
    is_new: bool,
    /// The whole text of the file with the rules. Null if no file is written.
    document: Option<&'l str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    by_hand: Option<Hand<'l>>,
    rules: &'l [RuleSpec],
    learned: Vec<Call<'l>>,
    rare: Vec<Call<'l>>,
    /// The number of requests that the policy already allows.
    already_allowed: u64,
    allowed_in_shadow: u64,
    held_back: Vec<Held<'l>>,
    excluded: Vec<ExcludedRequests<'l>>,
}

/// Rules for a policy file that could not be edited.
#[derive(Debug, Serialize)]
struct Hand<'l> {
    file: &'l str,
    reason: String,
    rules: &'l str,
}

#[derive(Debug, Serialize)]
struct Seen {
    count: u64,
    first: String,
    last: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Call<'l> {
    caller: String,
    method: &'l str,
    path: &'l str,
    #[serde(flatten)]
    seen: Seen,
    ids: Vec<Ids<'l>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seldom: Option<SomePaths<'l>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    forbidden: Option<SomePaths<'l>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    odd: Option<&'l str>,
    /// The paths that match a template given with `--template`.
    #[serde(skip_serializing_if = "Option::is_none")]
    by_hand: Option<SomePaths<'l>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    denied: Option<SomePaths<'l>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rare: Option<&'static str>,
}

#[derive(Debug, Serialize)]
struct Ids<'l> {
    distinct: usize,
    examples: &'l [String],
}

#[derive(Debug, Serialize)]
struct SomePaths<'l> {
    count: usize,
    example: &'l str,
}

#[derive(Debug, Serialize)]
struct Held<'l> {
    template: &'l str,
    because: &'static str,
    what: &'l str,
}

#[derive(Debug, Serialize)]
struct ExcludedRequests<'l> {
    because: &'static str,
    what: Option<&'l str>,
    #[serde(flatten)]
    seen: Seen,
}

#[derive(Debug, Serialize)]
struct FaultyLines<'l> {
    file: &'l str,
    lines: usize,
    faulty: usize,
    first: FaultyLine,
}

#[derive(Debug, Serialize)]
struct FaultyLine {
    line: usize,
    message: String,
}

/// Formats the result as JSON.
pub fn json(
    learned: &[Learned],
    texts: &LearnedTexts,
    unread: &Unread,
) -> Result<Vec<u8>, SerializeError> {
    serialized::json(&Report::new(learned, texts, unread))
}

impl<'l> Report<'l> {
    fn new(learned: &'l [Learned], texts: &'l LearnedTexts, unread: &'l Unread) -> Self {
        let policies = learned.iter().map(|one| Proposed::new(one, texts));
        let coverage: Coverage = learned.iter().map(|one| one.proposals.coverage).sum();
        let without_caller = unread.without_caller.as_ref();
        Self {
            policies: policies.collect(),
            coverage: coverage.into(),
            faulty_lines: unread.faults.iter().map(FaultyLines::from).collect(),
            lines_without_caller: without_caller.map(|without_caller| LinesWithoutCaller {
                lines: without_caller.lines,
                outbound: without_caller.outbound,
                file: &without_caller.file,
                first: without_caller.line,
            }),
        }
    }
}

impl<'l> Proposed<'l> {
    fn new(one: &'l Learned, texts: &'l LearnedTexts) -> Self {
        let document = one.document.as_ref();
        let excluded = one.workload.excluded.iter();
        Self {
            policy: one.policy.to_string(),
            seen: one.workload.seen.map(Seen::from),
            coverage: one.proposals.coverage.into(),
            is_new: document.is_some_and(Document::is_new),
            document: document.and_then(|document| texts.text_of(document)),
            by_hand: document.and_then(Document::by_hand).map(Hand::from),
            rules: document.map_or(&[], |document| &document.rules),
            learned: one
                .proposals
                .learned
                .values()
                .flatten()
                .map(Call::from)
                .collect(),
            rare: one.proposals.rare.iter().map(Call::from).collect(),
            already_allowed: one.workload.already_allowed,
            allowed_in_shadow: one.workload.allowed_in_shadow,
            held_back: one.proposals.held_back.iter().map(Held::from).collect(),
            excluded: excluded.map(ExcludedRequests::from).collect(),
        }
    }
}

impl<'l> From<&'l ByHand> for Hand<'l> {
    fn from(by_hand: &'l ByHand) -> Self {
        Self {
            file: &by_hand.file,
            reason: by_hand.reason.to_string(),
            rules: &by_hand.list,
        }
    }
}

impl From<Tally> for Seen {
    fn from(tally: Tally) -> Self {
        Self {
            count: tally.count,
            first: tally.period.first.to_string(),
            last: tally.period.last.to_string(),
        }
    }
}

impl<'l> From<&'l ProposedCall> for Call<'l> {
    fn from(call: &'l ProposedCall) -> Self {
        let by_hand = call.pattern.by_hand.as_ref();
        Self {
            caller: call.caller.to_string(),
            method: &call.method,
            path: &call.pattern.text,
            seen: call.tally.into(),
            ids: call.pattern.folds.iter().map(Ids::from).collect(),
            seldom: call.pattern.seldom.as_ref().map(SomePaths::from),
            forbidden: call.pattern.forbidden.as_ref().map(SomePaths::from),
            odd: call.pattern.odd.as_deref(),
            by_hand: by_hand.map(|by_hand| (&by_hand.paths).into()),
            denied: by_hand
                .and_then(|by_hand| by_hand.denied.as_ref())
                .map(SomePaths::from),
            rare: call.rarity.map(|rarity| match rarity {
                Rarity::Few => "few",
                Rarity::Brief => "brief",
            }),
        }
    }
}

impl From<Coverage> for Covered {
    fn from(coverage: Coverage) -> Self {
        let Coverage { covered, eligible } = coverage;
        Self { covered, eligible }
    }
}

impl<'l> From<&'l Fold> for Ids<'l> {
    fn from(fold: &'l Fold) -> Self {
        Self {
            distinct: fold.distinct,
            examples: &fold.examples,
        }
    }
}

impl<'l> From<&'l Paths> for SomePaths<'l> {
    fn from(paths: &'l Paths) -> Self {
        Self {
            count: paths.count,
            example: &paths.example,
        }
    }
}

impl<'l> From<&'l HeldBack> for Held<'l> {
    fn from(held_back: &'l HeldBack) -> Self {
        let (because, what) = match &held_back.because {
            HeldBackReason::Word(word) => ("word", word),
            HeldBackReason::OtherForm(id) => ("other-form", id),
            HeldBackReason::Denied(path) => ("denied", path),
        };
        Self {
            template: &held_back.template,
            because,
            what,
        }
    }
}

impl<'l> From<(&'l Exclusion, &'l Tally)> for ExcludedRequests<'l> {
    fn from((why, tally): (&'l Exclusion, &'l Tally)) -> Self {
        let (because, what) = match why {
            Exclusion::Anonymous => (ReasonCode::NoIdentity.as_str(), None),
            Exclusion::Malformed(peer) => (ReasonCode::MalformedIdentity.as_str(), Some(peer)),
            Exclusion::Foreign(id) => (ReasonCode::ForeignTrustDomain.as_str(), Some(id)),
            Exclusion::Denied => ("denied", None),
            Exclusion::Forbidden => ("forbidden", None),
            Exclusion::Failed => ("failed", None),
            Exclusion::Unanswered => ("unanswered", None),
            Exclusion::Outbound => ("outbound", None),
            Exclusion::UndeterminedDirection => ("undetermined-direction", None),
            Exclusion::Incomplete => ("incomplete", None),
            Exclusion::Unwritable(request) => ("unwritable", Some(request)),
            Exclusion::TooLong => ("too-long", None),
            Exclusion::DeniedByRule(rule) => (ReasonCode::DeniedByRule.as_str(), Some(rule)),
            Exclusion::PastBound => ("past-bound", None),
            Exclusion::NoMeshIdentity => ("no-identity-of-the-mesh", None),
        };
        Self {
            because,
            what: what.map(String::as_str),
            seen: (*tally).into(),
        }
    }
}

impl<'l> From<&'l Faults> for FaultyLines<'l> {
    fn from(faults: &'l Faults) -> Self {
        let (line, reason) = &faults.first;
        Self {
            file: &faults.file,
            lines: faults.lines,
            faulty: faults.faulty,
            first: FaultyLine {
                line: *line,
                message: reason.to_string(),
            },
        }
    }
}
