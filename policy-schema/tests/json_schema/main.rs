//! The JSON Schema rejects what `validate` rejects, where it can, and accepts everything that `validate` accepts.

#![expect(
    clippy::disallowed_methods,
    reason = "documents, pages and the schema are files"
)]
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "helpers of tests may panic like the tests"
)]

mod accepted;
mod files;
mod forms;
mod golden;
mod published;
mod schema;
mod written;
