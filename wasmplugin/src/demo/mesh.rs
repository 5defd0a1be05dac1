//! The running parts of the demo.

use std::path::{Path, PathBuf};

use peergate_sandbox::{
    Authority, CallError, Client, Envoy, EnvoyBinary, INBOUND_OPTIONAL_TLS, INBOUND_PERMISSIVE,
    INBOUND_STRICT, InboundSidecar, Leaf, OutboundSidecar, Response, Upstream,
};
use policy_schema::decision_id::DecisionRecord;
use policy_schema::diagnostic::SourceText;
use policy_schema::engine::{CompiledPolicy, Reason};
use policy_schema::envoy::{rbac, wasm_filter};
use policy_schema::istio::authorization_policies;
use policy_schema::metric::Label;
use policy_schema::plugin_config::PluginConfig;
use policy_schema::rule_spec::RuleSpec;
use policy_schema::timestamp::Timestamp;
use policy_schema::validate::{Options, validate};
use serde_json::Value;
use tempfile::TempDir;

use super::DemoError;
use super::cases::{Caller, Case, Expectation};

/// The workload behind the filter.
const WORKLOAD: (&str, &str) = ("boutique", "cartservice");

/// The documents of the example that concern the workload.
const DOCUMENTS: [(&str, &str); 2] = [
    (
        "mesh.yaml",
        include_str!("../../../examples/online-boutique/mesh.yaml"),
    ),
    (
        "policies/cartservice.yaml",
        include_str!("../../../examples/online-boutique/policies/cartservice.yaml"),
    ),
];

/// The services that call through a sidecar of their own.
const SERVICES: [&str; 4] = ["frontend", "checkoutservice", "adservice", EXPIRED_CALLER];

/// Who had access for a while.
pub(crate) const EXPIRED_CALLER: &str = "support-shell";

/// The cart service behind its sidecar, and the sidecars of its callers. All of it ends with this
/// value.
#[derive(Debug)]
pub(crate) struct DemoMesh {
    authority: Authority,
    files: TempDir,
    server: Envoy,
    callers: Envoy,
    _upstream: Upstream,
}

impl DemoMesh {
    pub(crate) fn start(envoy: &EnvoyBinary, filter: &Path) -> Result<Self, DemoError> {
        let authority = Authority::new()?;
        let files = TempDir::with_prefix("peergate-demo-")?;
        let ca = authority.write_to(files.path(), "ca")?;
        let identity = |service: &str| {
            let id = format!("spiffe://cluster.local/ns/boutique/sa/{service}");
            authority
                .issue(&Leaf::spiffe(&id))?
                .write_to(files.path(), service)
        };
        let upstream = Upstream::start()?;
        let mut sidecar = InboundSidecar::new(identity(WORKLOAD.1)?, ca.clone(), upstream.addr());
        sidecar.http_filters = http_filters(filter)?;
        sidecar.stats_tags = Label::TAGS.map(str::to_owned).into();
        let server = Envoy::start(envoy, &sidecar.bootstrap())?;
        let mut sidecars = OutboundSidecar::new(ca, server.listener(INBOUND_STRICT)?);
        for service in SERVICES {
            sidecars = sidecars.caller(service, identity(service)?);
        }
        let callers = Envoy::start(envoy, &sidecars.bootstrap())?;
        Ok(Self {
            authority,
            files,
            server,
            callers,
            _upstream: upstream,
        })
    }

    /// The Envoy that runs the filter.
    pub(crate) fn server(&self) -> &Envoy {
        &self.server
    }

    /// The Envoy through which the shop's services call, one listener for each.
    pub(crate) fn callers(&self) -> &Envoy {
        &self.callers
    }

    /// The names of the services that have a listener at [`callers`](Self::callers).
    pub(crate) fn services() -> impl Iterator<Item = &'static str> {
        SERVICES.into_iter()
    }

    /// Where the certificates and keys are: `ca.pem`, `SERVICE.cert.pem`, `SERVICE.key.pem`.
    pub(crate) fn certificates(&self) -> PathBuf {
        self.files.path().to_owned()
    }

    /// Makes one call.
    pub(crate) fn call(&self, case: &Case) -> Result<Expectation, DemoError> {
        Ok(match self.client(&case.caller)?.send(&case.request()) {
            Ok(response) => judge(&response),
            Err(error) if error.is_refused() => Expectation::NoConnection,
            Err(error) => other(&error),
        })
    }

    fn client(&self, caller: &Caller) -> Result<Client, DemoError> {
        let at = |listener| Client::new(self.server.listener(listener)?);
        Ok(match caller {
            Caller::Service(name) => Client::new(self.callers.listener(name)?)?,
            Caller::Certificate(id) => {
                let identity = self.authority.issue(&Leaf::spiffe(id))?;
                at(INBOUND_STRICT)?.tls(&self.authority, Some(&identity))?
            }
            Caller::PlaintextToStrict => at(INBOUND_STRICT)?,
            Caller::PlaintextToPermissive => at(INBOUND_PERMISSIVE)?,
            Caller::NoCertificateToStrict => at(INBOUND_STRICT)?.tls(&self.authority, None)?,
            Caller::NoCertificateToOptional => {
                at(INBOUND_OPTIONAL_TLS)?.tls(&self.authority, None)?
            }
        })
    }
}

fn judge(response: &Response) -> Expectation {
    let id = response.header("x-peergate-decision");
    match (response.status, id) {
        (200, None) => match response.received() {
            Ok(received) => Expectation::Allowed {
                told: received.header("x-peergate").map(caller).collect(),
            },
            Err(_) => Expectation::Other {
                description: "200, but not from the service".to_owned(),
            },
        },
        (403, Some(id)) => Expectation::Denied {
            reason: reason(&String::from_utf8_lossy(id)),
        },
        (status, _) => Expectation::Other {
            description: format!("{status} {}", response.text().trim()),
        },
    }
}

/// The caller that a value of `x-peergate` names.
fn caller(value: &str) -> String {
    let caller = value.split_once("caller=\"");
    let caller = caller.and_then(|(_, rest)| rest.split_once('"'));
    caller.map_or(value, |(caller, _)| caller).to_owned()
}

/// The reason, from the id of the decision: strangers are told no more than that.
fn reason(id: &str) -> String {
    let record = DecisionRecord::decode(id);
    let code = record.map(|record| Reason::code_of(record.reason));
    match code {
        Ok(Some(code)) => code.to_owned(),
        Ok(None) => "for an unknown reason".to_owned(),
        Err(error) => error.to_string(),
    }
}

fn other(error: &CallError) -> Expectation {
    Expectation::Other {
        description: error.to_string(),
    }
}

/// The filters of the example: Peergate's, then RBAC. To the first operators added rules in place:
/// a denial in an emergency, access for a while that has ended since, and a denial that is being
/// tried out.
fn http_filters(module: &Path) -> Result<Vec<Value>, DemoError> {
    let sources = DOCUMENTS.map(|(name, text)| SourceText {
        name: name.to_owned(),
        text: text.to_owned(),
    });
    let options = Options {
        // No example is out of date, whenever it is shown.
        at: Timestamp::from_unix_nanoseconds(0),
        istio_version: None,
    };
    let validated = validate(&sources, options);
    let example_error = || {
        let messages = validated.diagnostics.iter();
        let messages: Vec<_> = messages.map(|found| found.message.clone()).collect();
        DemoError::Example(messages.join("; "))
    };
    let policies = validated.policies.as_ref().ok_or_else(example_error)?;
    let (namespace, name) = WORKLOAD;
    let policy = policies
        .policy(namespace, name)
        .ok_or_else(|| DemoError::Example(format!("no policy {namespace}/{name}")))?;
    let mut config = PluginConfig::of_policy(policies, policy);
    let in_place: Vec<RuleSpec> = serde_json::from_str(include_str!("rules_in_place.json"))?;
    config.rules.extend(in_place);
    // It is none of the documents' any more.
    config.revision = None;
    // The filter would refuse it in its log; here the reason is at hand.
    CompiledPolicy::try_from(config.clone())?;
    let filter = wasm_filter(
        &config.policy.to_string(),
        serde_json::to_string(&config)?,
        &module.to_string_lossy(),
    );
    let rbac = rbac::http_filters(
        &authorization_policies(policies, policy),
        policies.mesh().trust_domains(),
    );
    let rbac = rbac.into_iter().map(serde_json::to_value);
    let filters = std::iter::once(serde_json::to_value(filter)).chain(rbac);
    Ok(filters.collect::<Result<_, _>>()?)
}
