//! The versions of Istio's kinds.

use crate::policy::IstioVersion;

/// Since this version objects are of `v1` that are of `v1beta1` before (`Telemetry`: `v1alpha1`). Istio serves it
/// since 1.22, and goes on serving the older ones.
const V1: IstioVersion = IstioVersion::minor(24);

/// `v1` where Istio of this version has it, and the `older` one elsewhere.
pub(super) fn v1_or(older: &'static str, v1: &'static str, istio: IstioVersion) -> &'static str {
    if istio >= V1 { v1 } else { older }
}

/// The version of the kinds of `networking.istio.io`.
pub(super) fn networking(istio: IstioVersion) -> &'static str {
    v1_or(
        "networking.istio.io/v1beta1",
        "networking.istio.io/v1",
        istio,
    )
}
