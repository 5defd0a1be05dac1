//! What was learnt and what was not, for programs.

use peergate_insight::learning::document::{ByHand, Document, Texts};
use peergate_insight::learning::learnt::Learnt;
use peergate_insight::learning::observed::Tally;
use peergate_insight::learning::path_folding::{Because, Fold, HeldBack, Paths};
use peergate_insight::learning::proposal::{Coverage, ProposedCall, Rarity};
use peergate_insight::learning::seen::Faults;
use peergate_insight::learning::workload::SetAside;
use policy_schema::rule_spec::RuleSpec;
use policy_schema::telemetry::ReasonCode;
use serde::Serialize;

use super::unread::Unread;
use crate::serialized::{self, SerializeError};

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Report<'l> {
    policies: Vec<Proposed<'l>>,
    /// Of all policies together.
    coverage: Covered,
    faulty_lines: Vec<FaultyLines<'l>>,
    /// Lines that do not say who called.
    #[serde(skip_serializing_if = "Option::is_none")]
    lines_without_caller: Option<LinesWithoutCaller<'l>>,
}

/// How many requests the draft allows, and how many it could.
#[derive(Debug, Serialize)]
struct Covered {
    covered: u64,
    eligible: u64,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct LinesWithoutCaller<'l> {
    lines: u64,
    /// How many of them are calls that the workload itself made.
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
    /// The text that has the rules, with all else that is in the file; null where nothing is written.
    document: Option<&'l str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    by_hand: Option<Hand<'l>>,
    rules: &'l [RuleSpec],
    learnt: Vec<Call<'l>>,
    rare: Vec<Call<'l>>,
    /// How many requests are allowed already.
    known: u64,
    known_in_shadow: u64,
    held_back: Vec<Held<'l>>,
    set_aside: Vec<Aside<'l>>,
}

/// A policy that the rules could not be put into.
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
    /// Of a template that a person named, the paths that it takes in.
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
struct Aside<'l> {
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

/// All of it.
pub fn json(learnt: &[Learnt], texts: &Texts, unread: &Unread) -> Result<Vec<u8>, SerializeError> {
    serialized::json(&Report::new(learnt, texts, unread))
}

impl<'l> Report<'l> {
    fn new(learnt: &'l [Learnt], texts: &'l Texts, unread: &'l Unread) -> Self {
        let policies = learnt.iter().map(|one| Proposed::new(one, texts));
        let coverage: Coverage = learnt.iter().map(|one| one.proposals.coverage).sum();
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
    fn new(one: &'l Learnt, texts: &'l Texts) -> Self {
        let document = one.document.as_ref();
        let aside = one.workload.set_aside.iter();
        Self {
            policy: one.policy.to_string(),
            seen: one.workload.seen.map(Seen::from),
            coverage: one.proposals.coverage.into(),
            is_new: document.is_some_and(Document::is_new),
            document: document.and_then(|document| texts.of(document)),
            by_hand: document.and_then(Document::by_hand).map(Hand::from),
            rules: document.map_or(&[], |document| &document.rules),
            learnt: one
                .proposals
                .learnt
                .values()
                .flatten()
                .map(Call::from)
                .collect(),
            rare: one.proposals.rare.iter().map(Call::from).collect(),
            known: one.workload.known,
            known_in_shadow: one.workload.known_in_shadow,
            held_back: one.proposals.held_back.iter().map(Held::from).collect(),
            set_aside: aside.map(Aside::from).collect(),
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
            Because::Word(word) => ("word", word),
            Because::OtherForm(id) => ("other-form", id),
            Because::Denied(path) => ("denied", path),
        };
        Self {
            template: &held_back.template,
            because,
            what,
        }
    }
}

impl<'l> From<(&'l SetAside, &'l Tally)> for Aside<'l> {
    fn from((why, tally): (&'l SetAside, &'l Tally)) -> Self {
        let (because, what) = match why {
            SetAside::Anonymous => (ReasonCode::NoIdentity.as_str(), None),
            SetAside::Malformed(peer) => (ReasonCode::MalformedIdentity.as_str(), Some(peer)),
            SetAside::Foreign(id) => (ReasonCode::ForeignTrustDomain.as_str(), Some(id)),
            SetAside::Denied => ("denied", None),
            SetAside::Forbidden => ("forbidden", None),
            SetAside::Failed => ("failed", None),
            SetAside::Unanswered => ("unanswered", None),
            SetAside::Outbound => ("outbound", None),
            SetAside::EitherWay => ("either-way", None),
            SetAside::Incomplete => ("incomplete", None),
            SetAside::Unwritable(request) => ("unwritable", Some(request)),
            SetAside::TooLong => ("too-long", None),
            SetAside::Refused(rule) => (ReasonCode::DeniedByRule.as_str(), Some(rule)),
            SetAside::PastBound => ("past-bound", None),
            SetAside::Nobody => ("no-identity-of-the-mesh", None),
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
