//! The numbers of proxy-wasm ABI 0.2.1. A test compares them with those of the SDK.

use log::Level;

/// The VM or the configuration of a root is in order.
pub(crate) const ACCEPTED: u32 = 1;
/// The configuration of a root is not in order.
pub(crate) const REJECTED: u32 = 0;
/// The next filter gets the request.
pub(crate) const CONTINUE: u32 = 0;
/// The request waits, or has been answered.
pub(crate) const PAUSE: u32 = 1;
/// A host call succeeded.
pub(crate) const STATUS_OK: u32 = 0;
/// The headers of a request.
pub(crate) const REQUEST_HEADERS: u32 = 0;
/// The trailers of a request.
pub(crate) const REQUEST_TRAILERS: u32 = 1;
/// The configuration of the plugin.
pub(crate) const PLUGIN_CONFIGURATION: u32 = 7;
/// A metric that counts.
pub(crate) const METRIC_COUNTER: u32 = 0;
/// A metric that has a value.
pub(crate) const METRIC_GAUGE: u32 = 1;
/// The level of a line about a panic.
pub(crate) const LOG_CRITICAL: u32 = 5;

/// The number of a level.
pub(crate) const fn log_level(level: Level) -> u32 {
    match level {
        Level::Trace => 0,
        Level::Debug => 1,
        Level::Info => 2,
        Level::Warn => 3,
        Level::Error => 4,
    }
}

#[cfg(test)]
mod tests {
    use proxy_wasm::types::{Action, BufferType, LogLevel, MapType, MetricType, Status};

    use super::*;

    #[test]
    fn the_numbers_are_those_of_the_sdk() {
        for (number, expected) in [
            (ACCEPTED, true.into()),
            (REJECTED, false.into()),
            (CONTINUE, Action::Continue as u32),
            (PAUSE, Action::Pause as u32),
            (STATUS_OK, Status::Ok as u32),
            (REQUEST_HEADERS, MapType::HttpRequestHeaders as u32),
            (REQUEST_TRAILERS, MapType::HttpRequestTrailers as u32),
            (PLUGIN_CONFIGURATION, BufferType::PluginConfiguration as u32),
            (METRIC_COUNTER, MetricType::Counter as u32),
            (METRIC_GAUGE, MetricType::Gauge as u32),
            (LOG_CRITICAL, LogLevel::Critical as u32),
            (log_level(Level::Trace), LogLevel::Trace as u32),
            (log_level(Level::Debug), LogLevel::Debug as u32),
            (log_level(Level::Info), LogLevel::Info as u32),
            (log_level(Level::Warn), LogLevel::Warn as u32),
            (log_level(Level::Error), LogLevel::Error as u32),
        ] {
            assert_eq!(number, expected);
        }
    }
}
