//! Tests of the whole. They live beside this crate's manifest; there is no library.
