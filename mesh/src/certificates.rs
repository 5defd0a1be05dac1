//! Certificates: creates roots and intermediates for Istio's CA, and inspects certificates.
//!
//! Istio's CA issues and renews workload certificates over SDS. With its default self-signed root (`istio-ca-secret`), clusters
//! do not trust each other. [`authority`] creates a root to keep offline, [`plugged_in`] the intermediate of a cluster in Istio's
//! format, and [`rotation`] the steps between two of them. `read` parses certificates from files, Secrets and proxies.
//! [`inspect`] checks each certificate, `signing` a chain, and `siblings` files that belong together. [`examination`] combines
//! these checks for a file.

pub mod authority;
pub mod error;
pub mod examination;
pub mod expected;
pub mod finding;
pub mod inspect;
pub mod plugged_in;
pub mod read;
pub mod rotation;
pub(crate) mod siblings;
mod signing;

#[cfg(test)]
mod tests;
