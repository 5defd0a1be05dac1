//! Kubernetes manifests → objects.

use policy_schema::diagnostic::{Diagnostic, Place, SourceText};
use policy_schema::verify::{HelmValues, Manifest, Object, manifest};

/// Objects with their texts.
#[derive(Debug, Default)]
pub struct Manifests {
    /// The objects, in order of the texts.
    pub objects: Vec<Object>,
    /// Helm values of Istio.
    pub values: Vec<HelmValues>,
    /// The texts.
    pub sources: Vec<SourceText>,
    /// Documents that are not objects.
    pub skipped: Vec<Place>,
}

impl Manifests {
    /// Parses texts. Returns diagnostics for invalid parts.
    pub fn read(sources: Vec<SourceText>) -> (Self, Vec<Diagnostic>) {
        let mut manifests = Self::default();
        let mut diagnostics = Vec::new();
        for (source, text) in sources.iter().enumerate() {
            match manifest(source, &text.text) {
                Ok(Manifest {
                    objects,
                    values,
                    skipped,
                }) => {
                    manifests.objects.extend(objects);
                    manifests.values.extend(values);
                    manifests.skipped.extend(skipped);
                }
                Err(faults) => diagnostics.extend(faults.into_iter().map(|fault| Diagnostic {
                    code: fault.code,
                    source,
                    span: fault.span,
                    message: fault.message,
                    help: fault.help,
                    related: None,
                })),
            }
        }
        manifests.sources = sources;
        (manifests, diagnostics)
    }
}
