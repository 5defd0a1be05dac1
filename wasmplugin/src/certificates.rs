//! Certificates: roots and intermediates for Istio's CA, and what there is to say of any.
//!
//! Istio's CA issues certificates to workloads over SDS and renews them by itself; with a root of its
//! own (`istio-ca-secret`) every cluster would be its own island. `authority` makes a root to keep
//! offline and an intermediate for each cluster, `read` finds certificates in files, Secrets and what
//! a proxy says of its own, and `inspect` says what is wrong with each, `signing` with a chain of them,
//! and `beside` with what is kept together.

pub(crate) mod authority;
pub(crate) mod beside;
pub(crate) mod finding;
pub(crate) mod inspect;
pub(crate) mod read;
mod signing;

#[cfg(test)]
mod tests;
