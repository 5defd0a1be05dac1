//! Verifies a mesh against policies.

mod certificates;
mod measured;
mod observe;
pub mod scope;
pub mod seen;

use peergate_fault::Failure;
use policy_schema::diagnostic::SourceText;
use policy_schema::istio::ExtensionApi;
use policy_schema::policy::PolicySet;
use policy_schema::timestamp::Timestamp;
use policy_schema::verify::{self, Finding, Proxy, locate_fields};

use observe::{Observation, observe};
use scope::Scope;
use seen::Seen;

/// Options of a verification.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// The API that installs the filter.
    pub api: ExtensionApi,
    /// The time to check certificates at.
    pub at: Timestamp,
    /// The minimum number of days left of certificates without automatic renewal.
    pub min_days: u16,
}

/// The result of a verification.
#[derive(Debug)]
pub struct Verification {
    /// Findings, sorted by code and subject.
    pub findings: Vec<Finding>,
    /// Missing inputs.
    pub unchecked: Vec<String>,
    /// The extent of the verification.
    pub seen: Seen,
    /// The proxies that reported their config, sorted by name.
    pub proxies: Vec<Proxy>,
    /// The texts that findings refer to.
    pub sources: Vec<SourceText>,
}

/// Reads everything in scope and compares it with the policies. Fails if a cluster cannot be read. Unreadable kinds, proxies and
/// ports are findings.
pub fn verify(scope: Scope, set: &PolicySet, options: Options) -> Result<Verification, Failure> {
    let Options { api, at, min_days } = options;
    let Observation {
        observed,
        seen,
        sources,
        mut findings,
    } = observe(scope, set, &certificates::expected(set, at, min_days))?;
    let verdict = verify::verify(set, api, &observed);
    findings.extend(verdict.findings);
    findings.sort();
    findings.dedup();
    locate_fields(&mut findings, &sources);
    Ok(Verification {
        findings,
        unchecked: verdict.unchecked,
        seen,
        proxies: observed.proxies,
        sources,
    })
}
