//! Metrics of a proxy about its filters.

use std::collections::{BTreeMap, BTreeSet};

use crate::plugin_config::PolicyName;

/// Metrics of a proxy about its filters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Measured {
    /// They could not be read, for this reason.
    Unread(String),
    /// They were read.
    Read(Measurements),
}

/// Metrics of a proxy about its filters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Measurements {
    /// The revisions that the filter of each policy reports. Exactly one if all is well.
    pub revisions: BTreeMap<PolicyName, BTreeSet<String>>,
    /// When the filter of each policy last loaded its plugin config, in seconds since 1970.
    pub loaded: BTreeMap<PolicyName, u64>,
    /// Whether the proxy reports that it runs no Wasm filter.
    pub is_without_filters: bool,
}

impl Default for Measured {
    fn default() -> Self {
        Self::Unread("only its configuration was given".to_owned())
    }
}
