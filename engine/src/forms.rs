//! The texts of rules as regular expressions, for the JSON Schema that editors read.
//!
//! A form may be wider than its parser, never narrower: an editor must not mark what `validate` accepts. The tests of
//! `policy-schema` compare each form with its parser. The expressions use only what JavaScript, Java and Rust
//! understand alike.

#[macro_use]
mod form;
mod lists;
mod port;
mod texts;
mod together;

pub use form::Form;
#[doc(hidden)]
pub use form::first;
pub use lists::{Distinct, NonEmpty};
pub use port::Port;
#[doc(hidden)]
pub use schemars;
pub use texts::*;
pub(crate) use together::{condition, rule, source};
