//! Benchmarks.
//!
//! - [`policies`]: policies of any size and requests for them, for the benchmarks of the engine
//!
//! The rest measures requests in a real Envoy. `cargo bench -p peergate-bench --bench request -- --help` lists its arguments.
//!
//! - [`rows`]: ways to enforce the policy; [`catalog`]: all of them
//! - [`caller`] and [`measured_policy`]: the policy; [`filters`]: its filters
//! - [`protocol`], [`load`]: the client, the upstream and the authorizer; [`proxy`]: an Envoy; [`process`]: what the kernel says about it
//! - [`campaign`]: the run; [`results`]: its data; [`machine`]: where it ran, and how quiet it was
//! - [`statistics`] and [`report`]: what the data say
//! - [`options`]: the arguments; [`error`]: what can fail

pub mod caller;
pub mod campaign;
pub mod catalog;
pub mod error;
pub mod filters;
pub mod load;
pub mod machine;
pub mod measured_policy;
pub mod options;
pub mod policies;
pub mod process;
pub mod protocol;
pub mod proxy;
pub mod report;
pub mod results;
pub mod rows;
pub mod statistics;
