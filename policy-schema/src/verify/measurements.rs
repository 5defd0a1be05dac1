//! What was measured of a filter.

use std::collections::{BTreeMap, BTreeSet};

use crate::plugin_config::PolicyName;

/// What a proxy's metrics say of its filters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Measured {
    /// They were not read, for this reason.
    Unread(String),
    /// What they say.
    Read(Measurements),
}

/// What a proxy's metrics say of its filters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Measurements {
    /// The revisions that the filter of a policy reports: one, where all is well.
    pub revisions: BTreeMap<PolicyName, BTreeSet<String>>,
    /// When the filter of a policy took up its configuration last, in seconds since 1970.
    pub loaded: BTreeMap<PolicyName, u64>,
    /// Whether the proxy says that no Wasm filter runs in it at all.
    pub is_without_filters: bool,
}

impl Default for Measured {
    fn default() -> Self {
        Self::Unread("only its configuration was given".to_owned())
    }
}
