//! A Lua script with one table look-up.

use serde_json::{Value, json};

use crate::measured_policy::MeasuredPolicy;

/// The filter.
pub(super) fn filter(policy: &MeasuredPolicy) -> Value {
    let entries: Vec<String> = policy
        .callers()
        .map(|caller| format!("  [{:?}] = true,", caller.id))
        .collect();
    let entries = entries.join("\n");
    let script = format!(
        r#"local allowed = {{
{entries}
}}
function envoy_on_request(handle)
  local names = handle:streamInfo():downstreamSslConnection():uriSanPeerCertificate()
  if not allowed[names[1]] then
    handle:respond({{[":status"] = "403"}}, "")
  end
end
"#
    );
    json!({
        "name": "envoy.filters.http.lua",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua",
            "default_source_code": { "inline_string": script },
        },
    })
}
