//! The callbacks for one request.

use std::rc::Rc;

#[cfg(feature = "compare-rbac")]
use peergate_engine::engine::DecisionOutcome;
use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::Action;

use crate::enforcer::{Disposition, Enforcer};
use crate::host::Host as _;
use crate::host::proxy_wasm::Proxy;
use crate::{reply, upstream_header};

/// One request.
#[derive(Debug)]
pub(crate) struct Http {
    enforcer: Option<Rc<Enforcer>>,
    /// The filter's decision, if it let the request pass.
    #[cfg(feature = "compare-rbac")]
    outcome: Option<DecisionOutcome>,
}

impl Http {
    /// A request under the active policy. Without a policy it will be denied.
    pub(crate) fn new(enforcer: Option<Rc<Enforcer>>) -> Self {
        Self {
            enforcer,
            #[cfg(feature = "compare-rbac")]
            outcome: None,
        }
    }
}

impl Context for Http {}

impl HttpContext for Http {
    fn on_http_request_headers(&mut self, _count: usize, _end_of_stream: bool) -> Action {
        let Some(enforcer) = &self.enforcer else {
            // The proxy sends no requests to a plugin that it could not configure.
            Proxy.send_local_response(&reply::no_policy());
            return Action::Pause;
        };
        match enforcer.enforce(&Proxy) {
            #[cfg(feature = "compare-rbac")]
            Disposition::Pass(outcome) => {
                self.outcome = outcome;
                Action::Continue
            }
            #[cfg(not(feature = "compare-rbac"))]
            Disposition::Pass(_) => Action::Continue,
            Disposition::Answered => Action::Pause,
        }
    }

    /// Called when the trailers of a request have arrived. They reach the upstream only afterwards,
    /// even if the headers were sent long before.
    fn on_http_request_trailers(&mut self, _count: usize) -> Action {
        upstream_header::remove_trailers(&Proxy);
        Action::Continue
    }

    /// Called for every request, including those that an earlier filter has answered.
    #[cfg(feature = "compare-rbac")]
    fn on_log(&mut self) {
        if let (Some(enforcer), Some(outcome)) = (&self.enforcer, self.outcome) {
            enforcer.compare_with_rbac(outcome, &Proxy);
        }
    }
}
