//! Observations of a workload, added up.

use std::collections::{BTreeMap, BTreeSet};

use policy_schema::identity::TrustDomains;
use policy_schema::matching::{PathMatch, TextMatch};
use policy_schema::printable::clipped;

use super::caller::{Caller, Stranger};
use super::observed::{Observation, Outcome, Period, Tally};
use super::path_positions::SeenPaths;
use super::path_segments::is_too_long;

/// Which requests are learnt from.
#[derive(Clone, Copy, Debug)]
pub struct Counting {
    /// Answers with a lower status count.
    pub status_below: u16,
    /// Whether requests count that were denied.
    pub takes_denied: bool,
    /// Whether callers without identity may be learnt.
    pub takes_anonymous: bool,
}

/// Longer methods are not learnt: any caller can make one up.
const MAX_METHOD: usize = 64;

/// How a request stands with what is allowed already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// No rule says anything about it.
    New,
    /// The mesh normalises paths, and no rule sees one like this.
    Unseen,
    /// It is allowed.
    Known,
    /// A rule in shadow would allow it.
    KnownInShadow,
    /// This rule denies it, whatever else is allowed.
    Refused(String),
    /// This rule denied it then, and its time is over.
    RefusedThen(String),
}

/// A caller, a method, and a path without query.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Call {
    pub(crate) caller: Caller,
    pub(crate) method: String,
    pub(crate) path: String,
}

/// Why requests are not learnt from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SetAside {
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
    EitherWay,
    /// It has no method or no path.
    Incomplete,
    /// No rule can be written that takes this method and path and no other.
    Unwritable(String),
    /// Its path or its method is longer than what is learnt.
    TooLong,
    /// This rule of the policy denies it.
    Refused(String),
    /// It was counted with others past the bound of the counters.
    PastBound,
    /// The counters do not tell callers apart that have no identity of the mesh.
    Nobody,
}

/// What was seen of a workload.
#[derive(Debug, Default)]
pub struct Workload {
    /// All that was seen, whether it is learnt from or not.
    pub seen: Option<Tally>,
    /// What is allowed already.
    pub known: u64,
    /// What rules in shadow would allow already.
    pub known_in_shadow: u64,
    /// What nothing is learnt from, by the reason.
    pub set_aside: BTreeMap<SetAside, Tally>,
    /// What is to be learnt.
    pub(crate) calls: BTreeMap<Call, Tally>,
    /// What was denied and how often, so that nothing learnt takes it in that was not let through as well. What a rule
    /// of the policy denies is not among it: the rule stays in force beside what is learnt.
    pub(crate) denied: BTreeMap<Call, u64>,
    /// What the workload answered with 401 or 403, and what others than the filter and RBAC denied. Whose order it is,
    /// or whether a token is good, no rule can judge; so this is evidence for nothing, and told where a template takes
    /// it in.
    pub(crate) forbidden: BTreeSet<Call>,
    /// Requests that no rule can be written for alone. A template may take them in, and so may a rule for the path that
    /// theirs is normalised to.
    pub(crate) unwritable: BTreeMap<Call, Tally>,
    /// How many requests count for what is learnt: let through, answered without an error, by a caller that a rule
    /// may name.
    pub(crate) eligible: u64,
    /// The paths of all requests of callers that a rule may name, whether they are learnt from or not.
    pub(crate) paths: SeenPaths,
}

impl Workload {
    /// Adds an observation; `standing` is asked only about what would be learnt.
    pub(crate) fn add(
        &mut self,
        observation: &Observation,
        domains: &TrustDomains,
        counting: Counting,
        standing: impl FnOnce(&Observation) -> Standing,
    ) {
        let tally = observation.tally;
        // Of the workload these say nothing, not even how long it was looked at.
        match observation.outcome {
            Outcome::Outbound => return self.set_aside(SetAside::Outbound, tally),
            Outcome::EitherWay => return self.set_aside(SetAside::EitherWay, tally),
            _ => {}
        }
        tally.add_to(&mut self.seen);
        let caller = match caller(observation, domains, counting) {
            Ok(caller) => caller,
            Err(why) => return self.set_aside(why, tally),
        };
        let call = self.call(observation, caller.clone(), counting, standing);
        let is_eligible = match &call {
            Ok(_) | Err(SetAside::TooLong | SetAside::Unwritable(_)) => true,
            Err(_) => false,
        };
        if is_eligible {
            self.eligible = self.eligible.saturating_add(tally.count);
        }
        // What a rule denies stays denied, whatever is learnt beside it.
        let is_refused = matches!(&call, Err(SetAside::Refused(_)));
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
            Err(why) => self.set_aside(why, tally),
        }
    }

    /// Adds requests that the source does not tell apart.
    pub(crate) fn add_untold(&mut self, why: SetAside, tally: Tally) {
        tally.add_to(&mut self.seen);
        self.set_aside(why, tally);
    }

    /// Counts requests that are not learnt from.
    fn set_aside(&mut self, why: SetAside, tally: Tally) {
        self.set_aside
            .entry(why)
            .and_modify(|sum| *sum = sum.and(tally))
            .or_insert(tally);
    }

    /// When anything was seen.
    pub(crate) fn period(&self) -> Option<Period> {
        self.seen.map(|tally| tally.period)
    }

    /// What is to be learnt of the observation; nothing where it is known.
    fn call(
        &mut self,
        observation: &Observation,
        caller: Caller,
        counting: Counting,
        standing: impl FnOnce(&Observation) -> Standing,
    ) -> Result<Option<Call>, SetAside> {
        let (Some(method), Some(path)) = (&observation.method, &observation.path) else {
            return Err(SetAside::Incomplete);
        };
        let call = Call {
            caller,
            method: method.clone(),
            path: path.clone(),
        };
        match observation.outcome {
            Outcome::Denied if !counting.takes_denied => {
                return Err(self.denied(observation, call, standing));
            }
            Outcome::DeniedElsewhere if !counting.takes_denied => {
                self.forbidden.insert(call);
                return Err(SetAside::Denied);
            }
            Outcome::Answered(status @ (401 | 403)) if status >= counting.status_below => {
                self.forbidden.insert(call);
                return Err(SetAside::Forbidden);
            }
            Outcome::Answered(status) if status >= counting.status_below => {
                return Err(SetAside::Failed);
            }
            Outcome::Unanswered => return Err(SetAside::Unanswered),
            Outcome::Outbound => return Err(SetAside::Outbound),
            Outcome::EitherWay => return Err(SetAside::EitherWay),
            Outcome::Answered(_)
            | Outcome::LetThrough
            | Outcome::Denied
            | Outcome::DeniedElsewhere => {}
        }
        let unwritable = || SetAside::unwritable(method, path);
        if !is_writable(&call) {
            self.add_unwritable(call, observation.tally);
            return Err(unwritable());
        }
        match standing(observation) {
            Standing::New if is_too_long(path) || method.len() > MAX_METHOD => {
                Err(SetAside::TooLong)
            }
            Standing::New => Ok(Some(call)),
            Standing::Unseen => {
                self.add_unwritable(call, observation.tally);
                Err(unwritable())
            }
            Standing::Known => {
                self.known = self.known.saturating_add(observation.tally.count);
                Ok(None)
            }
            Standing::KnownInShadow => {
                self.known_in_shadow = self.known_in_shadow.saturating_add(observation.tally.count);
                Ok(None)
            }
            Standing::Refused(rule) => Err(SetAside::Refused(rule)),
            Standing::RefusedThen(rule) => {
                self.add_denied(call, observation.tally);
                Err(SetAside::Refused(rule))
            }
        }
    }

    /// Takes note of a request that was denied; why it is not learnt from.
    fn denied(
        &mut self,
        observation: &Observation,
        call: Call,
        standing: impl FnOnce(&Observation) -> Standing,
    ) -> SetAside {
        match standing(observation) {
            Standing::Refused(rule) => return SetAside::Refused(rule),
            // It is allowed by now, so that nothing learnt allows it newly.
            Standing::Known => {}
            Standing::New
            | Standing::Unseen
            | Standing::KnownInShadow
            | Standing::RefusedThen(_) => self.add_denied(call, observation.tally),
        }
        SetAside::Denied
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

    /// Counts what a draft allows of the requests that count for what is learnt, and no longer calls unwritable what it
    /// allows of these.
    pub(crate) fn cover(&mut self, is_allowed: impl Fn(&Call) -> bool) -> u64 {
        let calls = self.calls.iter().filter(|(call, _)| is_allowed(call));
        let learnt: u64 = calls.map(|(_, tally)| tally.count).sum();
        let mut covered = self.known.saturating_add(self.known_in_shadow);
        covered = covered.saturating_add(learnt);
        let allowed: Vec<_> = self
            .unwritable
            .extract_if(.., |call, _| is_allowed(call))
            .collect();
        for (call, tally) in allowed {
            covered = covered.saturating_add(tally.count);
            let why = SetAside::unwritable(&call.method, &call.path);
            if let Some(sum) = self.set_aside.get_mut(&why) {
                sum.count = sum.count.saturating_sub(tally.count);
            }
        }
        self.set_aside.retain(|_, tally| tally.count > 0);
        covered
    }
}

impl SetAside {
    fn unwritable(method: &str, path: &str) -> Self {
        Self::Unwritable(format!("{} {}", clipped(method), clipped(path)))
    }
}

/// Who made the request, if a rule may name them.
fn caller(
    observation: &Observation,
    domains: &TrustDomains,
    counting: Counting,
) -> Result<Caller, SetAside> {
    let peer = observation.peer.as_deref();
    let caller = Caller::of_peer(peer, domains).map_err(|stranger| {
        let presented = clipped(peer.unwrap_or_default()).into_owned();
        match stranger {
            Stranger::Malformed => SetAside::Malformed(presented),
            Stranger::Foreign => SetAside::Foreign(presented),
        }
    })?;
    if caller == Caller::Anonymous && !counting.takes_anonymous {
        return Err(SetAside::Anonymous);
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
