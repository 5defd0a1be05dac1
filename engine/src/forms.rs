//! Regular expressions for the texts in rules, for the JSON Schema that editors use.
//!
//! A form may be wider than its parser, never narrower: an editor must not mark what `validate` accepts. The tests of
//! `policy-schema` compare each form with its parser. The expressions use only syntax with
//! the same meaning in JavaScript, Java and Rust.

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
