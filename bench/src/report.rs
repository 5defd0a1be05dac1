//! The report of a run: a page with tables and charts.

mod table;

pub use self::table::cost_table;
