//! Reports JWT claims in a mesh that hides them from the filter.

use crate::code;
use crate::policy::{IstioVersion, Mesh};
use crate::problem::{Cursor, Problems};
use crate::rule::{Rule, Test};

/// Since this version, Istio keeps JWT claims in the metadata of Envoy's own JWT filter.
const JWT_METADATA: IstioVersion = IstioVersion::minor(21);

/// Reports the parts of `rule` that require a JWT. Older versions of Istio keep its claims where
/// the filter does not look.
pub(super) fn check(rule: &Rule, mesh: &Mesh, cursor: &Cursor<'_>, problems: &mut Problems) {
    if mesh.istio_version >= JWT_METADATA {
        return;
    }
    let mut report = |cursor: &Cursor<'_>| {
        problems.report(
            code::UNSUPPORTED_BY_ISTIO,
            cursor,
            format!(
                "in Istio {}, the filter cannot read the JWT",
                mesh.istio_version
            ),
            format!("use identities, or upgrade to Istio {JWT_METADATA}"),
        );
    };
    let from = cursor.key("from");
    for (index, source) in rule.sources.iter().enumerate() {
        if source.uses_request_principal() {
            report(&from.index(index));
        }
    }
    let when = cursor.key("when");
    for (index, condition) in rule.conditions.iter().enumerate() {
        let asks = match &condition.test {
            Test::Caller(source) => source.uses_request_principal(),
            Test::Metadata { key, .. } => key.is_claim(),
            _ => false,
        };
        if asks {
            report(&when.index(index).key("key"));
        }
    }
}
