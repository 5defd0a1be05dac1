//! Parts of the schema from constants that `document` cannot import.

use schemars::Schema;
use serde_json::{Value, json};

use crate::policy::{IstioVersion, RESERVED_PROVIDERS};

/// Inserts these parts.
pub(super) fn insert(schema: &mut Schema) {
    if let Some(version) = property(schema, "MeshSpec", "istioVersion") {
        version["pattern"] = istio_version().into();
        version["patternErrorMessage"] = json!(format!(
            "use a version from \"{}\" to \"{}\", in quotes",
            IstioVersion::OLDEST,
            IstioVersion::NEWEST
        ));
    }
    accept_tls_versions_without_quotes(schema);
    if let Some(name) = property(schema, "ExtensionProviderSpec", "name") {
        name["not"] = json!({"enum": RESERVED_PROVIDERS});
        name["errorMessage"] = json!("Istio or Peergate defines a provider of this name");
    }
}

fn property<'s>(schema: &'s mut Schema, of: &str, name: &str) -> Option<&'s mut Value> {
    let definitions = schema.get_mut("definitions")?;
    let properties = definitions.get_mut(of)?.get_mut("properties")?;
    properties.get_mut(name)
}

/// `validate` reads `1.3` as text, but editors read it as a number.
fn accept_tls_versions_without_quotes(schema: &mut Schema) {
    let definitions = schema.get_mut("definitions");
    let version = definitions.and_then(|it| it.get_mut("TlsVersion"));
    if let Some(Value::Array(versions)) = version.and_then(|it| it.get_mut("oneOf")) {
        versions.push(json!({"enum": [1.2, 1.3], "doNotSuggest": true}));
    }
}

/// The supported versions, each with or without a patch version.
fn istio_version() -> String {
    let versions: Vec<_> = IstioVersion::supported()
        .map(|version| version.to_string().replace('.', "\\."))
        .collect();
    format!("^({})(\\.(0|[1-9][0-9]{{0,4}}))?$", versions.join("|"))
}
