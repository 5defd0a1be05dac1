//! Plugin config → the policy in force. One for each configuration of the plugin; while a new one
//! takes over, the old one finishes its requests.

use std::rc::Rc;

use log::{error, info};
use policy_schema::engine::CompiledPolicy;
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::ContextType;

use crate::enforcer::Enforcer;
use crate::host::proxy_wasm::Proxy;
use crate::http::Http;

/// One configuration of the plugin.
#[derive(Debug, Default)]
pub(crate) struct Root {
    enforcer: Option<Rc<Enforcer>>,
}

impl Context for Root {}

impl RootContext for Root {
    /// Accepts the configuration or refuses it. The same bytes are always judged alike: a worker
    /// that refused what the main thread took would let everything pass.
    fn on_configure(&mut self, _size: usize) -> bool {
        let config = Proxy::plugin_configuration().unwrap_or_default();
        match CompiledPolicy::from_json(&config) {
            Ok(policy) => {
                let enforcer = Enforcer::new(policy, &Proxy);
                let policy = enforcer.policy();
                info!(
                    "policy {} in force: revision {}, {} rules",
                    policy.name(),
                    policy.revision().unwrap_or("-"),
                    policy.rules().len()
                );
                self.enforcer = Some(Rc::new(enforcer));
                true
            }
            Err(error) => {
                error!("{error}");
                false
            }
        }
    }

    fn create_http_context(&self, _context_id: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(Http::new(self.enforcer.clone())))
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}
