//! A terminal that shows what proxies count, live. What is shown is a pure function of a snapshot and of what keys did.

mod look;
pub(crate) mod terminal;
mod view;

#[cfg(test)]
mod tests;
