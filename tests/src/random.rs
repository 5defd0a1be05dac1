//! Random policies and requests, over alphabets so small that they often meet.

mod alphabet;
mod policy;
mod request;

pub use alphabet::time;
pub use policy::{matcher, policy};
pub use request::{Asked, arbitrary_request, request};
