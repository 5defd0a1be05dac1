//! Learned policies, and the traffic that was not learned from.

mod excluded;
pub mod human;
pub mod json;
pub mod notes;
pub mod unread;
