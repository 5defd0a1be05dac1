//! Checks that the certificates and keys in a Secret or folder belong together. Otherwise Istio's CA does not start (Istio,
//! "Plug in CA Certificates").

use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use rustls::{Error, InconsistentKeys};
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;

use super::finding::{FaultCode, Finding};
use super::read::{CA_CERT, CA_KEY, CERT_CHAIN, Certificates, Chain, ROOT_CERT};
use super::signing::is_self_signed;

/// Checks a chain against the other files.
pub(crate) fn check_siblings(chain: &Chain, all: &[Chain]) -> Vec<Finding> {
    let mut findings: Vec<_> = check_key(chain).into_iter().collect();
    let named = |name: &str| all.iter().find(|other| other.name.as_deref() == Some(name));
    match chain.name.as_deref() {
        Some(CA_CERT) => findings.extend(check_chain_start(chain, named(CERT_CHAIN))),
        Some(CERT_CHAIN) => {
            findings.extend(named(ROOT_CERT).and_then(|roots| check_root(chain, roots)));
        }
        _ => {}
    }
    findings
}

/// Checks that the key matches the first certificate.
fn check_key(chain: &Chain) -> Option<Finding> {
    let Some((name, pem)) = &chain.key else {
        let is_missing = chain.name.as_deref() == Some(CA_CERT);
        let message = format!("the key `{CA_KEY}` is missing");
        return is_missing.then(|| Finding::new(FaultCode::NoKey, message));
    };
    let Ok(key) = PrivateKeyDer::from_pem_slice(pem) else {
        return Some(Finding::new(
            FaultCode::NoKey,
            format!("`{name}` is not a private key"),
        ));
    };
    let certificate = CertificateDer::from(first(chain)?.to_vec());
    let paired = CertifiedKey::from_der(vec![certificate], key, &ring::default_provider());
    // Keys of unsupported types cannot be checked.
    let is_other = matches!(
        paired,
        Err(Error::InconsistentKeys(InconsistentKeys::KeyMismatch))
    );
    is_other.then(|| {
        Finding::new(
            FaultCode::OtherKey,
            format!("`{name}` does not match the certificate"),
        )
    })
}

/// Workloads send the chain after their own certificate, so it has to start with their issuer.
fn check_chain_start(authority: &Chain, chain: Option<&Chain>) -> Option<Finding> {
    // There may be no chain if a root signs directly.
    let begins_with = first(chain?)?;
    (first(authority)? != begins_with).then(|| {
        Finding::new(
            FaultCode::BrokenChain,
            format!("`{CERT_CHAIN}` does not start with this certificate"),
        )
    })
}

/// Checks that the chain ends with a trusted root, or a certificate signed by one.
fn check_root(chain: &Chain, roots: &Chain) -> Option<Finding> {
    let last = whole(chain).last()?;
    let (_, certificate) = X509Certificate::from_der(last).ok()?;
    let mut roots = whole(roots)
        .iter()
        .filter_map(|root| Some((root, X509Certificate::from_der(root).ok()?.1)));
    let is_led = roots.any(|(der, root)| {
        let is_signed = || {
            certificate
                .verify_signature(Some(root.public_key()))
                .is_ok()
        };
        der == last || (root.is_ca() && !is_self_signed(&certificate) && is_signed())
    });
    (!is_led).then(|| {
        Finding::new(
            FaultCode::BrokenChain,
            format!("no root in `{ROOT_CERT}` has signed it"),
        )
    })
}

fn first(chain: &Chain) -> Option<&[u8]> {
    whole(chain).first().map(Vec::as_slice)
}

fn whole(chain: &Chain) -> &[Vec<u8>] {
    match &chain.certificates {
        Certificates::Whole(certificates) => certificates,
        Certificates::Reported { .. } => &[],
    }
}
