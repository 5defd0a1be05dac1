//! What the proxy and the module do to each other.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Sub;

/// Numbers of calls by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Calls(BTreeMap<String, u64>);

/// Everything that is counted. Only grows while a VM runs, so the difference between two moments
/// is the cost of what happened between them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// The proxy's calls to callbacks.
    pub(crate) callbacks: Calls,
    /// The proxy's calls to `malloc`, for the data that a host call returns.
    pub(crate) buffers: u64,
    /// The module's calls to the proxy.
    pub(crate) host_calls: Calls,
    /// Data that the proxy wrote to the module's memory, in bytes.
    pub(crate) bytes_in: u64,
    /// Data that the proxy read from the module's memory, in bytes.
    pub(crate) bytes_out: u64,
    /// Allocations in the module, including the buffers.
    pub(crate) allocations: u64,
    /// Executed instructions.
    pub(crate) fuel: u64,
}

impl Calls {
    /// Counts a call.
    pub(crate) fn add(&mut self, name: &str) {
        // Without a copy of the name for each call.
        if let Some(count) = self.0.get_mut(name) {
            *count += 1;
        } else {
            self.0.insert(name.to_owned(), 1);
        }
    }
}

impl Sub for &Calls {
    type Output = Calls;

    fn sub(self, before: &Calls) -> Calls {
        let since = |(name, count): (&String, &u64)| {
            let since = count - before.0.get(name).unwrap_or(&0);
            (since > 0).then(|| (name.clone(), since))
        };
        Calls(self.0.iter().filter_map(since).collect())
    }
}

/// Names and numbers, without the prefixes that all names of a kind share.
impl fmt::Display for Calls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, (name, count)) in self.0.iter().enumerate() {
            let separator = if position == 0 { "" } else { ", " };
            let name = name.strip_prefix("proxy_").unwrap_or(name);
            let name = name.strip_prefix("on_").unwrap_or(name);
            write!(f, "{separator}{name} {count}")?;
        }
        Ok(())
    }
}

impl Sub for &Counts {
    type Output = Counts;

    fn sub(self, before: &Counts) -> Counts {
        Counts {
            callbacks: &self.callbacks - &before.callbacks,
            buffers: self.buffers - before.buffers,
            host_calls: &self.host_calls - &before.host_calls,
            bytes_in: self.bytes_in - before.bytes_in,
            bytes_out: self.bytes_out - before.bytes_out,
            allocations: self.allocations - before.allocations,
            fuel: self.fuel - before.fuel,
        }
    }
}
