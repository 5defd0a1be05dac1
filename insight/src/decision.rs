//! What a client sends → the request as rules see it → what becomes of it.
//!
//! ```text
//! question ──caller, path, headers as the proxy leaves them──▶ request ──engine──▶ answer
//!     └── what it leaves out, where the answer depends on it ──▶ unanswerable
//! ```
//!
//! Pure functions: the engine is the filter's, and a proxy's own refusals come before it.

pub mod answer;
mod arrival;
pub mod caller;
mod claims;
mod client_certificate;
mod connection;
pub mod decider;
mod framing;
mod line;
pub mod lines;
mod omittable;
mod omitted;
pub mod question;
mod refusal;
pub mod target;
pub mod unanswerable;
pub mod workload;
