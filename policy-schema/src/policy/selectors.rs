//! An index of label selectors: which of many may, or certainly do, select the same pod as another.

use std::borrow::Borrow;
use std::collections::HashMap;

use super::{Labels, are_compatible};

/// Selectors in the order of their ranks. Indexed, so that lookups skip most selectors with
/// contradicting labels.
#[derive(Clone, Debug)]
pub(crate) struct Selectors<L> {
    all: Vec<(usize, L)>,
    by_key: HashMap<String, WithKey>,
    /// The positions of the selectors without labels.
    without_labels: Vec<usize>,
}

/// The selectors with one key, each by its position.
#[derive(Clone, Debug, Default)]
struct WithKey {
    count: usize,
    by_value: HashMap<String, WithValue>,
    /// The selectors without the key, unless they are the majority.
    others: Option<Vec<usize>>,
}

/// The selectors with one label.
#[derive(Clone, Debug, Default)]
struct WithValue {
    all: Vec<usize>,
    /// The selectors whose rarest label this is.
    as_rarest: Vec<usize>,
}

impl<L> Default for Selectors<L> {
    fn default() -> Self {
        Self {
            all: Vec::new(),
            by_key: HashMap::new(),
            without_labels: Vec::new(),
        }
    }
}

impl<L: Borrow<Labels>> Selectors<L> {
    /// Indexes selectors. Ranks must ascend.
    pub(crate) fn new(all: Vec<(usize, L)>) -> Self {
        let mut by_key: HashMap<String, WithKey> = HashMap::new();
        let mut without_labels = Vec::new();
        for (position, (_, labels)) in all.iter().enumerate() {
            let labels = labels.borrow();
            if labels.is_empty() {
                without_labels.push(position);
            }
            for (key, value) in labels {
                if !by_key.contains_key(key) {
                    by_key.insert(key.clone(), WithKey::default());
                }
                let Some(with_key) = by_key.get_mut(key) else {
                    continue;
                };
                with_key.count += 1;
                let with_value = with_key.by_value.entry(value.clone()).or_default();
                with_value.all.push(position);
            }
        }
        for (key, with_key) in &mut by_key {
            // So all these lists together have at most as many entries as the selectors have
            // labels.
            if with_key.count * 2 >= all.len() {
                let others = all.iter().enumerate();
                let others = others.filter(|(_, (_, labels))| !labels.borrow().contains_key(key));
                with_key.others = Some(others.map(|(position, _)| position).collect());
            }
        }
        let mut selectors = Self {
            all,
            by_key,
            without_labels,
        };
        selectors.find_rarest();
        selectors
    }

    fn find_rarest(&mut self) {
        for (position, (_, labels)) in self.all.iter().enumerate() {
            let count = |key: &str, value: &str| {
                let with_value = self.by_key.get(key).and_then(|key| key.by_value.get(value));
                with_value.map_or(0, |with_value| with_value.all.len())
            };
            let labels = labels.borrow().iter();
            let rarest = labels.min_by_key(|(key, value)| count(key, value));
            let with_value = rarest.and_then(|(key, value)| {
                let with_key = self.by_key.get_mut(key)?;
                with_key.by_value.get_mut(value)
            });
            if let Some(with_value) = with_value {
                with_value.as_rarest.push(position);
            }
        }
    }

    /// The ranks of the selectors that may select the same pod as `labels`, in order.
    pub(crate) fn compatible<'s>(&'s self, labels: &'s Labels) -> impl Iterator<Item = usize> + 's {
        self.compatible_from(0, labels)
    }

    /// The same, for selectors after `rank`.
    pub(crate) fn compatible_after<'s>(
        &'s self,
        rank: usize,
        labels: &'s Labels,
    ) -> impl Iterator<Item = usize> + 's {
        let start = self.all.partition_point(|(other, _)| *other <= rank);
        self.compatible_from(start, labels)
    }

    fn compatible_from<'s>(
        &'s self,
        start: usize,
        labels: &'s Labels,
    ) -> impl Iterator<Item = usize> + 's {
        self.candidates_from(start, labels)
            .filter_map(|position| self.all.get(position))
            .filter(|(_, others)| are_compatible(labels, others.borrow()))
            .map(|(rank, _)| *rank)
    }

    /// The positions from `start` that are compatible with the most selective label.
    fn candidates_from<'s>(
        &'s self,
        start: usize,
        labels: &'s Labels,
    ) -> Box<dyn Iterator<Item = usize> + 's> {
        let telling = labels.iter().min_by_key(|(key, value)| {
            let with_key = self.by_key.get(*key);
            let with_key = with_key.map_or(0, |with_key| with_key.count);
            self.with_label(key, value).len() + self.all.len().saturating_sub(with_key)
        });
        let Some((key, value)) = telling else {
            return Box::new(start..self.all.len());
        };
        let same = from(self.with_label(key, value), start).iter().copied();
        let listed = self.by_key.get(key);
        if let Some(others) = listed.and_then(|with_key| with_key.others.as_deref()) {
            return Box::new(merged(same, from(others, start).iter().copied()));
        }
        let all = self.all.iter().enumerate().skip(start);
        let others = all.filter(|(_, (_, labels))| !labels.borrow().contains_key(key));
        Box::new(merged(same, others.map(|(position, _)| position)))
    }

    /// The ranks of the selectors that select a pod with exactly these labels, in order.
    pub(crate) fn selecting(&self, labels: &Labels) -> Vec<usize> {
        let is_selected = |(_, wanted): &&(usize, L)| is_among(wanted.borrow(), labels);
        let candidates = self.may_select(labels);
        let found = candidates.filter_map(|position| self.all.get(position));
        let found = found.filter(is_selected).map(|(rank, _)| *rank);
        let mut found: Vec<_> = found.collect();
        found.sort_unstable();
        found
    }

    /// The positions of the selectors without labels, and of those whose rarest label is among
    /// `labels`.
    fn may_select<'s>(&'s self, labels: &'s Labels) -> impl Iterator<Item = usize> + 's {
        let with_values = labels.iter().filter_map(|(key, value)| {
            let with_key = self.by_key.get(key)?;
            with_key.by_value.get(value)
        });
        let by_label = with_values.flat_map(|with_value| &with_value.as_rarest);
        self.without_labels.iter().chain(by_label).copied()
    }

    /// The ranks of the selectors that have all of `labels`, in order.
    pub(crate) fn narrower<'s>(&'s self, labels: &'s Labels) -> impl Iterator<Item = usize> + 's {
        let with_labels = labels
            .iter()
            .map(|(key, value)| self.with_label(key, value));
        let fewest = with_labels.min_by_key(|with_label| with_label.len());
        let positions: Box<dyn Iterator<Item = usize>> = match fewest {
            Some(fewest) => Box::new(fewest.iter().copied()),
            None => Box::new(0..self.all.len()),
        };
        positions
            .filter_map(|position| self.all.get(position))
            .filter(|(_, others)| is_among(labels, others.borrow()))
            .map(|(rank, _)| *rank)
    }

    fn with_label(&self, key: &str, value: &str) -> &[usize] {
        let with_key = self.by_key.get(key);
        let with_value = with_key.and_then(|with_key| with_key.by_value.get(value));
        with_value.map_or(&[], |with_value| &with_value.all)
    }

    /// All ranks.
    pub(super) fn ranks(&self) -> impl Iterator<Item = usize> {
        self.all.iter().map(|(rank, _)| *rank)
    }
}

/// Whether the selector `labels` selects pods with the labels `others`.
fn is_among(labels: &Labels, others: &Labels) -> bool {
    let mut labels = labels.iter();
    labels.all(|(key, value)| others.get(key) == Some(value))
}

fn from(positions: &[usize], start: usize) -> &[usize] {
    let first = positions.partition_point(|position| *position < start);
    positions.get(first..).unwrap_or_default()
}

/// Merges two ascending lists.
fn merged(
    one: impl Iterator<Item = usize>,
    other: impl Iterator<Item = usize>,
) -> impl Iterator<Item = usize> {
    let (mut one, mut other) = (one.peekable(), other.peekable());
    std::iter::from_fn(move || match (one.peek(), other.peek()) {
        (Some(a), Some(b)) if b < a => other.next(),
        (Some(_), _) => one.next(),
        (None, _) => other.next(),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn labels(pairs: &[(&str, String)]) -> Labels {
        let pairs = pairs.iter();
        pairs
            .map(|(key, value)| ((*key).to_owned(), value.clone()))
            .collect()
    }

    fn ranked(all: &[Labels]) -> Selectors<&Labels> {
        Selectors::new(all.iter().enumerate().collect())
    }

    fn some_labels() -> impl Strategy<Value = Labels> {
        prop::collection::btree_map("[abc]", "[xy]", 0..4)
    }

    proptest! {
        #[test]
        fn finds_the_same_compatible_selectors_as_a_plain_loop(
            all in prop::collection::vec(some_labels(), 0..12),
            rank in 0..12_usize,
            wanted in some_labels(),
        ) {
            let found: Vec<_> = ranked(&all).compatible_after(rank, &wanted).collect();
            let others = all.iter().enumerate().skip(rank + 1);
            let plain: Vec<_> = others
                .filter(|(_, labels)| are_compatible(&wanted, labels))
                .map(|(rank, _)| rank)
                .collect();
            prop_assert_eq!(found, plain);
        }

        #[test]
        fn finds_the_same_selecting_and_narrower_selectors_as_a_plain_loop(
            all in prop::collection::vec(some_labels(), 0..12),
            labels in some_labels(),
        ) {
            let selectors = ranked(&all);
            let plain = |is_it: &dyn Fn(&Labels) -> bool| -> Vec<_> {
                let found = all.iter().enumerate().filter(|(_, others)| is_it(others));
                found.map(|(rank, _)| rank).collect()
            };
            let compatible: Vec<_> = selectors.compatible(&labels).collect();
            prop_assert_eq!(compatible, plain(&|others| are_compatible(&labels, others)));
            prop_assert_eq!(selectors.selecting(&labels), plain(&|others| is_among(others, &labels)));
            let narrower: Vec<_> = selectors.narrower(&labels).collect();
            prop_assert_eq!(narrower, plain(&|others| is_among(&labels, others)));
        }
    }

    #[test]
    fn does_not_compare_selectors_with_different_labels() {
        let number = |number: usize| number.to_string();
        let by_app = (0..1_000).map(|app| labels(&[("app", number(app))]));
        let by_both = (0..1_000).map(|app| {
            let own = format!("own-{app}");
            labels(&[("app", number(app)), (&own, number(0))])
        });
        let by_team = (0..10).map(|team| labels(&[("team", number(team))]));
        let all: Vec<_> = by_app.chain(by_both).chain(by_team).collect();
        let selectors = ranked(&all);
        let compared: usize = all
            .iter()
            .enumerate()
            .map(|(rank, labels)| selectors.candidates_from(rank + 1, labels).count())
            .sum();
        // Each of the 2,000 is compatible with the 10 by team, and with one of the other thousand.
        assert!(compared <= 2_000 * 11 + 10 * 10, "{compared}");
    }

    #[test]
    fn does_not_compare_selectors_without_common_labels() {
        let all: Vec<_> = (0..1_000)
            .flat_map(|app| {
                let own = format!("own-{app}");
                [
                    labels(&[
                        ("app", app.to_string()),
                        (&own, "0".to_owned()),
                        ("team", "0".to_owned()),
                    ]),
                    labels(&[("app", app.to_string())]),
                ]
            })
            .collect();
        let selectors = ranked(&all);
        let compared: usize = all
            .iter()
            .map(|labels| selectors.may_select(labels).count())
            .sum();
        assert_eq!(compared, 3_000);
    }
}
