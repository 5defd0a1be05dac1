//! A filter that does nothing, as its author would write it with the Rust SDK.
//!
//! The benchmarks measure it to show the part of a filter's cost that is due to Wasm and the SDK.
#![cfg(target_arch = "wasm32")]
#![expect(missing_docs, reason = "`main!` makes a public function")]

use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::LogLevel;

proxy_wasm::main! {{
    proxy_wasm::set_log_level(LogLevel::Info);
    proxy_wasm::set_http_context(|_, _| Box::new(NoOp));
}}

struct NoOp;

impl Context for NoOp {}
impl HttpContext for NoOp {}
