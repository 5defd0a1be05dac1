//! One request, as the proxy calls.

use std::rc::Rc;

use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::Action;

use crate::enforcer::{Enforcer, Verdict};
use crate::host::Host as _;
use crate::host::proxy_wasm::Proxy;
use crate::identity_cache::IdentityCache;
use crate::reply::LocalReply;

thread_local! {
    /// Of the whole VM: what a certificate says does not depend on the policy.
    static IDENTITIES: IdentityCache = IdentityCache::default();
}

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
        let verdict = match &self.enforcer {
            Some(enforcer) => IDENTITIES.with(|identities| enforcer.enforce(&Proxy, identities)),
            // The proxy sends no requests before it has configured the plugin.
            None => {
                Proxy.reply(&LocalReply::denied("no-policy"));
                Verdict::Answered
            }
        };
        match verdict {
            Verdict::Pass => Action::Continue,
            Verdict::Answered => Action::Pause,
        }
    }
}
