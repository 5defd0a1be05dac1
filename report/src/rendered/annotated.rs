//! A resource → YAML with comments: the part of the documents that it is rendered from, and the ID of each rule.

use policy_schema::istio::{Resource, ResourceKind};

use crate::serialized::{self, SerializeError};

/// Says what Istio does with an `AuthorizationPolicy` without rules.
const NO_RULES: &str =
    "# Without rules, it allows no request, so it denies what no other policy allows.\n";

/// A rule of an `AuthorizationPolicy` begins with this, and a line within one is indented deeper.
const RULE: &str = "  - ";

/// The resource as YAML with comments. `file` is the file with its policy, or with the mesh.
pub(crate) fn yaml(resource: &Resource, file: Option<&str>) -> Result<String, SerializeError> {
    let text = serialized::yaml(resource)?;
    let place = file.map(|file| format!(", {file}")).unwrap_or_default();
    let mut annotated = format!("# From {}{place}.\n", resource.source());
    let ids = resource.rule_ids();
    if ids.is_empty() {
        if resource.kind() == ResourceKind::AuthorizationPolicy {
            annotated.push_str(NO_RULES);
        }
        annotated.push_str(&text);
        return Ok(annotated);
    }
    let mut ids = ids.into_iter();
    let mut is_in_rules = false;
    for line in text.split_inclusive('\n') {
        if is_in_rules && line.starts_with(RULE) {
            if let Some(id) = ids.next().flatten() {
                annotated.push_str("  # Rule ");
                annotated.push_str(id);
                annotated.push_str(".\n");
            }
        } else if !line.starts_with("   ") {
            is_in_rules = line.trim_end() == "  rules:";
        }
        annotated.push_str(line);
    }
    Ok(annotated)
}
