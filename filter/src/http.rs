//! One request, as the proxy calls.

use std::rc::Rc;

use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::Action;

use crate::enforcer::{Enforcer, Verdict};
use crate::host::Host as _;
use crate::host::proxy_wasm::Proxy;
use crate::reply::LocalReply;

/// One request.
#[derive(Debug)]
pub(crate) struct Http {
    enforcer: Option<Rc<Enforcer>>,
}

impl Http {
    /// A request under the policy in force; without one it will be denied.
    pub(crate) fn new(enforcer: Option<Rc<Enforcer>>) -> Self {
        Self { enforcer }
    }
}

impl Context for Http {}

impl HttpContext for Http {
    fn on_http_request_headers(&mut self, _count: usize, _end_of_stream: bool) -> Action {
        let Some(enforcer) = &self.enforcer else {
            // The proxy sends no requests to a plugin that it could not configure.
            Proxy.send_reply(&LocalReply::NO_POLICY);
            return Action::Pause;
        };
        match enforcer.enforce(&Proxy) {
            Verdict::Pass => Action::Continue,
            Verdict::Answered => Action::Pause,
        }
    }
}
