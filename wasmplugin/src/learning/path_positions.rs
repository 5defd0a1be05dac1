//! What stood at each position of a workload's paths: ids of one form, or something else too.
//!
//! A position is what follows a prefix in which `{*}` stands for each id. Anyone can send long paths that
//! differ in every segment, so a path costs its own text and no more: positions are not built but looked
//! up, in the paths sorted by such prefixes.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use super::path_shape::{Form, Shape, are_of_one_kind, is_grpc, shape};

/// Stands for one segment.
pub(super) const ANY: &str = "{*}";

/// Ids of more forms than these are of more than one kind.
const MAX_FORMS: usize = 32;

/// Longer paths are not learnt: any caller can send a path of 60 KB, and a rule for it is useless.
const MAX_PATH: usize = 1_024;

/// Paths with more segments are not learnt either.
const MAX_SEGMENTS: usize = 32;

/// Whether a path is longer than those that are learnt.
pub(crate) fn is_too_long(path: &str) -> bool {
    path.len() > MAX_PATH || segments(path).nth(MAX_SEGMENTS).is_some()
}

/// The segments of a path.
pub(super) fn segments(path: &str) -> impl Iterator<Item = &str> {
    path.strip_prefix('/').unwrap_or(path).split('/')
}

/// Appends a segment to a template.
pub(super) fn push(template: &mut String, segment: &str, is_open: bool) {
    template.push('/');
    template.push_str(if is_open { ANY } else { segment });
}

/// The paths that a workload was asked for, each with how often.
#[derive(Debug, Default)]
pub(crate) struct SeenPaths(BTreeMap<Box<str>, u64>);

/// Paths in the order of their keys.
#[derive(Debug)]
pub(crate) struct Positions<'p> {
    paths: Vec<KeyedPath<'p>>,
    /// Of positions that several paths have: where these paths begin and end, and the position's number.
    obstacles: HashMap<(usize, usize, usize), Option<Obstacle<'p>>>,
}

/// A path, or the beginning of one that is too long.
#[derive(Debug)]
struct KeyedPath<'p> {
    /// The path with `{*}` for each id.
    key: Box<str>,
    path: &'p str,
    count: u64,
}

/// What keeps a position from being folded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Obstacle<'p> {
    /// This stood in the place of an id.
    Word(&'p str),
    /// This id has another form than the others.
    OtherForm(&'p str),
}

/// The ids of one form at a position.
struct Ids<'p> {
    count: u64,
    /// The first in alphabetical order.
    first: &'p str,
}

impl SeenPaths {
    /// Adds a path; of one that is too long, the beginning.
    pub(crate) fn add(&mut self, path: &str) {
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
        match self.0.get_mut(beginning) {
            Some(count) => *count += 1,
            None => {
                self.0.insert(beginning.into(), 1);
            }
        }
    }
}

impl<'p> Positions<'p> {
    /// The positions of these paths.
    pub(crate) fn new(seen: &'p SeenPaths) -> Self {
        let mut paths: Vec<_> = seen
            .0
            .iter()
            .map(|(path, &count)| {
                let mut key = String::new();
                for segment in segments(path) {
                    push(&mut key, segment, shape(segment) != Shape::Word);
                }
                KeyedPath {
                    key: key.into_boxed_str(),
                    path,
                    count,
                }
            })
            .collect();
        paths.sort_unstable_by(|one, other| one.key.cmp(&other.key).then(one.path.cmp(other.path)));
        Self {
            paths,
            obstacles: HashMap::new(),
        }
    }

    /// What keeps each position of a path from being folded. `is_id` says of each segment whether it is an id.
    pub(super) fn obstacles(&mut self, segments: &[(&str, bool)]) -> Vec<Option<Obstacle<'p>>> {
        let mut at = 0..self.paths.len();
        let mut prefix = String::new();
        let mut found = Vec::with_capacity(segments.len());
        for (number, (segment, is_id)) in segments.iter().enumerate() {
            found.push(is_id.then(|| self.obstacle(at.clone(), number)).flatten());
            push(&mut prefix, segment, *is_id);
            let end = prefix.len();
            prefix.push('/');
            at = self.starting_with(&prefix, at);
            prefix.truncate(end);
        }
        found
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

    /// What keeps a position from being folded, of these paths, which are alike before it.
    fn obstacle(&mut self, at: Range<usize>, number: usize) -> Option<Obstacle<'p>> {
        let paths = self.paths.get(at.clone()).unwrap_or_default();
        if paths.len() < 2 {
            return None;
        }
        let known = self.obstacles.entry((at.start, at.end, number));
        *known.or_insert_with(|| obstacle(paths, number))
    }
}

/// What keeps a position of these paths from being folded.
fn obstacle<'p>(paths: &[KeyedPath<'p>], number: usize) -> Option<Obstacle<'p>> {
    let mut word: Option<&str> = None;
    let mut ids: BTreeMap<Form, Ids<'p>> = BTreeMap::new();
    for path in paths {
        let Some(segment) = segments(path.path).nth(number) else {
            continue;
        };
        match shape(segment) {
            // `{*}` takes no empty segment.
            Shape::Word if segment.is_empty() => {}
            Shape::Word => word = Some(word.map_or(segment, |word| word.min(segment))),
            Shape::Id(form) | Shape::Undecided(form) => {
                if let Some(ids) = ids.get_mut(&form) {
                    ids.count += path.count;
                    ids.first = ids.first.min(segment);
                } else if ids.len() <= MAX_FORMS {
                    let count = path.count;
                    let first = segment;
                    ids.insert(form, Ids { count, first });
                }
            }
        }
    }
    if let Some(word) = word {
        return Some(Obstacle::Word(word));
    }
    if ids.len() <= MAX_FORMS && are_of_one_kind(ids.keys()) {
        return None;
    }
    let rarest = ids.values().min_by_key(|ids| ids.count)?;
    Some(Obstacle::OtherForm(rarest.first))
}
