//! Observations of a workload, added up.

use std::collections::{BTreeMap, BTreeSet};

use policy_schema::identity::TrustDomains;
use policy_schema::matching::{PathMatch, TextMatch};
use policy_schema::printable::clipped;

use super::caller::{LearnedCaller, UnnamableCaller};
use super::observed::{Observation, Outcome, Period, Tally};
use super::path_positions::SeenPaths;
use super::path_segments::is_too_long;

/// Which requests are learned from.
#[derive(Clone, Copy, Debug)]
pub struct Counting {
    /// Answers with a lower status count.
    pub status_below: u16,
    /// Whether requests count that were denied.
    pub takes_denied: bool,
    /// Whether callers without identity may be learned.
    pub takes_anonymous: bool,
}

/// Longer methods are not learned: any caller can make one up.
const MAX_METHOD: usize = 64;

/// How a request stands with what is allowed already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ExistingDecision {
    /// No rule matches the request.
    Undecided,
    /// The mesh normalizes paths, and rules never see a path like this one.
    NotNormalized,
    /// The policy allows the request.
    Allowed,
    /// A rule in shadow would allow the request.
    AllowedInShadow,
    /// This rule denies the request, whatever else is allowed.
    Denied(String),
    /// This rule denied the request at its time, but has expired.
    DeniedEarlier(String),
}

/// A caller, a method, and a path without query.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Call {
    pub(crate) caller: LearnedCaller,
    pub(crate) method: String,
    pub(crate) path: String,
}

/// Why requests are not learned from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exclusion {
    /// The caller had no identity.
    Anonymous,
    /// What the caller presented is not one SPIFFE ID of a workload.
    Malformed(String),
    /// The caller's trust domain is not the mesh's.
    Foreign(String),
    /// The request was denied.
    Denied,
    /// It was let through, and answered with 401 or 403.
    Forbidden,
    /// The answer says that the request did not succeed.
    Failed,
    /// There was no answer.
    Unanswered,
    /// The workload itself made it.
    Outbound,
    /// The workload itself may have made it.
    UndeterminedDirection,
    /// It has no method or no path.
    Incomplete,
    /// No rule can be written that takes this method and path and no other.
    Unwritable(String),
    /// Its path or its method is longer than what is learned.
    TooLong,
    /// This rule of the policy denies it.
    DeniedByRule(String),
    /// It was counted with others past the bound of the counters.
    PastBound,
    /// The counters do not tell callers apart that have no identity of the mesh.
    NoMeshIdentity,
}

/// What was seen of a workload.
#[derive(Debug, Default)]
pub struct Workload {
    /// All that was seen, whether it is learned from or not.
    pub seen: Option<Tally>,
    /// What is allowed already.
    pub already_allowed: u64,
    /// What rules in shadow would allow already.
    pub allowed_in_shadow: u64,
    /// What nothing is learned from, by the reason.
    pub excluded: BTreeMap<Exclusion, Tally>,
    /// What is to be learned.
    pub(crate) calls: BTreeMap<Call, Tally>,
    /// What was denied and how often, so that nothing learned takes it in that was not let through as well. What a rule
    /// of the policy denies is not among it: the rule stays in force beside what is learned.
    pub(crate) denied: BTreeMap<Call, u64>,
    /// What the workload answered with 401 or 403, and what others than the filter and RBAC denied. Whose order it is,
    /// or whether a token is good, no rule can judge; so this is evidence for nothing, and told where a template takes
    /// it in.
    pub(crate) forbidden: BTreeSet<Call>,
    /// Requests that no rule can be written for alone. A template may take them in, and so may a rule for the path that
    /// theirs is normalised to.
    pub(crate) unwritable: BTreeMap<Call, Tally>,
    /// How many requests count for what is learned: let through, answered without an error, by a caller that a rule
    /// may name.
    pub(crate) eligible: u64,
    /// The paths of all requests of callers that a rule may name, whether they are learned from or not.
    pub(crate) paths: SeenPaths,
}

impl Workload {
    /// Adds an observation; `existing_decision` is asked only about what would be learned.
    pub(crate) fn add(
        &mut self,
        observation: &Observation,
        domains: &TrustDomains,
        counting: Counting,
        existing_decision: impl FnOnce(&Observation) -> ExistingDecision,
    ) {
        let tally = observation.tally;
        // Of the workload these say nothing, not even how long it was looked at.
        match observation.outcome {
            Outcome::Outbound => return self.exclude(Exclusion::Outbound, tally),
            Outcome::UndeterminedDirection => {
                return self.exclude(Exclusion::UndeterminedDirection, tally);
            }
            _ => {}
        }
        tally.add_to(&mut self.seen);
        let caller = match caller(observation, domains, counting) {
            Ok(caller) => caller,
            Err(why) => return self.exclude(why, tally),
        };
        let call = self.call(observation, caller.clone(), counting, existing_decision);
        let is_eligible = match &call {
            Ok(_) | Err(Exclusion::TooLong | Exclusion::Unwritable(_)) => true,
            Err(_) => false,
        };
        if is_eligible {
            self.eligible = self.eligible.saturating_add(tally.count);
        }
        // What a rule denies stays denied, whatever is learned beside it.
        let is_refused = matches!(&call, Err(Exclusion::DeniedByRule(_)));
        if let Some(path) = observation.path.as_ref().filter(|_| !is_refused) {
            self.paths.add(path, &caller, tally, is_eligible);
        }
        match call {
            Ok(Some(call)) => {
                self.calls
                    .entry(call)
                    .and_modify(|sum| *sum = sum.and(tally))
                    .or_insert(tally);
            }
            Ok(None) => {}
            Err(why) => self.exclude(why, tally),
        }
    }

    /// Adds requests that the source does not tell apart.
    pub(crate) fn add_aggregate(&mut self, why: Exclusion, tally: Tally) {
        tally.add_to(&mut self.seen);
        self.exclude(why, tally);
    }

    /// Counts requests that are not learned from.
    fn exclude(&mut self, why: Exclusion, tally: Tally) {
        self.excluded
            .entry(why)
            .and_modify(|sum| *sum = sum.and(tally))
            .or_insert(tally);
    }

    /// When anything was seen.
    pub(crate) fn period(&self) -> Option<Period> {
        self.seen.map(|tally| tally.period)
    }

    /// What is to be learned of the observation; nothing where it is known.
    fn call(
        &mut self,
        observation: &Observation,
        caller: LearnedCaller,
        counting: Counting,
        existing_decision: impl FnOnce(&Observation) -> ExistingDecision,
    ) -> Result<Option<Call>, Exclusion> {
        let (Some(method), Some(path)) = (&observation.method, &observation.path) else {
            return Err(Exclusion::Incomplete);
        };
        let call = Call {
            caller,
            method: method.clone(),
            path: path.clone(),
        };
        match observation.outcome {
            Outcome::Denied if !counting.takes_denied => {
                return Err(self.denied(observation, call, existing_decision));
            }
            Outcome::DeniedByOtherFilter if !counting.takes_denied => {
                self.forbidden.insert(call);
                return Err(Exclusion::Denied);
            }
            Outcome::Answered(status @ (401 | 403)) if status >= counting.status_below => {
                self.forbidden.insert(call);
                return Err(Exclusion::Forbidden);
            }
            Outcome::Answered(status) if status >= counting.status_below => {
                return Err(Exclusion::Failed);
            }
            Outcome::Unanswered => return Err(Exclusion::Unanswered),
            Outcome::Outbound => return Err(Exclusion::Outbound),
            Outcome::UndeterminedDirection => return Err(Exclusion::UndeterminedDirection),
            Outcome::Answered(_)
            | Outcome::Allowed
            | Outcome::Denied
            | Outcome::DeniedByOtherFilter => {}
        }
        let unwritable = || Exclusion::unwritable(method, path);
        if !is_writable(&call) {
            self.add_unwritable(call, observation.tally);
            return Err(unwritable());
        }
        match existing_decision(observation) {
            ExistingDecision::Undecided if is_too_long(path) || method.len() > MAX_METHOD => {
                Err(Exclusion::TooLong)
            }
            ExistingDecision::Undecided => Ok(Some(call)),
            ExistingDecision::NotNormalized => {
                self.add_unwritable(call, observation.tally);
                Err(unwritable())
            }
            ExistingDecision::Allowed => {
                self.already_allowed = self.already_allowed.saturating_add(observation.tally.count);
                Ok(None)
            }
            ExistingDecision::AllowedInShadow => {
                self.allowed_in_shadow = self
                    .allowed_in_shadow
                    .saturating_add(observation.tally.count);
                Ok(None)
            }
            ExistingDecision::Denied(rule) => Err(Exclusion::DeniedByRule(rule)),
            ExistingDecision::DeniedEarlier(rule) => {
                self.add_denied(call, observation.tally);
                Err(Exclusion::DeniedByRule(rule))
            }
        }
    }

    /// Takes note of a request that was denied; why it is not learned from.
    fn denied(
        &mut self,
        observation: &Observation,
        call: Call,
        existing_decision: impl FnOnce(&Observation) -> ExistingDecision,
    ) -> Exclusion {
        match existing_decision(observation) {
            ExistingDecision::Denied(rule) => return Exclusion::DeniedByRule(rule),
            // It is allowed by now, so that nothing learned allows it newly.
            ExistingDecision::Allowed => {}
            ExistingDecision::Undecided
            | ExistingDecision::NotNormalized
            | ExistingDecision::AllowedInShadow
            | ExistingDecision::DeniedEarlier(_) => self.add_denied(call, observation.tally),
        }
        Exclusion::Denied
    }

    fn add_denied(&mut self, call: Call, tally: Tally) {
        let count = self.denied.entry(call).or_default();
        *count = count.saturating_add(tally.count);
    }

    /// Keeps a request that no rule can be written for alone. One that is too long is none that a template takes in.
    fn add_unwritable(&mut self, call: Call, tally: Tally) {
        if !is_too_long(&call.path) && call.method.len() <= MAX_METHOD {
            let sum = self.unwritable.entry(call);
            sum.and_modify(|sum| *sum = sum.and(tally)).or_insert(tally);
        }
    }

    /// Counts what a draft allows of the requests that count for what is learned, and no longer calls unwritable what it
    /// allows of these.
    pub(crate) fn cover(&mut self, is_allowed: impl Fn(&Call) -> bool) -> u64 {
        let calls = self.calls.iter().filter(|(call, _)| is_allowed(call));
        let learned: u64 = calls.map(|(_, tally)| tally.count).sum();
        let mut covered = self.already_allowed.saturating_add(self.allowed_in_shadow);
        covered = covered.saturating_add(learned);
        let allowed: Vec<_> = self
            .unwritable
            .extract_if(.., |call, _| is_allowed(call))
            .collect();
        for (call, tally) in allowed {
            covered = covered.saturating_add(tally.count);
            let why = Exclusion::unwritable(&call.method, &call.path);
            if let Some(sum) = self.excluded.get_mut(&why) {
                sum.count = sum.count.saturating_sub(tally.count);
            }
        }
        self.excluded.retain(|_, tally| tally.count > 0);
        covered
    }
}

impl Exclusion {
    fn unwritable(method: &str, path: &str) -> Self {
        Self::Unwritable(format!("{} {}", clipped(method), clipped(path)))
    }
}

/// Who made the request, if a rule may name them.
fn caller(
    observation: &Observation,
    domains: &TrustDomains,
    counting: Counting,
) -> Result<LearnedCaller, Exclusion> {
    let peer = observation.peer.as_deref();
    let caller = LearnedCaller::from_peer(peer, domains).map_err(|stranger| {
        let presented = clipped(peer.unwrap_or_default()).into_owned();
        match stranger {
            UnnamableCaller::Malformed => Exclusion::Malformed(presented),
            UnnamableCaller::Foreign => Exclusion::Foreign(presented),
        }
    })?;
    if caller == LearnedCaller::Anonymous && !counting.takes_anonymous {
        return Err(Exclusion::Anonymous);
    }
    Ok(caller)
}

/// Whether method and path, as they are, stand for themselves alone in a rule.
fn is_writable(call: &Call) -> bool {
    let is_method_byte = |byte: u8| {
        byte.is_ascii_uppercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_')
    };
    let is_exact = matches!(
        PathMatch::parse(&call.path),
        Ok(PathMatch::Text(TextMatch::Exact(_)))
    );
    is_exact
        && call.path.starts_with('/')
        && call.path.bytes().all(|byte| byte.is_ascii_graphic())
        && !call.method.is_empty()
        && call.method.bytes().all(is_method_byte)
}
