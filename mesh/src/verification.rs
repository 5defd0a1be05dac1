//! A mesh × policies → where they differ.

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

/// With what a mesh is compared, beside the policies.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// The kind of object that brings the filter.
    pub api: ExtensionApi,
    /// The time at which certificates count as over.
    pub at: Timestamp,
    /// Fewer days left than this are too few for a certificate that is not renewed by itself.
    pub min_days: u16,
}

/// What is to be said of a mesh.
#[derive(Debug)]
pub struct Verification {
    /// In the order of codes and subjects.
    pub findings: Vec<Finding>,
    /// Inputs that were not given.
    pub unchecked: Vec<String>,
    /// How much was looked at.
    pub seen: Seen,
    /// The proxies that say what they run, in the order of their names.
    pub proxies: Vec<Proxy>,
    /// The texts that findings have their places in.
    pub sources: Vec<SourceText>,
}

/// Looks at all that is in scope, and compares it with the policies. Fails if a cluster cannot be looked at; a part of
/// it that cannot be seen, a proxy that does not answer and a port that cannot be reached are findings.
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
