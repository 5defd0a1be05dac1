//! What stood at each position of a workload's paths: ids of one form, or something else too.
//!
//! Anyone can send a word in the place of an id once, so a word counts only if it is established there: some caller
//! sent it often enough for it to be learned, or it makes a share of what the caller sent whose paths are folded. Of
//! other callers, ids are ids whatever their form.
//!
//! A position is what follows a prefix in which `{*}` stands for each id. Anyone can send long paths that
//! differ in every segment, so a path costs its own text and no more: positions are not built but looked
//! up, in the paths sorted by such prefixes.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;

use super::caller::LearnedCaller;
use super::observed::Tally;
use super::path_segments::{MAX_PATH, MAX_SEGMENTS, push, segments};
use super::path_shape::{Form, Shape, are_of_one_kind, is_grpc, shape};

/// Ids of more forms than these are of more than one kind.
const MAX_FORMS: usize = 32;

/// What is less than one in so many of a caller's requests at a position may be odd: a probe, or a mistake.
const ODD_ONE_IN: u64 = 20;

/// The paths that a workload was asked for, by callers that a rule may name.
#[derive(Debug, Default)]
pub(crate) struct SeenPaths {
    callers: BTreeMap<LearnedCaller, CallerId>,
    /// The requests for a path are in the order of their callers.
    paths: BTreeMap<Box<str>, Vec<Requests>>,
}

/// A caller, as a number: many paths have the same.
type CallerId = u32;

/// A caller's requests for a path.
#[derive(Clone, Copy, Debug)]
struct Requests {
    caller: CallerId,
    count: u64,
    /// Those that count for what is learned.
    eligible: Option<Tally>,
}

/// Paths in the order of their keys.
pub(crate) struct Positions<'p> {
    paths: Vec<KeyedPath<'p>>,
    callers: &'p BTreeMap<LearnedCaller, CallerId>,
    min_ids: usize,
    /// Whether what was seen so often, and for so long, is learned.
    is_established: Box<dyn Fn(Tally) -> bool>,
    /// Of positions that several paths have: where these paths begin and end, and the position's number.
    /// Each has its callers in their order.
    judged: HashMap<(usize, usize, usize), Vec<(CallerId, Judged<'p>)>>,
}

/// A path, or the beginning of one that is too long.
#[derive(Debug)]
struct KeyedPath<'p> {
    /// The path with `{*}` for each id.
    key: Box<str>,
    path: &'p str,
    requests: &'p [Requests],
}

/// What keeps a position from being folded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Obstacle<'p> {
    /// This stood in the place of an id.
    Word(&'p str),
    /// This id has another form than the others.
    OtherForm(&'p str),
}

/// What a position is for a caller.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Judged<'p> {
    pub(super) obstacle: Option<Obstacle<'p>>,
    /// What stood there too seldom to be an obstacle.
    pub(super) odd: Option<&'p str>,
}

/// What stood at a position.
#[derive(Debug, Default)]
struct Position<'p> {
    /// The first word, in alphabetical order, that was learned of a caller.
    established: Option<&'p str>,
    /// Any word.
    word: Option<&'p str>,
    /// What is an id only among others of its form, and was learned of a caller.
    undecided: BTreeMap<Form, &'p str>,
    callers: BTreeMap<CallerId, Own<'p>>,
}

/// What a caller sent at a position.
#[derive(Debug, Default)]
struct Own<'p> {
    count: u64,
    words: u64,
    ids: BTreeMap<Form, Ids<'p>>,
    /// Whether ids had more forms than are told apart.
    has_more_forms: bool,
}

/// The ids of one form that a caller sent at a position.
#[derive(Debug)]
struct Ids<'p> {
    count: u64,
    eligible: Option<Tally>,
    /// The first in alphabetical order.
    first: &'p str,
    /// No more of them than are evidence.
    distinct: BTreeSet<&'p str>,
}

impl SeenPaths {
    /// Adds requests for a path; of one that is too long, the beginning.
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
    /// The positions of these paths. So many distinct ids are evidence.
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

    /// What each position of a caller's path is. `is_id` says of each segment whether it is an id.
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

    /// What a position of these paths, which are alike before it, is for a caller.
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
    /// What stood at a position of these paths.
    fn new(
        paths: &[KeyedPath<'p>],
        number: usize,
        min_ids: usize,
        is_established: &dyn Fn(Tally) -> bool,
    ) -> Self {
        let mut position = Self::default();
        // By caller, what each word and each undecided id was learned of.
        let mut words: BTreeMap<(&str, CallerId), Tally> = BTreeMap::new();
        let mut undecided: BTreeMap<(Form, &str, CallerId), Tally> = BTreeMap::new();
        for path in paths {
            let Some(segment) = segments(path.path).nth(number) else {
                continue;
            };
            // `{*}` takes no empty segment.
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

    /// What the position is for each of its callers.
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
        // Several kinds of ids, and for none of them evidence.
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

/// Adds to what was seen of a key, where anything counts.
fn sum<K: Ord>(sums: &mut BTreeMap<K, Tally>, key: K, tally: Option<Tally>) {
    if let Some(tally) = tally {
        let sum = sums.entry(key);
        sum.and_modify(|sum| *sum = sum.and(tally)).or_insert(tally);
    }
}

/// Ids of one kind that a caller sent at a position.
struct OwnKind<'o, 'p> {
    forms: BTreeSet<&'o Form>,
    count: u64,
    eligible: Option<Tally>,
    distinct: usize,
    first: &'p str,
}

impl OwnKind<'_, '_> {
    /// Whether an id of a form may be one of these.
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

    /// The ids by kinds: forms of which each may be one of the others.
    fn kinds(&self) -> Vec<OwnKind<'_, 'p>> {
        let mut kinds: Vec<OwnKind<'_, 'p>> = Vec::new();
        // In their order, tokens come first.
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

    /// An id of a kind for which there is no evidence, beside one for which there is.
    fn odd(&self, min_ids: usize) -> Option<&'p str> {
        let kinds = self.kinds();
        let odd = kinds.iter().find(|kind| kind.distinct < min_ids);
        odd.filter(|_| kinds.len() > 1).map(|kind| kind.first)
    }
}
