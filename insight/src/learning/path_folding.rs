//! Folds IDs in paths into templates, with sufficient evidence.
//!
//! `/orders/17` and `/orders/18` are the same operation, `/orders/export` is another. A position is folded into `{*}` if one
//! caller and method had enough distinct IDs there in otherwise equal paths, and no established word (`path_positions`).
//! Templates given with `--template` need no evidence.

use std::collections::{BTreeMap, BTreeSet};

use policy_schema::matching::{PathMatch, Reading};
use policy_schema::printable::clipped;

use super::caller::LearnedCaller;
use super::hand_template::HandTemplate;
use super::observed::Tally;
use super::path_positions::{Obstacle, Positions};
use super::path_segments::{ANY, push, segments};
use super::path_shape::{Shape, is_grpc, shape};

/// The maximum number of example IDs.
const MAX_EXAMPLES: usize = 3;

/// A path pattern and its evidence.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pattern {
    /// The pattern in the syntax of rules.
    pub text: String,
    /// The values of each `{*}`, in order. Empty for an unfolded path.
    pub folds: Vec<Fold>,
    /// Paths of a template that were observed rarely, while others were frequent.
    pub seldom: Option<Paths>,
    /// Further paths that match the template, but returned 401 or 403 to the same caller.
    pub forbidden: Option<Paths>,
    /// A value in the position of an ID that was too rare to count.
    pub odd: Option<String>,
    /// Set for a template given with `--template`.
    pub by_hand: Option<ByHand>,
}

/// The paths that match a template given with `--template`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByHand {
    /// All observed paths.
    pub paths: Paths,
    /// Paths that were denied to the same caller.
    pub denied: Option<Paths>,
}

/// The values of one `{*}`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fold {
    /// The number of distinct values.
    pub distinct: usize,
    /// Examples.
    pub examples: Vec<String>,
}

/// A number of paths and an example.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Paths {
    /// The number of paths.
    pub count: usize,
    /// An example.
    pub example: String,
}

/// A template that was not generated, despite enough IDs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HeldBack {
    /// The template.
    pub template: String,
    /// The reason.
    pub because: HeldBackReason,
}

/// Why a template was not generated.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum HeldBackReason {
    /// This word is in the position of an ID.
    Word(String),
    /// This ID has a different form than the others.
    OtherForm(String),
    /// This denied path would match the template.
    Denied(String),
}

/// The patterns of one caller and method.
#[derive(Debug, Default)]
pub(crate) struct Folded {
    pub(crate) patterns: Vec<(Pattern, Tally)>,
    pub(crate) held_back: BTreeSet<HeldBack>,
}

/// The context and thresholds for folding the paths of a caller and method.
#[derive(Debug)]
pub(crate) struct Conditions<'c> {
    /// Denied paths.
    pub(crate) denied: BTreeSet<&'c str>,
    /// Paths that the workload itself answered with 401 or 403.
    pub(crate) forbidden: BTreeSet<&'c str>,
    /// The minimum number of distinct IDs.
    pub(crate) min_ids: usize,
    /// The minimum number of requests for a path that is not rare.
    pub(crate) least_count: u64,
    /// Templates given with `--template`. The first match wins.
    pub(crate) templates: &'c [HandTemplate],
}

/// Paths that only differ at open positions.
#[derive(Clone)]
struct Group<'p> {
    /// The open positions, each with a value that was too rare to count.
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

/// A segment of a path with its shape.
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

    /// The segment, and whether it is an ID.
    fn parts(&self) -> (&'p str, bool) {
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
        let looks: Vec<_> = segments.iter().map(Segment::parts).collect();
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
    merge_into_templates(&mut folded.patterns);
    folded
        .patterns
        .sort_by(|(one, _), (other, _)| one.cmp(other));
    folded
}

/// Folds paths that match templates given with `--template`. Returns the rest.
fn by_hand<'p>(
    paths: &BTreeMap<&'p str, Tally>,
    conditions: &Conditions<'_>,
    folded: &mut Folded,
) -> BTreeMap<&'p str, Tally> {
    let mut left = paths.clone();
    for template in conditions.templates {
        let taken = left.extract_if(.., |path, _| template.matches(path));
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
            let more = paths.iter().copied().filter(|path| template.matches(path));
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

/// Merges paths into templates that match them, so that odd values are not proposed separately.
fn merge_into_templates(patterns: &mut Vec<(Pattern, Tally)>) {
    let (mut templates, as_seen): (Vec<_>, Vec<_>) = patterns
        .drain(..)
        .partition(|(pattern, _)| !pattern.folds.is_empty());
    // Templates by the prefix before the first `{*}`.
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

/// Generates a template if all open positions have enough evidence. Otherwise closes the position with the fewest IDs and
/// splits the group by its values.
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
        let examples = values.iter().take(MAX_EXAMPLES);
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

/// The template of a group, unless it cannot be written or matches a denied path.
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
    // Most paths already differ before the first `{*}`.
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
        // If all paths are rare, IDs are simply used once.
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
