//! Plugin config → the policy in force.
//!
//! The proxy keeps several roots at a time in one VM: the old and the new one during an update,
//! and those of other plugins with the same module. So the policy belongs to the root.

use std::rc::Rc;

use log::Level;
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::ContextType;

use crate::enforcer::Enforcer;
use crate::host::Host as _;
use crate::host::proxy_wasm::Proxy;
use crate::http::Http;
use crate::metrics;

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
        reserve_memory(&config);
        match Enforcer::new(&config, &Proxy) {
            Ok(enforcer) => {
                log_line(Level::Info, &enforcer);
                self.enforcer = Some(Rc::new(enforcer));
                true
            }
            Err(error) => {
                metrics::count_rejection(&Proxy);
                log_line(Level::Error, &error);
                false
            }
        }
    }

    // A function for all requests of the module (`set_http_context`) would save the SDK one look
    // for the root, and would then need it to find the root's policy.
    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }

    fn create_http_context(&self, _context_id: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(Http::new(self.enforcer.clone())))
    }
}

/// How many bytes reading a configuration takes for each of its quotes, at most: for keys and values.
const BYTES_PER_QUOTE: usize = 96;

/// The same for each byte, for long values.
const BYTES_PER_BYTE: usize = 5;

/// Smaller configurations are read quickly enough without.
const LARGE_CONFIG: usize = 1 << 20;

/// Lets memory grow once before a large configuration is read. The allocator would let it grow by a page at a
/// time, and each time V8 collects its garbage: work that is quadratic in the length of the configuration. What
/// is not needed of it is never touched, and so takes no memory of the machine.
fn reserve_memory(config: &[u8]) {
    if config.len() > LARGE_CONFIG {
        let quotes = config.split(|&byte| byte == b'"').count();
        let for_quotes = quotes.saturating_mul(BYTES_PER_QUOTE);
        let for_bytes = config.len().saturating_mul(BYTES_PER_BYTE);
        let mut reserved: Vec<u8> = Vec::new();
        // Without this memory it takes longer, and no more.
        let _ = reserved.try_reserve_exact(for_quotes.saturating_add(for_bytes));
        std::hint::black_box(&reserved);
    }
}

/// The text quotes the configuration, and stays one line whatever that contains.
fn log_line(level: Level, text: &impl ToString) {
    let line = text.to_string().replace(char::is_control, " ");
    Proxy.log(level, &line);
}
