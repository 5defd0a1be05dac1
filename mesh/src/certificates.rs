//! Certificates: roots and intermediates for Istio's CA, and what there is to say of any.
//!
//! Istio's CA issues certificates to workloads over SDS and renews them by itself; with a root of its
//! own (`istio-ca-secret`) every cluster would be its own island. [`authority`] makes a root to keep
//! offline, [`plugged_in`] has the intermediate of a cluster as Istio's CA takes it, and [`rotation`] leads
//! from one to another. `read` finds certificates in files, Secrets and what a proxy says of its own, and
//! [`inspect`] says what is wrong with each, `signing` with a chain of them, and `beside` with what is kept
//! together. [`examination`] says all of it of a file.

pub mod authority;
pub(crate) mod beside;
pub mod error;
pub mod examination;
pub mod expected;
pub mod finding;
pub mod inspect;
pub mod plugged_in;
pub mod read;
pub mod rotation;
mod signing;

#[cfg(test)]
mod tests;
