//! What the proxy and the module do to each other.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Sub;

/// Numbers by the name of a callback or host call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally(BTreeMap<String, u64>);

/// Everything that is counted. It only grows while a VM runs, so the difference between two moments
/// is the cost of what happened between them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// The proxy's calls to callbacks.
    pub(crate) callbacks: Tally,
    /// The instructions that each callback executed, including its allocations for the proxy.
    pub(crate) fuel: Tally,
    /// The proxy's calls for memory, one for each host call that returns data.
    pub(crate) buffers: u64,
    /// The module's calls to the proxy.
    pub(crate) host_calls: Tally,
    /// Data that the proxy wrote to the module's memory, in bytes.
    pub(crate) bytes_in: u64,
    /// Data that the proxy read from the module's memory, in bytes.
    pub(crate) bytes_out: u64,
    /// Allocations in the module, including the buffers.
    pub(crate) allocations: u64,
}

impl Tally {
    /// Adds to the number of `name`.
    pub(crate) fn add(&mut self, name: &str, amount: u64) {
        if let Some(number) = self.0.get_mut(name) {
            *number += amount;
        } else {
            self.0.insert(name.to_owned(), amount);
        }
    }

    /// The number of `name`.
    pub(crate) fn get(&self, name: &str) -> u64 {
        self.0.get(name).copied().unwrap_or_default()
    }

    /// The sum of all numbers.
    pub(crate) fn total(&self) -> u64 {
        self.0.values().sum()
    }
}

impl Sub for &Tally {
    type Output = Tally;

    fn sub(self, before: &Tally) -> Tally {
        let since = |(name, number): (&String, &u64)| {
            let since = number - before.get(name);
            (since > 0).then(|| (name.clone(), since))
        };
        Tally(self.0.iter().filter_map(since).collect())
    }
}

/// Without the prefixes that all names of a kind share.
impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, (name, number)) in self.0.iter().enumerate() {
            let separator = if position == 0 { "" } else { ", " };
            let name = name.strip_prefix("proxy_").unwrap_or(name);
            let name = name.strip_prefix("on_").unwrap_or(name);
            write!(f, "{separator}{name} {number}")?;
        }
        Ok(())
    }
}

impl Sub for &Counts {
    type Output = Counts;

    fn sub(self, before: &Counts) -> Counts {
        Counts {
            callbacks: &self.callbacks - &before.callbacks,
            fuel: &self.fuel - &before.fuel,
            buffers: self.buffers - before.buffers,
            host_calls: &self.host_calls - &before.host_calls,
            bytes_in: self.bytes_in - before.bytes_in,
            bytes_out: self.bytes_out - before.bytes_out,
            allocations: self.allocations - before.allocations,
        }
    }
}
