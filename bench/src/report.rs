//! The report of a run: the page `docs/performance.md` with its charts. All of it is a function of the data.

mod chart;
mod page;
mod table;

pub use self::page::{DATA, Document, documents};
pub use self::table::cost_table;
