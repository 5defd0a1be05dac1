//! What tests of the whole share. The tests themselves live beside this crate's manifest.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "it is part of tests, which fail by panicking"
)]

pub mod random;
