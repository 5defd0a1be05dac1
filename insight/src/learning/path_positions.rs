//! The values at each position of a workload's paths: IDs of one form, or words too.
//!
//! Any client can send a word in the position of an ID, so a word only counts if it is established: some caller sent it often
//! enough to be learned, or it is a significant share of the requests of the caller whose paths are folded. IDs of other
//! callers may have any form.
//!
//! A position follows a prefix in which `{*}` replaces each ID. Clients can send long paths that differ in every segment, so a
//! path must only cost its own length: positions are not stored, but searched in paths sorted by such prefixes.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;

use super::caller::LearnedCaller;
use super::observed::Tally;
use super::path_segments::{MAX_PATH, MAX_SEGMENTS, push, segments};
use super::path_shape::{Form, Shape, are_of_one_kind, is_grpc, shape};

/// The maximum number of ID forms to distinguish. More forms count as several kinds.
const MAX_FORMS: usize = 32;

/// A value below one in this many of a caller's requests at a position is odd: a probe or a mistake.
const ODD_ONE_IN: u64 = 20;

/// The requested paths of a workload, by callers that rules can name.
#[derive(Debug, Default)]
pub(crate) struct SeenPaths {
    callers: BTreeMap<LearnedCaller, CallerId>,
    /// The requests for a path, sorted by caller.
    paths: BTreeMap<Box<str>, Vec<Requests>>,
}

/// An interned caller.
type CallerId = u32;

/// The requests of a caller for a path.
#[derive(Clone, Copy, Debug)]
struct Requests {
    caller: CallerId,
    count: u64,
    /// Requests that are eligible for learning.
    eligible: Option<Tally>,
}

/// Paths sorted by key.
pub(crate) struct Positions<'p> {
    paths: Vec<KeyedPath<'p>>,
    callers: &'p BTreeMap<LearnedCaller, CallerId>,
    min_ids: usize,
    /// Whether a tally is sufficient for learning.
    is_established: Box<dyn Fn(Tally) -> bool>,
    /// Cached positions, by the range of their paths and the position's number.
    judged: HashMap<(usize, usize, usize), Vec<(CallerId, Judged<'p>)>>,
}

/// A path, truncated if it is too long.
#[derive(Debug)]
struct KeyedPath<'p> {
    /// The path with `{*}` for each ID.
    key: Box<str>,
    path: &'p str,
    requests: &'p [Requests],
}

/// Why a position cannot be folded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Obstacle<'p> {
    /// A word in the position of an ID.
    Word(&'p str),
    /// An ID with a different form than the others.
    OtherForm(&'p str),
}

/// The result of judging a position for a caller.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Judged<'p> {
    pub(super) obstacle: Option<Obstacle<'p>>,
    /// A value that is too rare to be an obstacle.
    pub(super) odd: Option<&'p str>,
}

/// The values at a position.
#[derive(Debug, Default)]
struct Position<'p> {
    /// The alphabetically first established word.
    established: Option<&'p str>,
    /// Any word.
    word: Option<&'p str>,
    /// An established value that is an ID only among others of its form.
    undecided: BTreeMap<Form, &'p str>,
    callers: BTreeMap<CallerId, Own<'p>>,
}

/// The values of one caller at a position.
#[derive(Debug, Default)]
struct Own<'p> {
    count: u64,
    words: u64,
    ids: BTreeMap<Form, Ids<'p>>,
    /// Whether there were more ID forms than the maximum.
    has_more_forms: bool,
}

/// The IDs of one form of a caller at a position.
#[derive(Debug)]
struct Ids<'p> {
    count: u64,
    eligible: Option<Tally>,
    /// The alphabetically first ID.
    first: &'p str,
    /// Distinct IDs, at most as many as needed.
    distinct: BTreeSet<&'p str>,
}

impl SeenPaths {
    /// Adds requests for a path, truncated if it is too long.
    pub(crate) fn add(
        &mut self,
        path: &str,
        caller: &LearnedCaller,
        tally: Tally,
        is_eligible: bool,
    ) {
        if is_grpc(path) {
            return;
        }
        let start = path.len() - path.strip_prefix('/').unwrap_or(path).len();
        let ends = segments(path).scan(start, |next, segment| {
            let end = *next + segment.len();
            *next = end + 1;
            Some(end)
        });
        let learnable = ends.take(MAX_SEGMENTS).take_while(|end| *end <= MAX_PATH);
        let Some(beginning) = learnable.last().and_then(|end| path.get(..end)) else {
            return;
        };
        let caller = self.id(caller);
        let new = Requests {
            caller,
            count: tally.count,
            eligible: is_eligible.then_some(tally),
        };
        match self.paths.get_mut(beginning) {
            Some(requests) => {
                let place = requests.binary_search_by_key(&caller, |known| known.caller);
                match place.map(|known| requests.get_mut(known)) {
                    Ok(Some(known)) => {
                        known.count = known.count.saturating_add(tally.count);
                        if is_eligible {
                            tally.add_to(&mut known.eligible);
                        }
                    }
                    Ok(None) => {}
                    Err(place) => requests.insert(place, new),
                }
            }
            None => {
                self.paths.insert(beginning.into(), vec![new]);
            }
        }
    }

    fn id(&mut self, caller: &LearnedCaller) -> CallerId {
        if let Some(id) = self.callers.get(caller) {
            return *id;
        }
        let id = CallerId::try_from(self.callers.len()).unwrap_or(CallerId::MAX);
        self.callers.insert(caller.clone(), id);
        id
    }
}

impl<'p> Positions<'p> {
    /// Indexes the paths. `min_ids` distinct IDs are sufficient evidence.
    pub(crate) fn new(
        seen: &'p SeenPaths,
        min_ids: usize,
        is_established: impl Fn(Tally) -> bool + 'static,
    ) -> Self {
        let mut paths: Vec<_> = seen
            .paths
            .iter()
            .map(|(path, requests)| {
                let mut key = String::new();
                for segment in segments(path) {
                    push(&mut key, segment, shape(segment) != Shape::Word);
                }
                KeyedPath {
                    key: key.into_boxed_str(),
                    path,
                    requests,
                }
            })
            .collect();
        paths.sort_unstable_by(|one, other| one.key.cmp(&other.key).then(one.path.cmp(other.path)));
        Self {
            paths,
            callers: &seen.callers,
            min_ids,
            is_established: Box::new(is_established),
            judged: HashMap::new(),
        }
    }

    /// Judges each position of a caller's path. The flag of each segment is true for an ID.
    pub(super) fn judge(
        &mut self,
        caller: &LearnedCaller,
        segments: &[(&str, bool)],
    ) -> Vec<Judged<'p>> {
        let caller = self.callers.get(caller).copied();
        let mut at = 0..self.paths.len();
        let mut prefix = String::new();
        let mut judged = Vec::with_capacity(segments.len());
        for (number, (segment, is_id)) in segments.iter().enumerate() {
            judged.push(match caller {
                Some(caller) if *is_id => self.position(caller, at.clone(), number),
                Some(_) | None => Judged::default(),
            });
            push(&mut prefix, segment, *is_id);
            let end = prefix.len();
            prefix.push('/');
            at = self.starting_with(&prefix, at);
            prefix.truncate(end);
        }
        judged
    }

    /// The paths in a range whose keys start with a prefix.
    fn starting_with(&self, prefix: &str, range: Range<usize>) -> Range<usize> {
        let paths = self.paths.get(range.clone()).unwrap_or_default();
        let before = paths.partition_point(|path| &*path.key < prefix);
        let from = paths.get(before..).unwrap_or_default();
        let length = from.partition_point(|path| path.key.starts_with(prefix));
        let start = range.start + before;
        start..start + length
    }

    /// Judges a position of paths with the same prefix for a caller.
    fn position(&mut self, caller: CallerId, at: Range<usize>, number: usize) -> Judged<'p> {
        let paths = self.paths.get(at.clone()).unwrap_or_default();
        if paths.len() < 2 {
            return Judged::default();
        }
        let known = self.judged.entry((at.start, at.end, number));
        let judged = known.or_insert_with(|| {
            let position = Position::new(paths, number, self.min_ids, &self.is_established);
            position.judge(self.min_ids, &self.is_established)
        });
        let own = judged.binary_search_by_key(&caller, |(other, _)| *other);
        let own = own.ok().and_then(|own| judged.get(own));
        own.map(|(_, judged)| *judged).unwrap_or_default()
    }
}

impl<'p> Position<'p> {
    /// Collects the values at a position of these paths.
    fn new(
        paths: &[KeyedPath<'p>],
        number: usize,
        min_ids: usize,
        is_established: &dyn Fn(Tally) -> bool,
    ) -> Self {
        let mut position = Self::default();
        // Tallies of each word and each undecided ID, by caller.
        let mut words: BTreeMap<(&str, CallerId), Tally> = BTreeMap::new();
        let mut undecided: BTreeMap<(Form, &str, CallerId), Tally> = BTreeMap::new();
        for path in paths {
            let Some(segment) = segments(path.path).nth(number) else {
                continue;
            };
            // `{*}` does not match an empty segment.
            if segment.is_empty() {
                continue;
            }
            let shape = shape(segment);
            if shape == Shape::Word {
                position.word = Some(position.word.map_or(segment, |word| word.min(segment)));
            }
            for requests in path.requests {
                let own = position.callers.entry(requests.caller).or_default();
                own.count = own.count.saturating_add(requests.count);
                match &shape {
                    Shape::Word => {
                        own.words = own.words.saturating_add(requests.count);
                        sum(&mut words, (segment, requests.caller), requests.eligible);
                    }
                    Shape::Id(form) => own.add(form, segment, requests, Some(min_ids)),
                    Shape::Undecided(form) => {
                        own.add(form, segment, requests, None);
                        let key = (form.clone(), segment, requests.caller);
                        sum(&mut undecided, key, requests.eligible);
                    }
                }
            }
        }
        let mut established = words
            .into_iter()
            .filter(|(_, tally)| is_established(*tally));
        position.established = established.next().map(|((word, _), _)| word);
        for ((form, id, _), tally) in undecided {
            if is_established(tally) && position.undecided.len() < MAX_FORMS {
                position.undecided.entry(form).or_insert(id);
            }
        }
        position
    }

    /// Judges the position for each of its callers.
    fn judge(
        &self,
        min_ids: usize,
        is_established: &dyn Fn(Tally) -> bool,
    ) -> Vec<(CallerId, Judged<'p>)> {
        let callers = self.callers.iter();
        let judged = callers.map(|(caller, own)| {
            let judged = match self.obstacle(own, min_ids, is_established) {
                Some(obstacle) => Judged {
                    obstacle: Some(obstacle),
                    odd: None,
                },
                None => Judged {
                    obstacle: None,
                    odd: self.word.or_else(|| own.odd(min_ids)),
                },
            };
            (*caller, judged)
        });
        judged.collect()
    }

    fn obstacle(
        &self,
        own: &Own<'p>,
        min_ids: usize,
        is_established: &dyn Fn(Tally) -> bool,
    ) -> Option<Obstacle<'p>> {
        let is_share = |count: u64| count.saturating_mul(ODD_ONE_IN) >= own.count;
        let words = self.word.filter(|_| own.words > 0 && is_share(own.words));
        if let Some(word) = self.established.or(words) {
            return Some(Obstacle::Word(word));
        }
        let kinds = own.kinds();
        let rarest = || kinds.iter().min_by_key(|kind| kind.count);
        let has_evidence = kinds.iter().any(|kind| kind.distinct >= min_ids);
        // Several kinds of IDs, none with enough evidence.
        if own.has_more_forms || (!has_evidence && kinds.len() > 1) {
            return rarest().map(|kind| Obstacle::OtherForm(kind.first));
        }
        let few = kinds.iter().filter(|kind| kind.distinct < min_ids);
        let mut counting =
            few.filter(|kind| is_share(kind.count) || kind.eligible.is_some_and(is_established));
        if let Some(kind) = counting.next().filter(|_| has_evidence) {
            return Some(Obstacle::OtherForm(kind.first));
        }
        let mut of_others = self.undecided.iter();
        let strange = of_others.find(|(form, _)| !kinds.iter().any(|kind| kind.takes(form)));
        strange.map(|(_, id)| Obstacle::OtherForm(id))
    }
}

/// Adds a tally to the sum of a key.
fn sum<K: Ord>(sums: &mut BTreeMap<K, Tally>, key: K, tally: Option<Tally>) {
    if let Some(tally) = tally {
        let sum = sums.entry(key);
        sum.and_modify(|sum| *sum = sum.and(tally)).or_insert(tally);
    }
}

/// The IDs of one kind of a caller at a position.
struct OwnKind<'o, 'p> {
    forms: BTreeSet<&'o Form>,
    count: u64,
    eligible: Option<Tally>,
    distinct: usize,
    first: &'p str,
}

impl OwnKind<'_, '_> {
    /// Whether IDs of a form may belong to this kind.
    fn takes(&self, form: &Form) -> bool {
        let mut forms: BTreeSet<&Form> = self.forms.iter().copied().collect();
        forms.insert(form);
        are_of_one_kind(forms.into_iter())
    }
}

impl<'p> Own<'p> {
    fn add(&mut self, form: &Form, id: &'p str, requests: &Requests, evidence: Option<usize>) {
        if !self.ids.contains_key(form) && self.ids.len() >= MAX_FORMS {
            self.has_more_forms = true;
            return;
        }
        let ids = self.ids.entry(form.clone()).or_insert_with(|| Ids {
            count: 0,
            eligible: None,
            first: id,
            distinct: BTreeSet::new(),
        });
        ids.count = ids.count.saturating_add(requests.count);
        ids.first = ids.first.min(id);
        if let Some(tally) = requests.eligible {
            tally.add_to(&mut ids.eligible);
            if evidence.is_some_and(|min_ids| ids.distinct.len() < min_ids) {
                ids.distinct.insert(id);
            }
        }
    }

    /// Groups the IDs by kind: forms that are compatible with each other.
    fn kinds(&self) -> Vec<OwnKind<'_, 'p>> {
        let mut kinds: Vec<OwnKind<'_, 'p>> = Vec::new();
        // Tokens sort first.
        for (form, ids) in &self.ids {
            let distinct = ids.distinct.len();
            match kinds.iter_mut().find(|kind| kind.takes(form)) {
                Some(kind) => {
                    kind.forms.insert(form);
                    kind.count = kind.count.saturating_add(ids.count);
                    kind.distinct += distinct;
                    kind.first = kind.first.min(ids.first);
                    if let Some(tally) = ids.eligible {
                        tally.add_to(&mut kind.eligible);
                    }
                }
                None => kinds.push(OwnKind {
                    forms: BTreeSet::from([form]),
                    count: ids.count,
                    eligible: ids.eligible,
                    distinct,
                    first: ids.first,
                }),
            }
        }
        kinds
    }

    /// An ID of a kind without enough evidence, if another kind has enough.
    fn odd(&self, min_ids: usize) -> Option<&'p str> {
        let kinds = self.kinds();
        let odd = kinds.iter().find(|kind| kind.distinct < min_ids);
        odd.filter(|_| kinds.len() > 1).map(|kind| kind.first)
    }
}
