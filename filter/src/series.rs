//! The series that the filter has defined, by name.
//!
//! Each definition creates a permanent entry in the proxy, even for a name that it already has. So
//! the filter keeps the names. But rule IDs that keep changing must not fill the VM's memory, so it
//! forgets names that recent configurations have not used.

use rustc_hash::{FxBuildHasher, FxHashMap};

use crate::host::MetricId;

/// The number of unused names that are always kept. Beyond it, as many as there are used ones.
const MIN_KEPT: usize = 1_024;

/// The series of a VM.
#[derive(Debug)]
pub struct DefinedSeries {
    by_name: FxHashMap<String, Series>,
    /// The number of configurations so far.
    configuration: u32,
}

#[derive(Debug)]
struct Series {
    id: MetricId,
    /// The number of the last configuration that uses it. The largest number for all of them.
    last_used: u32,
}

/// How long a series is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lifetime {
    /// As long as the configuration that defines it.
    Configuration,
    /// As long as the VM.
    Vm,
}

impl DefinedSeries {
    /// No series.
    pub const fn new() -> Self {
        Self {
            by_name: FxHashMap::with_hasher(FxBuildHasher),
            configuration: 0,
        }
    }

    /// Begins a new configuration. Forgets unused names if there are many more than used ones.
    pub fn begin_configuration(&mut self) {
        let used = |series: &Series| series.last_used >= self.configuration;
        let count = self.by_name.values().filter(|series| used(series)).count();
        if self.by_name.len() - count > count.max(MIN_KEPT) {
            self.by_name.retain(|_, series| used(series));
            self.by_name.shrink_to_fit();
        }
        self.configuration = self.configuration.saturating_add(1);
    }

    /// The ID of a series, which `define` creates if the name is new.
    pub fn id(
        &mut self,
        name: String,
        lifetime: Lifetime,
        define: impl FnOnce(&str) -> Option<MetricId>,
    ) -> Option<MetricId> {
        let last_used = match lifetime {
            Lifetime::Configuration => self.configuration,
            Lifetime::Vm => u32::MAX,
        };
        if let Some(series) = self.by_name.get_mut(&name) {
            series.last_used = series.last_used.max(last_used);
            return Some(series.id);
        }
        let id = define(&name)?;
        self.by_name.insert(name, Series { id, last_used });
        Some(id)
    }

    /// The ID of a series, if it has been defined.
    pub fn known_id(&self, name: &str) -> Option<MetricId> {
        Some(self.by_name.get(name)?.id)
    }
}

impl Default for DefinedSeries {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    /// Defines series of a configuration, and returns how many were new.
    fn configure(series: &mut DefinedSeries, names: impl Iterator<Item = String>) -> u32 {
        let defined = Cell::new(0);
        series.begin_configuration();
        for name in names {
            series.id(name, Lifetime::Configuration, |_| {
                defined.set(defined.get() + 1);
                Some(MetricId(0))
            });
        }
        defined.get()
    }

    fn names(revision: usize, count: usize) -> impl Iterator<Item = String> {
        (0..count).map(move |number| format!("{revision}-{number}"))
    }

    #[test]
    fn defines_each_name_once() {
        let mut series = DefinedSeries::new();
        assert_eq!(configure(&mut series, names(0, 10)), 10);
        assert_eq!(configure(&mut series, names(0, 11)), 1);
        assert_eq!(series.known_id("0-10"), Some(MetricId(0)));
        assert_eq!(series.known_id("0-11"), None);
    }

    #[test]
    fn a_series_that_the_proxy_refuses_is_not_kept() {
        let mut series = DefinedSeries::new();
        let id = series.id("a".to_owned(), Lifetime::Vm, |_| None);
        assert_eq!((id, series.known_id("a")), (None, None));
    }

    #[test]
    fn changing_names_take_bounded_memory() {
        for count in [10, 5_000] {
            let mut series = DefinedSeries::new();
            for revision in 0..500 {
                configure(&mut series, names(revision, count));
                let kept = series.by_name.len();
                assert!(kept <= 3 * count.max(MIN_KEPT), "{kept}");
            }
        }
    }

    #[test]
    fn alternating_configurations_define_nothing_new() {
        let mut series = DefinedSeries::new();
        for revision in 0..10 {
            let defined = configure(&mut series, names(revision % 2, 5_000));
            assert_eq!(defined, if revision < 2 { 5_000 } else { 0 });
        }
    }

    #[test]
    fn learned_series_are_never_forgotten() {
        let mut series = DefinedSeries::new();
        series.id("learned".to_owned(), Lifetime::Vm, |_| Some(MetricId(7)));
        for revision in 0..200 {
            configure(&mut series, names(revision, 100));
        }
        assert_eq!(series.known_id("learned"), Some(MetricId(7)));
    }
}
