//! Tables of decisions and callers, from the counters of proxies.
//!
//! ```text
//!  snapshot ─▶ table ─▶ fit ─▶ plain, screens
//! ```

pub mod fit;
pub mod json;
mod number;
pub mod order;
pub mod plain;
pub mod row;
pub mod table;

#[cfg(test)]
mod tests;
