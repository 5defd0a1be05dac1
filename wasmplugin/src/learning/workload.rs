//! Observations of a workload, added up.

use std::collections::{BTreeMap, BTreeSet};

use policy_schema::identity::TrustDomains;
use policy_schema::matching::{PathMatch, TextMatch};

use super::caller::{Caller, Stranger};
use super::observed::{Observation, Outcome, Period, Tally};
use super::path_positions::{SeenPaths, is_too_long};
use crate::printable::clipped;

/// Which requests are learnt from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Counting {
    /// Answers with a lower status count.
    pub(crate) status_below: u16,
    /// Whether requests count that were denied.
    pub(crate) takes_denied: bool,
    /// Whether callers without identity may be learnt.
    pub(crate) takes_anonymous: bool,
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
pub(crate) enum SetAside {
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
pub(crate) struct Workload {
    /// All that was seen, whether it is learnt from or not.
    pub(crate) seen: Option<Tally>,
    /// What is allowed already.
    pub(crate) known: u64,
    /// What rules in shadow would allow already.
    pub(crate) known_in_shadow: u64,
    pub(crate) set_aside: BTreeMap<SetAside, Tally>,
    /// What is to be learnt.
    pub(crate) calls: BTreeMap<Call, Tally>,
    /// What was denied, so that nothing learnt may take it in.
    pub(crate) denied: BTreeSet<Call>,
    /// What was let through and answered with 401 or 403. Whose order it is, the workload judges, and no rule can; so
    /// this is evidence for nothing, and told where a template takes it in.
    pub(crate) forbidden: BTreeSet<Call>,
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
        if let Some(path) = &observation.path {
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
                self.denied.insert(call);
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
            Outcome::Answered(_) | Outcome::LetThrough | Outcome::Denied => {}
        }
        let unwritable = || SetAside::Unwritable(format!("{} {}", clipped(method), clipped(path)));
        if !is_writable(&call) {
            return Err(unwritable());
        }
        match standing(observation) {
            Standing::New if is_too_long(path) || method.len() > MAX_METHOD => {
                Err(SetAside::TooLong)
            }
            Standing::New => Ok(Some(call)),
            Standing::Unseen => Err(unwritable()),
            Standing::Known => {
                self.known = self.known.saturating_add(observation.tally.count);
                Ok(None)
            }
            Standing::KnownInShadow => {
                self.known_in_shadow = self.known_in_shadow.saturating_add(observation.tally.count);
                Ok(None)
            }
            Standing::Refused(rule) => {
                self.denied.insert(call);
                Err(SetAside::Refused(rule))
            }
        }
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
