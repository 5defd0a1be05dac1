//! Random policies and requests, over alphabets so small that they often match.

mod alphabet;
mod certificate;
mod policy;
mod request;

pub use alphabet::time;
pub use certificate::{Names, from_outside, names};
pub use policy::{matcher, policy};
pub use request::{TestRequest, arbitrary_request, forwarded_for, request};
