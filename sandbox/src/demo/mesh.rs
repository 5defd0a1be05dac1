//! The running parts of the demo.

use std::path::{Path, PathBuf};

use policy_schema::decision_id::DecisionRecord;
use policy_schema::policy::PolicySet;
use policy_schema::telemetry::{Label, ReasonCode};

use super::cases::{Caller, Case, EXPIRED_CALLER, Expectation};
use super::delivery::Delivery;
use super::error::DemoError;
use super::files::DemoFiles;
use super::filters::{WORKLOAD, http_filters};
use super::outcome::Outcome;
use crate::client::{Client, Response};
use crate::envoy::{Envoy, EnvoyBinary};
use crate::error::CallError;
use crate::pki::{Authority, Leaf};
use crate::sidecar::{
    INBOUND_OPTIONAL_TLS, INBOUND_PERMISSIVE, INBOUND_STRICT, InboundSidecar, OutboundSidecar,
};
use crate::upstream::Upstream;

/// The services with their own sidecar.
const SERVICES: [&str; 4] = ["frontend", "checkoutservice", "adservice", EXPIRED_CALLER];

/// The cart service with its sidecar, and the sidecars of its callers. Everything stops when dropped.
#[derive(Debug)]
pub struct DemoMesh {
    authority: Authority,
    files: DemoFiles,
    filter: PathBuf,
    delivery: Delivery,
    server: Envoy,
    callers: Envoy,
    _upstream: Upstream,
}

impl DemoMesh {
    /// Starts the mesh. `filter` is the filter's module, and `policies` are the documents in `files`.
    pub fn start(
        envoy: &EnvoyBinary,
        filter: &Path,
        files: DemoFiles,
        policies: &PolicySet,
    ) -> Result<Self, DemoError> {
        let authority = Authority::new()?;
        let ca = authority.write_to(files.certificates(), "ca")?;
        let identity = |service: &str| {
            let id = format!("spiffe://cluster.local/ns/boutique/sa/{service}");
            authority
                .issue(&Leaf::spiffe(&id))?
                .write_to(files.certificates(), service)
        };
        let upstream = Upstream::start()?;
        let mut sidecar = InboundSidecar::new(identity(WORKLOAD.1)?, ca.clone(), upstream.addr());
        let filters = http_filters(policies, filter)?;
        let delivery = Delivery::new(files.filters(), &filters)?;
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
            delivery,
            server,
            callers,
            _upstream: upstream,
        })
    }

    /// The Envoy that runs the filter.
    pub fn server(&self) -> &Envoy {
        &self.server
    }

    /// The Envoy of the calling services, with one listener each.
    pub fn callers(&self) -> &Envoy {
        &self.callers
    }

    /// The names of the services with a listener at [`callers`](Self::callers).
    pub fn services() -> impl Iterator<Item = &'static str> {
        SERVICES.into_iter()
    }

    /// The folder with certificates and keys: `ca.pem`, `SERVICE.cert.pem`, `SERVICE.key.pem`.
    pub fn certificates(&self) -> &Path {
        self.files.certificates()
    }

    /// The folder with the enforced documents.
    pub fn documents(&self) -> &Path {
        self.files.documents()
    }

    /// Delivers other policies to the proxy, which applies them asynchronously.
    pub fn deliver(&self, policies: &PolicySet) -> Result<(), DemoError> {
        self.delivery
            .deliver(&http_filters(policies, &self.filter)?)
    }

    /// Makes a call.
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
                callers: received.header("x-peergate").map(caller).collect(),
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

/// The caller in an `x-peergate` value.
fn caller(value: &str) -> String {
    let caller = value.split_once("caller=\"");
    let caller = caller.and_then(|(_, rest)| rest.split_once('"'));
    caller.map_or(value, |(caller, _)| caller).to_owned()
}

/// The reason in the decision ID, which is all that strangers receive.
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
