//! Objects for the tests, and the result of their import.

use policy_schema::import::{Imported, Options, Outcome};

use super::{MESH, imported};

pub(crate) fn object(name: &str, spec: &str) -> String {
    let (namespace, name) = name.split_once('/').unwrap();
    format!(
        "apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\n\
         metadata: {{name: {name}, namespace: {namespace}}}\nspec: {spec}\n"
    )
}

pub(crate) fn import(objects: &[(&str, &str)]) -> Imported {
    let mut texts = vec![MESH.to_owned()];
    texts.extend(objects.iter().map(|(name, spec)| object(name, spec)));
    let texts: Vec<_> = texts.iter().map(String::as_str).collect();
    imported(&texts, &Options::default())
}

/// The policies' names, and the indexes of the objects that are left out.
pub(crate) fn carried(imported: &Imported) -> (Vec<String>, Vec<usize>) {
    let documents = imported.documents.as_ref().unwrap();
    let names = documents.policies.iter().map(|policy| {
        let metadata = &policy.document.metadata;
        format!("{}/{}", metadata.namespace, metadata.name)
    });
    let lost = imported.findings.iter();
    let lost = lost.filter(|finding| finding.outcome == Outcome::LeftOut);
    let mut lost: Vec<_> = lost.map(|finding| finding.place.source).collect();
    lost.dedup();
    (names.collect(), lost)
}

/// Not expressible in the language.
pub(crate) const UNSAID: &str = "{selector: {matchLabels: {app: cart}}, action: DENY, rules: [{to: [{operation: {paths: [\"/a*b\"]}}]}]}";

pub(crate) const OF_CART: &str = "{selector: {matchLabels: {app: cart}}, rules: [{}]}";

pub(crate) const OF_CART_2: &str =
    "{selector: {matchLabels: {app: cart, version: v2}}, rules: [{}]}";

pub(crate) const OF_WEB: &str = "{selector: {matchLabels: {app: web}}, rules: [{}]}";

pub(crate) const OF_VERSION: &str = "{selector: {matchLabels: {version: v1}}, rules: [{}]}";

pub(crate) const OF_ALL: &str = "{rules: [{}]}";
