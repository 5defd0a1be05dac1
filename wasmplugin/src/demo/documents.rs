//! The demo's documents, in files that can be explained and changed, and what the proxy gets of them.

use std::fs;
use std::path::{Path, PathBuf};

use peergate_report::message;
use policy_schema::diagnostic::Diagnostic;
use policy_schema::engine::CompiledPolicy;
use policy_schema::envoy::{rbac, wasm_filter};
use policy_schema::istio::authorization_policies;
use policy_schema::validate::Options;
use serde_json::Value;

use super::DemoError;
use crate::input::Input;
use crate::{policies, report};

/// The workload behind the filter.
pub(super) const WORKLOAD: (&str, &str) = ("boutique", "cartservice");

/// The documents of the example that concern the workload, with the rules of operators, and the accounts of callers.
const DOCUMENTS: [(&str, &str); 3] = [
    ("callers.yaml", include_str!("callers.yaml")),
    (
        "mesh.yaml",
        include_str!("../../../examples/online-boutique/mesh.yaml"),
    ),
    (
        "cartservice.yaml",
        concat!(
            include_str!("../../../examples/online-boutique/policies/cartservice.yaml"),
            include_str!("operators.yaml"),
        ),
    ),
];

/// The folder with the documents.
#[derive(Debug)]
pub(super) struct Documents(PathBuf);

impl Documents {
    /// Writes them into a new folder.
    pub(super) fn write_to(folder: PathBuf) -> Result<Self, DemoError> {
        fs::create_dir(&folder)?;
        for (name, text) in DOCUMENTS {
            fs::write(folder.join(name), text)?;
        }
        Ok(Self(folder))
    }

    pub(super) fn folder(&self) -> &Path {
        &self.0
    }

    /// The filters that enforce them as they are now: Peergate's of this module, then RBAC.
    pub(super) fn http_filters(&self, module: &Path) -> Result<Vec<Value>, DemoError> {
        let invalid = |reason: String| DemoError::Documents(reason);
        let input = Input::read(std::slice::from_ref(&self.0));
        let input = input.map_err(|failure| invalid(failure.to_string()))?;
        let options = Options {
            at: policies::at_or_now(None),
            istio_version: None,
        };
        let (input, validated) = policies::check(input, options);
        let refused = || {
            report::diagnostics(&validated.diagnostics, &input.sources);
            let severities = validated.diagnostics.iter().map(Diagnostic::severity);
            invalid(message::counts(severities))
        };
        let policies = validated.policies.as_ref().ok_or_else(refused)?;
        let (namespace, name) = WORKLOAD;
        let policy = policies
            .policy(namespace, name)
            .ok_or_else(|| invalid(format!("no policy {namespace}/{name}")))?;
        let config = policies.plugin_config(policy);
        // The filter would refuse it in its log; here the reason is at hand.
        CompiledPolicy::try_from(config.clone())?;
        let filter = wasm_filter(
            &config.policy.to_string(),
            serde_json::to_string(&config)?,
            &module.to_string_lossy(),
            policies.filter_failure(policy),
        );
        let rbac = rbac::http_filters(
            &authorization_policies(&policies.rollout(policy)),
            policies.mesh().trust_domains(),
        );
        let rbac = rbac.into_iter().map(serde_json::to_value);
        let filters = std::iter::once(serde_json::to_value(filter)).chain(rbac);
        Ok(filters.collect::<Result<_, _>>()?)
    }
}
