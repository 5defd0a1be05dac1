//! What is wrong between the certificates and keys that are kept together: in a Secret, or in the folder
//! of a cluster's authority. Istio's CA does not start with such (Istio, "Plug in CA Certificates").

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

/// What is wrong with the first of these chains for what is beside it.
pub(crate) fn beside(chain: &Chain, all: &[Chain]) -> Vec<Finding> {
    let mut findings: Vec<_> = of_key(chain).into_iter().collect();
    let named = |name: &str| all.iter().find(|other| other.name.as_deref() == Some(name));
    match chain.name.as_deref() {
        Some(CA_CERT) => findings.extend(of_first(chain, named(CERT_CHAIN))),
        Some(CERT_CHAIN) => {
            findings.extend(named(ROOT_CERT).and_then(|roots| of_last(chain, roots)));
        }
        _ => {}
    }
    findings
}

/// Whether the key beside the certificates is that of the first.
fn of_key(chain: &Chain) -> Option<Finding> {
    let Some((name, pem)) = &chain.key else {
        let is_missing = chain.name.as_deref() == Some(CA_CERT);
        let message = format!("its key is missing, which is to be `{CA_KEY}`");
        return is_missing.then(|| Finding::new(FaultCode::NoKey, message));
    };
    let Ok(key) = PrivateKeyDer::from_pem_slice(pem) else {
        return Some(Finding::new(
            FaultCode::NoKey,
            format!("`{name}` is no private key"),
        ));
    };
    let certificate = CertificateDer::from(first(chain)?.to_vec());
    let paired = CertifiedKey::from_der(vec![certificate], key, &ring::default_provider());
    // Of a key of a kind that is not known here, nothing can be said.
    let is_other = matches!(
        paired,
        Err(Error::InconsistentKeys(InconsistentKeys::KeyMismatch))
    );
    is_other.then(|| {
        Finding::new(
            FaultCode::OtherKey,
            format!("`{name}` is the key of another"),
        )
    })
}

/// Workloads send the chain after their own certificates: it begins with the one that signed those.
fn of_first(authority: &Chain, chain: Option<&Chain>) -> Option<Finding> {
    // Where a root signs, there may be none.
    let begins_with = first(chain?)?;
    (first(authority)? != begins_with).then(|| {
        Finding::new(
            FaultCode::BrokenChain,
            format!("`{CERT_CHAIN}` does not begin with it"),
        )
    })
}

/// Whether the chain ends with a root that is trusted, or with what one of those signed.
fn of_last(chain: &Chain, roots: &Chain) -> Option<Finding> {
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
            format!("none of `{ROOT_CERT}` has signed it"),
        )
    })
}

fn first(chain: &Chain) -> Option<&[u8]> {
    whole(chain).first().map(Vec::as_slice)
}

fn whole(chain: &Chain) -> &[Vec<u8>] {
    match &chain.certificates {
        Certificates::Whole(certificates) => certificates,
        Certificates::Told { .. } => &[],
    }
}
