//! Live counters of proxies: callers, requests and decisions.
//!
//! ```text
//!  a proxy's metrics (from_proxy) ─┐
//!                                  ├─▶ reading ─┬─▶ snapshot
//!  Prometheus (from_prometheus) ───┘  documents ┘
//! ```
//!
//! Only `source` and `from_prometheus` use the network. A snapshot is a pure function of a reading.

pub mod documents;
mod from_prometheus;
pub mod from_proxy;
pub mod policy_name;
pub mod reading;
pub mod snapshot;
pub mod source;
