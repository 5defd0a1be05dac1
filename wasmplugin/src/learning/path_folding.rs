//! Ids in paths → templates, with evidence only.
//!
//! `/orders/17` and `/orders/18` are one thing and `/orders/export` is another. A position in paths
//! is folded into `{*}` if enough distinct ids stood there, of one caller and one method, in paths
//! that are otherwise the same; and if nothing but ids of one form ever stood there, whoever called.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use policy_schema::matching::{PathMatch, Reading};

use super::observed::Tally;
use super::path_shape::{Form, Shape, are_of_one_kind, is_grpc, shape};

/// What stands for one segment.
const ANY: &str = "{*}";

/// How many values of a position are shown.
const EXAMPLES: usize = 3;

/// Ids of more forms than these are of more than one kind.
const MOST_FORMS: usize = 32;

/// What stood where in the paths of a workload, by what is before it.
#[derive(Debug, Default)]
pub(crate) struct Positions(BTreeMap<String, Position>);

/// What stood at one position.
#[derive(Debug, Default)]
struct Position {
    /// The first in alphabetical order.
    word: Option<String>,
    /// What is not a word.
    ids: BTreeMap<Form, Ids>,
}

/// What of one form stood at a position.
#[derive(Debug)]
struct Ids {
    count: u64,
    /// The first in alphabetical order.
    first: String,
}

/// What keeps a position from being folded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Obstacle<'p> {
    Word(&'p str),
    /// Of a form that the others do not have.
    OtherForm(&'p str),
}

/// A path pattern, and what it was made of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Pattern {
    pub(crate) text: String,
    /// For each `{*}`, in their order, the values that stood there. Empty for a path as it was seen.
    pub(crate) folds: Vec<Fold>,
    /// Of a template, the paths that were seen a few times only, while others were seen often.
    pub(crate) seldom: Option<Paths>,
    /// Of a template, more paths that it takes in, to which the same caller got 401 or 403.
    pub(crate) forbidden: Option<Paths>,
}

/// The values that one `{*}` was made of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Fold {
    pub(crate) distinct: usize,
    /// Some of them.
    pub(crate) examples: Vec<String>,
}

/// Paths of which one is shown.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Paths {
    pub(crate) count: usize,
    pub(crate) example: String,
}

/// A template that was not made, although there were ids enough.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct HeldBack {
    pub(crate) template: String,
    pub(crate) because: Because,
}

/// Why a template was not made.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Because {
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
    pub(crate) positions: &'c Positions,
    /// The paths that were denied.
    pub(crate) denied: BTreeSet<&'c str>,
    /// The paths that the workload itself answered with 401 or 403.
    pub(crate) forbidden: BTreeSet<&'c str>,
    /// As many distinct ids are evidence enough.
    pub(crate) least_ids: usize,
    /// What was seen less often was seen a few times only.
    pub(crate) least_count: u64,
}

/// Paths that are the same but at positions that are open still.
#[derive(Clone)]
struct Group<'p> {
    open: BTreeSet<usize>,
    paths: Vec<(&'p str, Tally)>,
}

impl Positions {
    /// Takes a path into account.
    pub(crate) fn note(&mut self, path: &str) {
        if is_grpc(path) {
            return;
        }
        let mut prefix = String::new();
        for segment in segments(path) {
            let shape = shape(segment);
            let position = self.0.entry(prefix.clone()).or_default();
            let is_id = match shape {
                // Nothing is nothing else: `{*}` does not take it.
                Shape::Word if segment.is_empty() => false,
                Shape::Word => {
                    keep_first(&mut position.word, segment);
                    false
                }
                Shape::Id(form) | Shape::Undecided(form) => {
                    position.note_id(form, segment);
                    true
                }
            };
            push(&mut prefix, segment, is_id);
        }
    }

    /// What keeps the position after `prefix` from being folded.
    fn obstacle(&self, prefix: &str) -> Option<Obstacle<'_>> {
        let position = self.0.get(prefix)?;
        let word = position.word.as_deref().map(Obstacle::Word);
        word.or_else(|| position.other_form().map(Obstacle::OtherForm))
    }
}

impl Position {
    fn note_id(&mut self, form: Form, id: &str) {
        let has_room = self.ids.len() <= MOST_FORMS;
        match self.ids.entry(form) {
            Entry::Occupied(ids) => {
                let ids = ids.into_mut();
                ids.count += 1;
                if id < ids.first.as_str() {
                    id.clone_into(&mut ids.first);
                }
            }
            Entry::Vacant(place) if has_room => {
                place.insert(Ids {
                    count: 1,
                    first: id.to_owned(),
                });
            }
            Entry::Vacant(_) => {}
        }
    }

    /// Where ids are not of one kind, one of the form that was seen least often.
    fn other_form(&self) -> Option<&str> {
        if self.ids.len() <= MOST_FORMS && are_of_one_kind(self.ids.keys()) {
            return None;
        }
        let rarest = self.ids.values().min_by_key(|ids| ids.count)?;
        Some(&rarest.first)
    }
}

impl From<Obstacle<'_>> for Because {
    fn from(obstacle: Obstacle<'_>) -> Self {
        match obstacle {
            Obstacle::Word(word) => Self::Word(word.to_owned()),
            Obstacle::OtherForm(id) => Self::OtherForm(id.to_owned()),
        }
    }
}

fn keep_first(kept: &mut Option<String>, text: &str) {
    if kept.as_deref().is_none_or(|kept| text < kept) {
        *kept = Some(text.to_owned());
    }
}

fn segments(path: &str) -> impl Iterator<Item = &str> {
    path.strip_prefix('/').unwrap_or(path).split('/')
}

fn push(prefix: &mut String, segment: &str, is_open: bool) {
    prefix.push('/');
    prefix.push_str(if is_open { ANY } else { segment });
}

/// Folds the paths of one caller and method.
pub(crate) fn fold(paths: &BTreeMap<&str, Tally>, conditions: &Conditions<'_>) -> Folded {
    let mut folded = Folded::default();
    let mut groups: BTreeMap<String, Group<'_>> = BTreeMap::new();
    let mut closed: BTreeMap<(String, Obstacle<'_>), BTreeSet<&str>> = BTreeMap::new();
    for (&path, &tally) in paths {
        let (mut prefix, mut key) = (String::new(), String::new());
        let mut open = BTreeSet::new();
        let mut obstacles = Vec::new();
        for (index, segment) in segments(path).enumerate() {
            let is_id = !is_grpc(path) && shape(segment) != Shape::Word;
            let obstacle = conditions.positions.obstacle(&prefix);
            let obstacle = obstacle.filter(|_| is_id);
            if let Some(obstacle) = obstacle {
                obstacles.push((obstacle, segment));
            }
            let is_open = is_id && obstacle.is_none();
            if is_open {
                open.insert(index);
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
        group.paths.push((path, tally));
    }
    let is_evidence = |ids: &BTreeSet<&str>| ids.len() >= conditions.least_ids;
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
    folded
        .patterns
        .sort_by(|(one, _), (other, _)| one.cmp(other));
    folded
}

/// Makes a template of the group if there is evidence for all open positions. Else the position
/// with the least is closed, and what stood there tells the paths apart.
fn settle(group: Group<'_>, conditions: &Conditions<'_>, folded: &mut Folded) {
    let mut groups = vec![group];
    while let Some(group) = groups.pop() {
        let values = |index: usize| -> BTreeSet<&str> {
            let paths = group.paths.iter();
            paths
                .filter_map(|(path, _)| segments(path).nth(index))
                .collect()
        };
        let ids = |index: usize| {
            let is_id = |value: &&str| matches!(shape(value), Shape::Id(_));
            values(index).into_iter().filter(is_id).count()
        };
        let weakest = group.open.iter().map(|&index| (ids(index), index)).min();
        match weakest {
            None => folded.patterns.extend(group.paths.iter().map(as_seen)),
            Some((distinct, _)) if distinct >= conditions.least_ids => {
                let folds = group.open.iter().map(|&index| Fold::of(&values(index)));
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
                for &(path, tally) in &group.paths {
                    let part = apart
                        .entry(segments(path).nth(index))
                        .or_insert_with(|| Group {
                            open: group
                                .open
                                .iter()
                                .copied()
                                .filter(|&open| open != index)
                                .collect(),
                            paths: Vec::new(),
                        });
                    part.paths.push((path, tally));
                }
                groups.extend(apart.into_values());
            }
        }
    }
}

impl Fold {
    fn of(values: &BTreeSet<&str>) -> Self {
        let examples = values.iter().take(EXAMPLES);
        Self {
            distinct: values.len(),
            examples: examples.map(ToString::to_string).collect(),
        }
    }
}

fn as_seen(&(path, tally): &(&str, Tally)) -> (Pattern, Tally) {
    let pattern = Pattern {
        text: path.to_owned(),
        folds: Vec::new(),
        seldom: None,
        forbidden: None,
    };
    (pattern, tally)
}

/// The template of a group, unless it cannot be written or takes in what was denied.
fn template(
    group: &Group<'_>,
    folds: Vec<Fold>,
    conditions: &Conditions<'_>,
) -> Result<(Pattern, Tally), Option<HeldBack>> {
    let [(first, tally), rest @ ..] = group.paths.as_slice() else {
        return Err(None);
    };
    let mut text = String::new();
    for (index, segment) in segments(first).enumerate() {
        push(&mut text, segment, group.open.contains(&index));
    }
    let Ok(matcher @ PathMatch::Template(_)) = PathMatch::parse(&text) else {
        return Err(None);
    };
    let is_taken_in = |path: &&&str| matcher.matches(path.as_bytes(), Reading::Narrow);
    if let Some(path) = conditions.denied.iter().find(is_taken_in) {
        return Err(Some(HeldBack {
            template: text,
            because: Because::Denied((*path).to_owned()),
        }));
    }
    let seldom = group.paths.iter();
    let seldom = seldom.filter(|(_, tally)| tally.count < conditions.least_count);
    let seldom = Paths::of(seldom.map(|(path, _)| *path));
    let own: BTreeSet<_> = group.paths.iter().map(|(path, _)| *path).collect();
    let forbidden = conditions.forbidden.iter().filter(is_taken_in).copied();
    let pattern = Pattern {
        text,
        folds,
        // Where all are seen a few times, it is the nature of the ids.
        seldom: seldom.filter(|seldom| seldom.count < own.len()),
        forbidden: Paths::of(forbidden.filter(|path| !own.contains(path))),
    };
    let tally = rest.iter().fold(*tally, |sum, (_, tally)| sum.and(*tally));
    Ok((pattern, tally))
}

impl Paths {
    fn of<'p>(mut paths: impl Iterator<Item = &'p str>) -> Option<Self> {
        let example = paths.next()?.to_owned();
        Some(Self {
            count: paths.count() + 1,
            example,
        })
    }
}
