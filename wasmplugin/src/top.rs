//! What proxies count, live: who calls what, and what becomes of it.
//!
//! ```text
//!  snapshot ─▶ table ─▶ fit ─▶ plain, view
//! ```
//!
//! Only the terminal does anything; what is shown is a pure function of a snapshot, which is `peergate-insight`'s.

mod fit;
pub(crate) mod json;
mod look;
mod number;
pub(crate) mod order;
pub(crate) mod plain;
mod shorten;
mod table;
pub(crate) mod terminal;
mod view;

#[cfg(test)]
mod tests;
