//! What proxies count now: who calls what, and what becomes of it.
//!
//! ```text
//!  a proxy's metrics (from_proxy) ─┐
//!                                  ├─▶ reading ─┬─▶ snapshot
//!  Prometheus (from_prometheus) ───┘  documents ┘
//! ```
//!
//! Only `source` asks anyone, Prometheus by `from_prometheus`; a snapshot is a pure function of a reading.

pub mod documents;
mod from_prometheus;
pub mod from_proxy;
pub mod policy_name;
pub mod reading;
pub mod snapshot;
pub mod source;
