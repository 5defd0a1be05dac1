//! `peergate promote` and `peergate top` on the counters of real proxies, with and without a real Prometheus.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "what the tests share may fail as the tests do"
)]

#[path = "../support/command.rs"]
mod command;
mod exporter;
#[path = "../support/filter.rs"]
mod filter;
mod first_hour;
mod flat_names;
mod learning;
mod mesh;
mod promote;
mod revisions;
mod scraped;
#[path = "../support/scraping.rs"]
mod scraping;
mod shared_workload;
mod top;

use command::{Run, run};
