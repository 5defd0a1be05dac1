//! The JSON Schema refuses what `validate` refuses, as far as it can, and nothing that `validate` accepts.

#![expect(
    clippy::disallowed_methods,
    reason = "documents, pages and the schema are files"
)]
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "what the tests share may fail as the tests do"
)]

mod accepted;
mod files;
mod forms;
mod golden;
mod published;
mod schema;
mod written;
