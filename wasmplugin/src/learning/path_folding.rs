//! Ids in paths → templates, with evidence only.
//!
//! `/orders/17` and `/orders/18` are one thing and `/orders/export` is another. A position in paths
//! is folded into `{*}` if enough distinct ids stood there, of one caller and one method, in paths
//! that are otherwise the same; and if nothing else ever stood there, whoever called.

use std::collections::{BTreeMap, BTreeSet};

use policy_schema::matching::PathMatch;

use super::observed::Tally;
use super::path_shape::{Shape, is_grpc, shape};

/// What stands for one segment.
const ANY: &str = "{*}";

/// How many values of a position are shown.
const EXAMPLES: usize = 3;

/// What stood where in the paths of a workload, by what is before it.
#[derive(Debug, Default)]
pub(crate) struct Positions(BTreeMap<String, Position>);

/// What stood at one position.
#[derive(Debug, Default)]
struct Position {
    /// The first in alphabetical order.
    word: Option<String>,
    /// The first that is neither clearly an id nor clearly a word.
    undecided: Option<String>,
    /// The lengths of all that is not a word.
    lengths: BTreeSet<usize>,
}

/// A path pattern, and what it was made of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Pattern {
    pub(crate) text: String,
    /// For each `{*}`, in their order, the values that stood there. Empty for a path as it was seen.
    pub(crate) folds: Vec<Fold>,
}

/// The values that one `{*}` was made of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Fold {
    pub(crate) distinct: usize,
    /// Some of them.
    pub(crate) examples: Vec<String>,
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
    /// This path was denied, and the template would take it in.
    Denied(String),
}

/// The patterns of one caller and method.
#[derive(Debug, Default)]
pub(crate) struct Folded {
    pub(crate) patterns: Vec<(Pattern, Tally)>,
    pub(crate) held_back: BTreeSet<HeldBack>,
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
            match shape {
                // Nothing is nothing else: `{*}` does not take it.
                Shape::Word if segment.is_empty() => {}
                Shape::Word => keep_first(&mut position.word, segment),
                Shape::Undecided => {
                    keep_first(&mut position.undecided, segment);
                    position.lengths.insert(segment.len());
                }
                Shape::Id => {
                    position.lengths.insert(segment.len());
                }
            }
            push(&mut prefix, segment, shape != Shape::Word);
        }
    }

    /// What keeps the position after `prefix` from being folded.
    fn obstacle(&self, prefix: &str) -> Option<&str> {
        let position = self.0.get(prefix)?;
        let undecided = position.undecided.as_ref();
        let undecided = undecided.filter(|_| position.lengths.len() > 1);
        position.word.as_ref().or(undecided).map(String::as_str)
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

/// Folds the paths of one caller and method. `least` is how many distinct ids are evidence enough,
/// `denied` are the paths that the same caller was denied with the same method.
pub(crate) fn fold(
    paths: &BTreeMap<&str, Tally>,
    positions: &Positions,
    denied: &BTreeSet<&str>,
    least: usize,
) -> Folded {
    let mut folded = Folded::default();
    let mut groups: BTreeMap<String, Group<'_>> = BTreeMap::new();
    let mut closed: BTreeMap<(String, &str), BTreeSet<&str>> = BTreeMap::new();
    for (&path, &tally) in paths {
        let (mut prefix, mut key) = (String::new(), String::new());
        let mut open = BTreeSet::new();
        let mut obstacles = Vec::new();
        for (index, segment) in segments(path).enumerate() {
            let is_id = !is_grpc(path) && shape(segment) != Shape::Word;
            let obstacle = positions.obstacle(&prefix).filter(|_| is_id);
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
    let held_back = closed.into_iter().filter(|(_, ids)| ids.len() >= least);
    folded
        .held_back
        .extend(held_back.map(|((template, word), _)| HeldBack {
            template,
            because: Because::Word(word.to_owned()),
        }));
    for group in groups.into_values() {
        settle(group, denied, least, &mut folded);
    }
    folded
        .patterns
        .sort_by(|(one, _), (other, _)| one.cmp(other));
    folded
}

/// Makes a template of the group if there is evidence for all open positions. Else the position
/// with the least is closed, and what stood there tells the paths apart.
fn settle(group: Group<'_>, denied: &BTreeSet<&str>, least: usize, folded: &mut Folded) {
    let mut groups = vec![group];
    while let Some(group) = groups.pop() {
        let values = |index: usize| -> BTreeSet<&str> {
            let paths = group.paths.iter();
            paths
                .filter_map(|(path, _)| segments(path).nth(index))
                .collect()
        };
        let ids = |index: usize| {
            let is_id = |value: &&str| shape(value) == Shape::Id;
            values(index).into_iter().filter(is_id).count()
        };
        let weakest = group.open.iter().map(|&index| (ids(index), index)).min();
        match weakest {
            None => folded.patterns.extend(group.paths.iter().map(as_seen)),
            Some((distinct, _)) if distinct >= least => {
                let folds = group.open.iter().map(|&index| Fold::of(&values(index)));
                match template(&group, folds.collect(), denied) {
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
    };
    (pattern, tally)
}

/// The template of a group, unless it cannot be written or takes in what was denied.
fn template(
    group: &Group<'_>,
    folds: Vec<Fold>,
    denied: &BTreeSet<&str>,
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
    if let Some(path) = denied.iter().find(|path| matcher.matches(path.as_bytes())) {
        return Err(Some(HeldBack {
            template: text,
            because: Because::Denied((*path).to_owned()),
        }));
    }
    let tally = rest.iter().fold(*tally, |sum, (_, tally)| sum.and(*tally));
    Ok((Pattern { text, folds }, tally))
}
