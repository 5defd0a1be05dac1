//! Ids in paths → templates, with evidence only.
//!
//! `/orders/17` and `/orders/18` are one thing and `/orders/export` is another. A position in paths
//! is folded into `{*}` if enough distinct ids stood there, of one caller and one method, in paths
//! that are otherwise the same; and if nothing else (`path_positions`) stood there that counts. A person may
//! name templates, which need no such evidence.

use std::collections::{BTreeMap, BTreeSet};

use policy_schema::matching::{PathMatch, Reading};
use policy_schema::printable::clipped;

use super::caller::LearnedCaller;
use super::hand_template::HandTemplate;
use super::observed::Tally;
use super::path_positions::{Obstacle, Positions};
use super::path_segments::{ANY, push, segments};
use super::path_shape::{Shape, is_grpc, shape};

/// How many values of a position are shown.
const EXAMPLES: usize = 3;

/// A path pattern, and what it was made of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pattern {
    /// As rules have it.
    pub text: String,
    /// For each `{*}`, in their order, the values that stood there. Empty for a path as it was seen.
    pub folds: Vec<Fold>,
    /// Of a template, the paths that were seen a few times only, while others were seen often.
    pub seldom: Option<Paths>,
    /// Of a template, more paths that it takes in, to which the same caller got 401 or 403.
    pub forbidden: Option<Paths>,
    /// Of a template, what stood in the place of an id too seldom to count.
    pub odd: Option<String>,
    /// Of a template that a person named.
    pub by_hand: Option<ByHand>,
}

/// What a template takes in that a person named.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByHand {
    /// All that were seen.
    pub paths: Paths,
    /// Those that the same caller was denied.
    pub denied: Option<Paths>,
}

/// The values that one `{*}` was made of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fold {
    /// How many values stood there.
    pub distinct: usize,
    /// Some of them.
    pub examples: Vec<String>,
}

/// Paths of which one is shown.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Paths {
    /// How many.
    pub count: usize,
    /// One of them.
    pub example: String,
}

/// A template that was not made, although there were ids enough.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HeldBack {
    /// As it would have been.
    pub template: String,
    /// Why it is none.
    pub because: HeldBackReason,
}

/// Why a template was not made.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum HeldBackReason {
    /// This stood in the place of an id.
    Word(String),
    /// This id has another form than the others.
    OtherForm(String),
    /// This path was denied, and the template would take it in.
    Denied(String),
}

/// The patterns of one caller and method.
#[derive(Debug, Default)]
pub(crate) struct Folded {
    pub(crate) patterns: Vec<(Pattern, Tally)>,
    pub(crate) held_back: BTreeSet<HeldBack>,
}

/// What is known of the caller and the method whose paths are folded, and what is asked of them.
#[derive(Debug)]
pub(crate) struct Conditions<'c> {
    /// The paths that were denied.
    pub(crate) denied: BTreeSet<&'c str>,
    /// The paths that the workload itself answered with 401 or 403.
    pub(crate) forbidden: BTreeSet<&'c str>,
    /// As many distinct ids are evidence enough.
    pub(crate) min_ids: usize,
    /// What was seen less often was seen a few times only.
    pub(crate) least_count: u64,
    /// The templates that a person named. The first that takes a path in has it.
    pub(crate) templates: &'c [HandTemplate],
}

/// Paths that are the same but at positions that are open still.
#[derive(Clone)]
struct Group<'p> {
    /// What stood there too seldom to count, by the open positions.
    open: BTreeMap<usize, Option<&'p str>>,
    paths: Vec<Member<'p>>,
}

/// A path of a group.
#[derive(Clone, Copy)]
struct Member<'p> {
    path: &'p str,
    segments: &'p [Segment<'p>],
    tally: Tally,
}

/// A segment of a path, looked at once.
struct Segment<'p> {
    text: &'p str,
    shape: Shape,
}

impl From<Obstacle<'_>> for HeldBackReason {
    fn from(obstacle: Obstacle<'_>) -> Self {
        match obstacle {
            Obstacle::Word(word) => Self::Word(word.to_owned()),
            Obstacle::OtherForm(id) => Self::OtherForm(id.to_owned()),
        }
    }
}

impl<'p> Segment<'p> {
    fn all_of(path: &'p str) -> Vec<Self> {
        let is_grpc = is_grpc(path);
        let segments = segments(path).map(|text| Self {
            text,
            shape: if is_grpc { Shape::Word } else { shape(text) },
        });
        segments.collect()
    }

    /// The segment, and whether it is an id.
    fn look(&self) -> (&'p str, bool) {
        (self.text, self.shape != Shape::Word)
    }
}

impl<'p> Member<'p> {
    fn text(&self, index: usize) -> Option<&'p str> {
        Some(self.segments.get(index)?.text)
    }
}

/// Folds the paths of one caller and method.
pub(crate) fn fold(
    caller: &LearnedCaller,
    paths: &BTreeMap<&str, Tally>,
    positions: &mut Positions<'_>,
    conditions: &Conditions<'_>,
) -> Folded {
    let mut folded = Folded::default();
    let paths = by_hand(paths, conditions, &mut folded);
    let mut groups: BTreeMap<String, Group<'_>> = BTreeMap::new();
    let mut closed: BTreeMap<(String, Obstacle<'_>), BTreeSet<&str>> = BTreeMap::new();
    let split: Vec<_> = paths
        .iter()
        .map(|(&path, &tally)| (path, Segment::all_of(path), tally))
        .collect();
    for (path, segments, tally) in &split {
        let (mut prefix, mut key) = (String::new(), String::new());
        let mut open = BTreeMap::new();
        let mut obstacles = Vec::new();
        let looks: Vec<_> = segments.iter().map(Segment::look).collect();
        let judged = positions.judge(caller, &looks);
        for (index, ((segment, is_id), judged)) in looks.into_iter().zip(judged).enumerate() {
            if let Some(obstacle) = judged.obstacle {
                obstacles.push((obstacle, segment));
            }
            let is_open = is_id && judged.obstacle.is_none();
            if is_open {
                open.insert(index, judged.odd);
            }
            push(&mut key, segment, is_open);
            push(&mut prefix, segment, is_id);
        }
        for (obstacle, segment) in obstacles {
            let values = closed.entry((prefix.clone(), obstacle)).or_default();
            values.insert(segment);
        }
        let group = groups.entry(key).or_insert_with(|| Group {
            open,
            paths: Vec::new(),
        });
        group.paths.push(Member {
            path,
            segments,
            tally: *tally,
        });
    }
    let is_evidence = |ids: &BTreeSet<&str>| ids.len() >= conditions.min_ids;
    let held_back = closed.into_iter().filter(|(_, ids)| is_evidence(ids));
    folded
        .held_back
        .extend(held_back.map(|((template, obstacle), _)| HeldBack {
            template,
            because: obstacle.into(),
        }));
    for group in groups.into_values() {
        settle(group, conditions, &mut folded);
    }
    take_in(&mut folded.patterns);
    folded
        .patterns
        .sort_by(|(one, _), (other, _)| one.cmp(other));
    folded
}

/// Folds what templates take in that a person named; what is left.
fn by_hand<'p>(
    paths: &BTreeMap<&'p str, Tally>,
    conditions: &Conditions<'_>,
    folded: &mut Folded,
) -> BTreeMap<&'p str, Tally> {
    let mut left = paths.clone();
    for template in conditions.templates {
        let taken = left.extract_if(.., |path, _| template.takes(path));
        let taken: Vec<_> = taken.collect();
        let mut sum = None;
        for (_, tally) in &taken {
            tally.add_to(&mut sum);
        }
        let paths = Paths::from_paths(taken.iter().map(|(path, _)| *path));
        let (Some(sum), Some(paths)) = (sum, paths) else {
            continue;
        };
        let more = |paths: &BTreeSet<&str>| {
            let more = paths.iter().copied().filter(|path| template.takes(path));
            let own: BTreeSet<_> = taken.iter().map(|(path, _)| *path).collect();
            Paths::from_paths(more.filter(|path| !own.contains(path)))
        };
        let pattern = Pattern {
            text: template.text().to_owned(),
            folds: Vec::new(),
            seldom: None,
            forbidden: more(&conditions.forbidden),
            odd: None,
            by_hand: Some(ByHand {
                paths,
                denied: more(&conditions.denied),
            }),
        };
        folded.patterns.push((pattern, sum));
    }
    left
}

/// Counts paths as part of a template that takes them in: what is odd among ids is not proposed beside them.
fn take_in(patterns: &mut Vec<(Pattern, Tally)>) {
    let (mut templates, as_seen): (Vec<_>, Vec<_>) = patterns
        .drain(..)
        .partition(|(pattern, _)| !pattern.folds.is_empty());
    // By what stands before the first `{*}`.
    let mut starts: BTreeMap<String, Vec<(usize, PathMatch)>> = BTreeMap::new();
    for (index, (pattern, _)) in templates.iter().enumerate() {
        let start = pattern.text.split(ANY).next().unwrap_or_default();
        if let Ok(matcher) = PathMatch::parse(&pattern.text) {
            let alike = starts.entry(start.to_owned()).or_default();
            alike.push((index, matcher));
        }
    }
    for (pattern, tally) in as_seen {
        let path = pattern.text.as_str();
        let ends = path.match_indices('/').map(|(slash, _)| slash + 1);
        let mut candidates = ends
            .filter_map(|end| starts.get(path.get(..end)?))
            .flatten()
            .filter(|(_, matcher)| matcher.matches(path.as_bytes(), Reading::Narrow));
        let template = candidates
            .next()
            .and_then(|(index, _)| templates.get_mut(*index));
        match template.filter(|_| pattern.by_hand.is_none()) {
            Some((_, sum)) => *sum = sum.and(tally),
            None => patterns.push((pattern, tally)),
        }
    }
    patterns.append(&mut templates);
}

/// Makes a template of the group if there is evidence for all open positions. Else the position
/// with the least is closed, and what stood there tells the paths apart.
fn settle(group: Group<'_>, conditions: &Conditions<'_>, folded: &mut Folded) {
    let mut groups = vec![group];
    while let Some(group) = groups.pop() {
        let values = |index: usize| -> BTreeSet<&str> {
            let members = group.paths.iter();
            members.filter_map(|member| member.text(index)).collect()
        };
        let ids = |index: usize| {
            let segments = group.paths.iter();
            let segments = segments.filter_map(|member| member.segments.get(index));
            let ids = segments.filter(|segment| matches!(segment.shape, Shape::Id(_)));
            ids.map(|id| id.text).collect::<BTreeSet<_>>().len()
        };
        let weakest = group.open.keys().map(|&index| (ids(index), index)).min();
        match weakest {
            None => folded.patterns.extend(group.paths.iter().map(as_seen)),
            Some((distinct, _)) if distinct >= conditions.min_ids => {
                let folds = group
                    .open
                    .keys()
                    .map(|&index| Fold::from_values(&values(index)));
                match template(&group, folds.collect(), conditions) {
                    Ok(pattern) => folded.patterns.push(pattern),
                    Err(held_back) => {
                        folded.held_back.extend(held_back);
                        folded.patterns.extend(group.paths.iter().map(as_seen));
                    }
                }
            }
            Some((_, index)) => {
                let mut apart: BTreeMap<Option<&str>, Group<'_>> = BTreeMap::new();
                for member in &group.paths {
                    let part = apart.entry(member.text(index)).or_insert_with(|| Group {
                        open: group
                            .open
                            .iter()
                            .map(|(&open, &odd)| (open, odd))
                            .filter(|(open, _)| *open != index)
                            .collect(),
                        paths: Vec::new(),
                    });
                    part.paths.push(*member);
                }
                groups.extend(apart.into_values());
            }
        }
    }
}

impl Fold {
    fn from_values(values: &BTreeSet<&str>) -> Self {
        let examples = values.iter().take(EXAMPLES);
        Self {
            distinct: values.len(),
            examples: examples.map(ToString::to_string).collect(),
        }
    }
}

fn as_seen(member: &Member<'_>) -> (Pattern, Tally) {
    let pattern = Pattern {
        text: member.path.to_owned(),
        folds: Vec::new(),
        seldom: None,
        forbidden: None,
        odd: None,
        by_hand: None,
    };
    (pattern, member.tally)
}

/// The template of a group, unless it cannot be written or takes in what was denied.
fn template(
    group: &Group<'_>,
    folds: Vec<Fold>,
    conditions: &Conditions<'_>,
) -> Result<(Pattern, Tally), Option<HeldBack>> {
    let [first, rest @ ..] = group.paths.as_slice() else {
        return Err(None);
    };
    let mut text = String::new();
    for (index, segment) in first.segments.iter().enumerate() {
        push(&mut text, segment.text, group.open.contains_key(&index));
    }
    let Ok(matcher @ PathMatch::Template(_)) = PathMatch::parse(&text) else {
        return Err(None);
    };
    // Most paths differ from the template before its first `{*}`.
    let start = text.split(ANY).next().unwrap_or_default().to_owned();
    let is_taken_in = |path: &&&str| {
        path.starts_with(&start) && matcher.matches(path.as_bytes(), Reading::Narrow)
    };
    if let Some(path) = conditions.denied.iter().find(is_taken_in) {
        return Err(Some(HeldBack {
            because: HeldBackReason::Denied(clipped(path).into_owned()),
            template: text,
        }));
    }
    let seldom = group.paths.iter();
    let seldom = seldom.filter(|member| member.tally.count < conditions.least_count);
    let seldom = Paths::from_paths(seldom.map(|member| member.path));
    let own: BTreeSet<_> = group.paths.iter().map(|member| member.path).collect();
    let forbidden = conditions.forbidden.iter().filter(is_taken_in).copied();
    let odd = group.open.values().find_map(|odd| *odd);
    let pattern = Pattern {
        text,
        folds,
        // Where all are seen a few times, it is the nature of the ids.
        seldom: seldom.filter(|seldom| seldom.count < own.len()),
        forbidden: Paths::from_paths(forbidden.filter(|path| !own.contains(path))),
        odd: odd.map(|odd| clipped(odd).into_owned()),
        by_hand: None,
    };
    let tally = rest
        .iter()
        .fold(first.tally, |sum, member| sum.and(member.tally));
    Ok((pattern, tally))
}

impl Paths {
    fn from_paths<'p>(mut paths: impl Iterator<Item = &'p str>) -> Option<Self> {
        let example = clipped(paths.next()?).into_owned();
        Some(Self {
            count: paths.count() + 1,
            example,
        })
    }
}
