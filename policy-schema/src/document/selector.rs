//! Which pods something is for.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::forms::MatchLabels;

/// The pods that a policy is for.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Selector {
    /// Labels that the pods have, all of them. At least one.
    #[schemars(with = "MatchLabels")]
    pub match_labels: BTreeMap<String, String>,
}
