//! What was learnt of the traffic, and what was not.

mod aside;
pub mod human;
pub mod json;
pub mod notes;
pub mod unread;
