//! Label selectors.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::forms::MatchLabels;

/// The pods that have all of these labels.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Selector {
    /// The labels. At least one.
    #[schemars(with = "MatchLabels")]
    pub match_labels: BTreeMap<String, String>,
}
