//! A client's request → the request as rules see it → the decision.
//!
//! ```text
//! question ──caller, normalized path, sanitized headers──▶ request ──engine──▶ answer
//!     └── an attribute is omitted, and the answer depends on it ──▶ unanswerable
//! ```
//!
//! Pure functions. The engine is the filter's. The proxy may reject a request before any rule.

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
