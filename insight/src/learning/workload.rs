//! Aggregated observations of a workload.

use std::collections::{BTreeMap, BTreeSet};

use policy_schema::identity::TrustDomains;
use policy_schema::matching::{PathMatch, TextMatch};
use policy_schema::printable::clipped;

use super::caller::{LearnedCaller, UnnamableCaller};
use super::observed::{Observation, Outcome, Period, Tally};
use super::path_positions::SeenPaths;
use super::path_segments::is_too_long;

/// The requests to learn from.
#[derive(Clone, Copy, Debug)]
pub struct Counting {
    /// Only requests with a lower status count.
    pub status_below: u16,
    /// Whether denied requests count.
    pub takes_denied: bool,
    /// Whether callers without an identity are learned.
    pub takes_anonymous: bool,
}

/// The maximum length of a method. Callers can invent methods.
const MAX_METHOD: usize = 64;

/// The decision of existing policies about a request.
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

/// A caller, a method and a path without query.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Call {
    pub(crate) caller: LearnedCaller,
    pub(crate) method: String,
    pub(crate) path: String,
}

/// Why requests are excluded from learning.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exclusion {
    /// The caller had no identity.
    Anonymous,
    /// The certificate does not have exactly one SPIFFE ID of a workload.
    Malformed(String),
    /// The trust domain of the caller is foreign.
    Foreign(String),
    /// The request was denied.
    Denied,
    /// The request was allowed and answered with 401 or 403.
    Forbidden,
    /// The status indicates a failure.
    Failed,
    /// There was no response.
    Unanswered,
    /// The workload itself sent the request.
    Outbound,
    /// The workload itself may have sent the request.
    UndeterminedDirection,
    /// The request has no method or no path.
    Incomplete,
    /// No rule can match this method and path alone.
    Unwritable(String),
    /// The path or method is too long.
    TooLong,
    /// This rule of the policy denies the request.
    DeniedByRule(String),
    /// The request was counted together with others, beyond `maxSeries`.
    PastBound,
    /// The caller has no identity of this mesh. Counters do not distinguish such callers.
    NoMeshIdentity,
}

/// The observations of a workload.
#[derive(Debug, Default)]
pub struct Workload {
    /// All requests, learned from or not.
    pub seen: Option<Tally>,
    /// The number of requests that policies already allow.
    pub already_allowed: u64,
    /// The number of requests that shadow rules would allow.
    pub allowed_in_shadow: u64,
    /// Excluded requests by reason.
    pub excluded: BTreeMap<Exclusion, Tally>,
    /// Calls to learn.
    pub(crate) calls: BTreeMap<Call, Tally>,
    /// Denied calls, so that learned templates do not match them. Excludes calls that a rule of the policy denies, because that rule
    /// stays in force.
    pub(crate) denied: BTreeMap<Call, u64>,
    /// Calls that the workload answered with 401 or 403, or that other filters denied, for example because the order belongs to
    /// another user. A policy cannot express that, so they are not evidence. They are reported if a template matches them.
    pub(crate) forbidden: BTreeSet<Call>,
    /// Calls that no rule can match alone. A template or a rule for the normalized path may still match them.
    pub(crate) unwritable: BTreeMap<Call, Tally>,
    /// The number of eligible requests: allowed, answered without an error, and sent by a caller that rules can name.
    pub(crate) eligible: u64,
    /// The paths of all requests of callers that rules can name, learned from or not.
    pub(crate) paths: SeenPaths,
}

impl Workload {
    /// Adds an observation. `existing_decision` is only called for requests that would be learned.
    pub(crate) fn add(
        &mut self,
        observation: &Observation,
        domains: &TrustDomains,
        counting: Counting,
        existing_decision: impl FnOnce(&Observation) -> ExistingDecision,
    ) {
        let tally = observation.tally;
        // These are not requests to the workload, and do not extend the period.
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
        // Learned rules do not override `Deny` rules.
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

    /// Adds requests that the source counts together.
    pub(crate) fn add_aggregate(&mut self, why: Exclusion, tally: Tally) {
        tally.add_to(&mut self.seen);
        self.exclude(why, tally);
    }

    /// Counts excluded requests.
    fn exclude(&mut self, why: Exclusion, tally: Tally) {
        self.excluded
            .entry(why)
            .and_modify(|sum| *sum = sum.and(tally))
            .or_insert(tally);
    }

    /// The period of all requests.
    pub(crate) fn period(&self) -> Option<Period> {
        self.seen.map(|tally| tally.period)
    }

    /// The call to learn. None if it is already allowed.
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

    /// Records a denied request, and returns why it is excluded.
    fn denied(
        &mut self,
        observation: &Observation,
        call: Call,
        existing_decision: impl FnOnce(&Observation) -> ExistingDecision,
    ) -> Exclusion {
        match existing_decision(observation) {
            ExistingDecision::Denied(rule) => return Exclusion::DeniedByRule(rule),
            // Policies allow it by now, so learned rules do not widen them.
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

    /// Records a call that no rule can match alone. Templates do not match paths that are too long.
    fn add_unwritable(&mut self, call: Call, tally: Tally) {
        if !is_too_long(&call.path) && call.method.len() <= MAX_METHOD {
            let sum = self.unwritable.entry(call);
            sum.and_modify(|sum| *sum = sum.and(tally)).or_insert(tally);
        }
    }

    /// Counts the eligible requests that a draft allows, and removes them from the unwritable ones.
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

/// The caller, if rules can name it.
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

/// Whether a rule with this method and path matches no other request.
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
