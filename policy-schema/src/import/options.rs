//! What an import is done with.

use super::mutual_tls::ExceptionPlan;
use crate::policy::IstioVersion;

/// What the resources do not say by themselves.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The version of Istio; the newest known when left out.
    pub istio_version: Option<IstioVersion>,
    /// The trust domain, for input without a mesh config.
    pub trust_domain: Option<String>,
    /// The root namespace, for input without a mesh config.
    pub root_namespace: Option<String>,
    /// The namespace of objects that do not name one.
    pub namespace: Option<String>,
    /// Who owns exceptions from strict mutual TLS, and until when; to be filled in when left out.
    pub exceptions: Option<ExceptionPlan>,
}
