//! The running parts of the demo.

use std::path::{Path, PathBuf};

use peergate_sandbox::{
    Authority, CallError, Client, Envoy, EnvoyBinary, INBOUND_OPTIONAL_TLS, INBOUND_PERMISSIVE,
    INBOUND_STRICT, InboundSidecar, Leaf, OutboundSidecar, Response, Upstream,
};
use policy_schema::decision_id::DecisionRecord;
use policy_schema::telemetry::{Label, ReasonCode};
use tempfile::TempDir;

use super::cases::{Caller, Case, EXPIRED_CALLER, Expectation};
use super::delivery::Delivery;
use super::documents::{Documents, WORKLOAD};
use super::error::DemoError;
use super::outcome::Outcome;

/// The services that call through a sidecar of their own.
const SERVICES: [&str; 4] = ["frontend", "checkoutservice", "adservice", EXPIRED_CALLER];

/// The cart service behind its sidecar, and the sidecars of its callers. All of it ends with this
/// value.
#[derive(Debug)]
pub(crate) struct DemoMesh {
    authority: Authority,
    files: TempDir,
    filter: PathBuf,
    documents: Documents,
    delivery: Delivery,
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
        let documents = Documents::write_to(files.path().join("documents"))?;
        let filters = documents.http_filters(filter)?;
        let delivery = Delivery::new(files.path().join("filters"), &filters)?;
        sidecar.http_filters = delivery.discovered(&filters);
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
            filter: filter.to_owned(),
            documents,
            delivery,
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

    /// Where the documents are that the filters enforce.
    pub(crate) fn documents(&self) -> &Path {
        self.documents.folder()
    }

    /// Has the proxy enforce the documents as they are now. It takes them a moment later.
    pub(crate) fn deliver(&self) -> Result<(), DemoError> {
        let filters = self.documents.http_filters(&self.filter)?;
        self.delivery.deliver(&filters)
    }

    /// Makes one call.
    pub(super) fn outcome(&self, case: Case) -> Result<Outcome, DemoError> {
        let (got, decision) = match self.client(&case.caller)?.send(&case.request()) {
            Ok(response) => {
                let id = response.header("x-peergate-decision");
                let id = id.map(|id| String::from_utf8_lossy(id).into_owned());
                (judge(&response, id.as_deref()), id)
            }
            Err(error) if error.is_refused() => (Expectation::NoConnection, None),
            Err(error) => (other(&error), None),
        };
        Ok(Outcome {
            case,
            got,
            decision,
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

fn judge(response: &Response, id: Option<&str>) -> Expectation {
    match (response.status, id) {
        (200, None) => match response.received() {
            Ok(received) => Expectation::Allowed {
                told: received.header("x-peergate").map(caller).collect(),
            },
            Err(_) => Expectation::Other {
                description: "200, but not from the service".to_owned(),
            },
        },
        (403, Some(id)) => Expectation::Denied { reason: reason(id) },
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
    let code = record.map(|record| ReasonCode::from_number(record.reason));
    match code {
        Ok(Some(code)) => code.to_string(),
        Ok(None) => "for an unknown reason".to_owned(),
        Err(error) => error.to_string(),
    }
}

fn other(error: &CallError) -> Expectation {
    Expectation::Other {
        description: error.to_string(),
    }
}
