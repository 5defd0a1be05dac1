//! What proxies count, live: who calls what, and what becomes of it.
//!
//! ```text
//!  a proxy's endpoint ──▶ from_proxy ──────┐
//!                                          ├─▶ reading ─▶ snapshot ─▶ table ─▶ fit ─▶ plain, view
//!  Prometheus ──────────▶ from_prometheus ─┘       documents ─┘
//! ```
//!
//! Only the two sources and the terminal do anything; what is shown is a pure function of a reading.

pub(crate) mod documents;
mod fit;
pub(crate) mod from_prometheus;
pub(crate) mod from_proxy;
pub(crate) mod json;
mod look;
mod number;
pub(crate) mod plain;
pub(crate) mod policy_name;
pub(crate) mod reading;
mod shorten;
pub(crate) mod snapshot;
mod table;
pub(crate) mod terminal;
mod view;

#[cfg(test)]
mod tests;
