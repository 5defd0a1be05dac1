//! Activates the policy of a plugin config.

use log::Level;

use crate::enforcer::Enforcer;
use crate::host::Host as _;
use crate::host::proxy_wasm::Proxy;
use crate::metrics;

/// Accepts or rejects the configuration of the plugin. The result only depends on the bytes: if a
/// worker rejected a configuration that the main thread accepted, it would let everything pass.
pub(crate) fn configured() -> Option<Enforcer> {
    let config = Proxy::plugin_configuration().unwrap_or_default();
    reserve_memory(&config);
    match Enforcer::new(&config, &Proxy) {
        Ok(enforcer) => {
            log_line(Level::Info, &enforcer);
            Some(enforcer)
        }
        Err(error) => {
            metrics::count_rejection(&Proxy);
            log_line(Level::Error, &error);
            None
        }
    }
}

/// The maximum number of bytes for parsing a configuration per quote: for keys and values.
const BYTES_PER_QUOTE: usize = 96;

/// The same per byte, for long values.
const BYTES_PER_BYTE: usize = 5;

/// Smaller configurations are parsed quickly enough anyway.
const LARGE_CONFIG: usize = 1 << 20;

/// Grows the memory once before parsing a large configuration. The allocator would grow it by one
/// page at a time, and V8 collects garbage each time, which takes quadratic time. Unused memory is
/// never touched, so it does not occupy physical memory.
fn reserve_memory(config: &[u8]) {
    if config.len() > LARGE_CONFIG {
        let quotes = config.split(|&byte| byte == b'"').count();
        let for_quotes = quotes.saturating_mul(BYTES_PER_QUOTE);
        let for_bytes = config.len().saturating_mul(BYTES_PER_BYTE);
        let mut reserved: Vec<u8> = Vec::new();
        // Failure only makes parsing slower.
        let _ = reserved.try_reserve_exact(for_quotes.saturating_add(for_bytes));
        std::hint::black_box(&reserved);
    }
}

/// The text quotes the configuration and is kept on one line regardless of its content.
fn log_line(level: Level, text: &impl ToString) {
    let line = text.to_string().replace(char::is_control, " ");
    Proxy.log(level, &line);
}
