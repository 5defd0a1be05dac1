//! The API versions of Istio's kinds.

use crate::policy::IstioVersion;

/// Since this version, objects are rendered as `v1` instead of `v1beta1` (`Telemetry`: `v1alpha1`).
/// Istio supports `v1` since 1.22, and continues to support the older versions.
const V1: IstioVersion = IstioVersion::minor(24);

/// `v1` if this version of Istio has it, else `older`.
pub(super) fn v1_or_older(
    older: &'static str,
    v1: &'static str,
    istio: IstioVersion,
) -> &'static str {
    if istio >= V1 { v1 } else { older }
}

/// The API version of the kinds of `networking.istio.io`.
pub(super) fn networking(istio: IstioVersion) -> &'static str {
    v1_or_older(
        "networking.istio.io/v1beta1",
        "networking.istio.io/v1",
        istio,
    )
}
