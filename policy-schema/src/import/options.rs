//! The options of an import.

use super::mutual_tls::ExceptionPlan;
use crate::policy::IstioVersion;

/// Settings that the resources do not contain.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The version of Istio. Default: the newest supported.
    pub istio_version: Option<IstioVersion>,
    /// The trust domain, for input without a mesh config.
    pub trust_domain: Option<String>,
    /// The root namespace, for input without a mesh config.
    pub root_namespace: Option<String>,
    /// The namespace of objects without one.
    pub namespace: Option<String>,
    /// The owner and end of exceptions from strict mutual TLS. If absent, users must fill them in.
    pub exceptions: Option<ExceptionPlan>,
}
