//! Selectors by their labels: which of many may select the same pod as another one.

use std::collections::HashMap;

use super::{Labels, are_compatible};

/// Selectors in the order of their ranks, indexed such that few of those are looked at that a label sets apart.
#[derive(Debug, Default)]
pub(super) struct Selectors<'p> {
    all: Vec<Ranked<'p>>,
    by_label: HashMap<(&'p str, &'p str), Vec<Ranked<'p>>>,
    by_key: HashMap<&'p str, WithKey<'p>>,
}

type Ranked<'p> = (usize, &'p Labels);

/// The selectors that have a key.
#[derive(Debug, Default)]
struct WithKey<'p> {
    count: usize,
    /// The others, unless they are the greater part.
    others: Option<Vec<Ranked<'p>>>,
}

impl<'p> Selectors<'p> {
    /// Indexes selectors, whose ranks ascend.
    pub(super) fn of(all: Vec<Ranked<'p>>) -> Self {
        let mut selectors = Self {
            all,
            ..Self::default()
        };
        for &(rank, labels) in &selectors.all {
            for (key, value) in labels {
                let same = selectors.by_label.entry((key, value)).or_default();
                same.push((rank, labels));
                selectors.by_key.entry(key).or_default().count += 1;
            }
        }
        let all = &selectors.all;
        for (key, with_key) in &mut selectors.by_key {
            // So that all these lists together have at most as many entries as the selectors have labels.
            if with_key.count * 2 >= all.len() {
                let others = all.iter().filter(|(_, labels)| !labels.contains_key(*key));
                with_key.others = Some(others.copied().collect());
            }
        }
        selectors
    }

    /// The ranks after `rank` of the selectors that may select the same pod as `labels`, in order.
    pub(super) fn compatible_after<'s>(
        &'s self,
        rank: usize,
        labels: &'s Labels,
    ) -> impl Iterator<Item = usize> + 's {
        self.candidates_after(rank, labels)
            .filter(|(_, others)| are_compatible(labels, others))
            .map(|(rank, _)| rank)
    }

    /// Those that the most telling label does not set apart.
    fn candidates_after<'s>(
        &'s self,
        rank: usize,
        labels: &'s Labels,
    ) -> Box<dyn Iterator<Item = Ranked<'p>> + 's> {
        let count_others = |key: &str| {
            let with_key = self.by_key.get(key).map_or(0, |with_key| with_key.count);
            self.all.len().saturating_sub(with_key)
        };
        let same = |key: &'s str, value: &'s str| {
            let same = self.by_label.get(&(key, value));
            same.map_or(&[][..], Vec::as_slice)
        };
        let telling = labels
            .iter()
            .min_by_key(|(key, value)| same(key, value).len() + count_others(key));
        let Some((key, value)) = telling else {
            return Box::new(after(&self.all, rank).iter().copied());
        };
        let same = after(same(key, value), rank).iter().copied();
        let listed = self.by_key.get(&**key);
        if let Some(others) = listed.and_then(|with_key| with_key.others.as_deref()) {
            return Box::new(merged(same, after(others, rank).iter().copied()));
        }
        let all = after(&self.all, rank).iter().copied();
        let others = all.filter(|(_, labels)| !labels.contains_key(key));
        Box::new(merged(same, others))
    }
}

fn after<'l, 'p>(ranked: &'l [Ranked<'p>], rank: usize) -> &'l [Ranked<'p>] {
    let start = ranked.partition_point(|(other, _)| *other <= rank);
    ranked.get(start..).unwrap_or_default()
}

/// Both of two ascending lists, ascending.
fn merged<'p>(
    one: impl Iterator<Item = Ranked<'p>>,
    other: impl Iterator<Item = Ranked<'p>>,
) -> impl Iterator<Item = Ranked<'p>> {
    let (mut one, mut other) = (one.peekable(), other.peekable());
    std::iter::from_fn(move || match (one.peek(), other.peek()) {
        (Some((a, _)), Some((b, _))) if b < a => other.next(),
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

    fn ranked(all: &[Labels]) -> Selectors<'_> {
        Selectors::of(all.iter().enumerate().collect())
    }

    fn some_labels() -> impl Strategy<Value = Labels> {
        prop::collection::btree_map("[abc]", "[xy]", 0..4)
    }

    proptest! {
        #[test]
        fn what_may_meet_is_what_a_plain_loop_finds(
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
    }

    #[test]
    fn selectors_that_a_label_sets_apart_are_not_compared() {
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
            .map(|(rank, labels)| selectors.candidates_after(rank, labels).count())
            .sum();
        // Each of the 2,000 meets the 10 by team, and one of the other thousand.
        assert!(compared <= 2_000 * 11 + 10 * 10, "{compared}");
    }
}
