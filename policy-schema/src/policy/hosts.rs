//! An index of host names, to compare many with one.

use std::collections::HashMap;

/// Host names that may begin with `*.`, each with a number. The first of several equal names
/// counts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hosts {
    exact: HashMap<String, usize>,
    /// By each suffix that begins with a dot and is not the whole name.
    by_ending: HashMap<String, usize>,
}

impl Hosts {
    /// Adds a name. Numbers must not descend.
    pub(crate) fn add(&mut self, host: &str, number: usize) {
        add(&mut self.exact, host, number);
        for ending in endings(host) {
            add(&mut self.by_ending, ending, number);
        }
    }

    /// The lowest number of a name that covers all of `host`: the same name, or a wildcard.
    pub(crate) fn covering(&self, host: &str) -> Option<usize> {
        let wildcards = endings(host).filter_map(|end| self.exact.get(&format!("*{end}")));
        let same = self.exact.get(host);
        wildcards.chain(same).copied().min()
    }

    /// The lowest number of a name that overlaps `host`.
    pub(crate) fn meeting(&self, host: &str) -> Option<usize> {
        let end = host.strip_prefix('*');
        let covered = end.and_then(|end| self.by_ending.get(end)).copied();
        self.covering(host).into_iter().chain(covered).min()
    }
}

fn add(names: &mut HashMap<String, usize>, name: &str, number: usize) {
    if !names.contains_key(name) {
        names.insert(name.to_owned(), number);
    }
}

/// The maximum length of a name with `*.`. No host is longer, and validation reports longer names.
const MAX_NAME: usize = 255;

/// The suffixes of a name that begin with a dot, without the name itself.
fn endings(host: &str) -> impl Iterator<Item = &str> {
    let is_name = host.len() <= MAX_NAME;
    let dots = host
        .match_indices('.')
        .filter(move |(at, _)| is_name && *at > 0);
    dots.filter_map(|(at, _)| host.get(at..))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::policy::covers_host;

    #[test]
    fn stores_a_name_with_many_dots_once() {
        let mut hosts = Hosts::default();
        hosts.add(&"a.".repeat(10_000), 0);
        assert_eq!((hosts.exact.len(), hosts.by_ending.len()), (1, 0));
    }

    proptest! {
        #[test]
        fn finds_the_same_hosts_as_a_plain_loop(
            hosts in prop::collection::vec(r"(\*\.)?[ab](\.[ab]){0,3}", 0..8),
            host in r"(\*\.)?[ab](\.[ab]){0,3}",
        ) {
            let mut index = Hosts::default();
            for (number, host) in hosts.iter().enumerate() {
                index.add(host, number);
            }
            let covers = |other: &String| covers_host(other, &host);
            prop_assert_eq!(index.covering(&host), hosts.iter().position(covers));
            let meets = |other: &String| covers_host(other, &host) || covers_host(&host, other);
            prop_assert_eq!(index.meeting(&host), hosts.iter().position(meets));
        }
    }
}
