//! Observations of a workload → proposed rules.

use std::collections::{BTreeMap, BTreeSet};

use super::caller::LearnedCaller;
use super::hand_template::HandTemplate;
use super::observed::{Period, Tally};
use super::path_folding::{Conditions, HeldBack, Pattern, fold};
use super::path_positions::Positions;
use super::workload::{Call, Workload};

/// The minimum evidence for learning.
#[derive(Clone, Copy, Debug)]
pub struct Thresholds {
    /// The minimum number of requests of a call that is not rare.
    pub least_count: u64,
    /// The minimum part of the period, in percent, of a call that is not rare.
    pub least_span: u8,
    /// The minimum number of distinct IDs for a template.
    pub min_ids: usize,
    /// Whether rare calls are learned too.
    pub takes_rare: bool,
}

/// A caller, a method and a path pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProposedCall {
    /// The caller.
    pub caller: LearnedCaller,
    /// The HTTP method.
    pub method: String,
    /// The path or template.
    pub pattern: Pattern,
    /// The number of requests and their period.
    pub tally: Tally,
    /// Why the call is rare, if it is.
    pub rarity: Option<Rarity>,
}

/// Why a call is rare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rarity {
    /// There were too few requests.
    Few,
    /// All requests were in a short part of the period.
    Brief,
}

/// The proposals for a workload.
#[derive(Debug, Default)]
pub struct Proposals {
    /// Learned calls by caller.
    pub learned: BTreeMap<LearnedCaller, Vec<ProposedCall>>,
    /// Rare calls, which are not learned.
    pub rare: Vec<ProposedCall>,
    /// Templates that were not generated.
    pub held_back: BTreeSet<HeldBack>,
    /// The coverage of the proposals.
    pub coverage: Coverage,
}

/// The share of eligible requests that is allowed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Requests that learned rules allow or that were already allowed.
    pub covered: u64,
    /// All requests that were allowed, answered without an error, and sent by a caller that rules can name.
    pub eligible: u64,
}

impl std::iter::Sum for Coverage {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |sum, one| Self {
            covered: sum.covered.saturating_add(one.covered),
            eligible: sum.eligible.saturating_add(one.eligible),
        })
    }
}

impl Proposals {
    /// Proposes rules with these thresholds.
    pub(crate) fn new(
        workload: &Workload,
        evidence: Thresholds,
        templates: &[HandTemplate],
    ) -> Self {
        let mut proposals = Self::default();
        let mut by_caller: BTreeMap<(&LearnedCaller, &str), BTreeMap<&str, Tally>> =
            BTreeMap::new();
        for (call, tally) in &workload.calls {
            let paths = by_caller.entry((&call.caller, &call.method)).or_default();
            paths.insert(&call.path, *tally);
        }
        let period = workload.period();
        let is_established = move |tally| evidence.rarity(tally, period).is_none();
        let min_ids = evidence.min_ids;
        let mut positions = Positions::new(&workload.paths, min_ids, is_established);
        for ((caller, method), paths) in by_caller {
            let conditions = Conditions {
                denied: mostly_denied(&workload.denied, &paths, caller, method),
                forbidden: paths_of(&workload.forbidden, caller, method),
                min_ids: evidence.min_ids,
                least_count: evidence.least_count,
                templates,
            };
            let folded = fold(caller, &paths, &mut positions, &conditions);
            proposals.held_back.extend(folded.held_back);
            for (pattern, tally) in folded.patterns {
                proposals.add(
                    ProposedCall {
                        caller: caller.clone(),
                        method: method.to_owned(),
                        pattern,
                        tally,
                        rarity: evidence.rarity(tally, period),
                    },
                    evidence,
                );
            }
        }
        let learned = proposals.learned.values().flatten();
        let learned = learned.fold(0, |sum: u64, call| sum.saturating_add(call.tally.count));
        let known = workload
            .already_allowed
            .saturating_add(workload.allowed_in_shadow);
        proposals.coverage = Coverage {
            covered: known.saturating_add(learned),
            eligible: workload.eligible,
        };
        proposals
    }

    /// All calls, learned or rare.
    pub fn calls(&self) -> impl Iterator<Item = &ProposedCall> {
        self.learned.values().flatten().chain(&self.rare)
    }

    fn add(&mut self, call: ProposedCall, evidence: Thresholds) {
        if call.rarity.is_some() && !evidence.takes_rare {
            self.rare.push(call);
        } else {
            let learned = self.learned.entry(call.caller.clone()).or_default();
            learned.push(call);
        }
    }
}

/// The denied paths of a caller and method, without paths that were allowed at least as often. If a path is both denied and
/// allowed, the path is not the reason.
fn mostly_denied<'c>(
    denied: &'c BTreeMap<Call, u64>,
    let_through: &BTreeMap<&str, Tally>,
    caller: &LearnedCaller,
    method: &str,
) -> BTreeSet<&'c str> {
    let own = denied
        .iter()
        .filter(|(call, _)| (&call.caller, call.method.as_str()) == (caller, method));
    let mostly_denied_calls = own.filter(|(call, denied)| {
        let let_through = let_through.get(call.path.as_str());
        let_through.is_none_or(|tally| tally.count < **denied)
    });
    mostly_denied_calls
        .map(|(call, _)| call.path.as_str())
        .collect()
}

/// The paths of a caller and method.
fn paths_of<'c>(
    calls: &'c BTreeSet<Call>,
    caller: &LearnedCaller,
    method: &str,
) -> BTreeSet<&'c str> {
    let calls = calls.iter();
    let own = calls.filter(|call| (&call.caller, call.method.as_str()) == (caller, method));
    own.map(|call| call.path.as_str()).collect()
}

impl Thresholds {
    fn rarity(self, tally: Tally, period: Option<Period>) -> Option<Rarity> {
        if tally.count < self.least_count {
            return Some(Rarity::Few);
        }
        let whole = u128::from(period.map_or(0, Period::length));
        let part = u128::from(tally.period.length());
        (part * 100 < whole * u128::from(self.least_span)).then_some(Rarity::Brief)
    }
}
