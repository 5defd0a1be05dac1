//! Roots and intermediates for Istio's CA (Istio, "Plug in CA Certificates").

use std::time::{Duration, SystemTime};

use peergate_fault::{ExitStatus, Fault};
use rcgen::string::Ia5String;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType,
};
use thiserror::Error;

/// How far in the past validity begins, so that clocks need not agree to the second.
const BACKDATED: Duration = Duration::from_hours(1);

/// A certificate that signs others, and its key.
#[derive(Debug)]
pub struct Authority {
    /// PEM.
    pub certificate_pem: String,
    /// PKCS #8 in PEM. ECDSA on P-256 where it was made here.
    pub key_pem: String,
}

/// Why there is no certificate.
#[derive(Debug, Error)]
pub enum AuthorityError {
    /// The trust domain or a name does not fit into a certificate, or there is no randomness.
    #[error("the key and the certificate cannot be made: {0}")]
    Make(#[from] rcgen::Error),
    /// The root's key or certificate cannot be read.
    #[error("it is no key or certificate of a root: {0}")]
    Root(rcgen::Error),
    /// The root's key is not the key of its certificate.
    #[error("the key is not that of the certificate")]
    OtherKey,
    /// The root may not sign others.
    #[error("the certificate is not one that signs others")]
    NoAuthority,
    /// The root ends before what it would sign, in so many days.
    #[error("it would outlive the root, which ends in {0} days")]
    OutlivesRoot(i64),
}

impl Fault for AuthorityError {
    fn status(&self) -> ExitStatus {
        ExitStatus::Invalid
    }

    fn help(&self) -> Option<&str> {
        Some(match self {
            Self::OutlivesRoot(_) => "give it fewer `--days`, or make a new root",
            Self::Make(_) | Self::Root(_) | Self::OtherKey | Self::NoAuthority => {
                "make a root with `peergate certs root`"
            }
        })
    }
}

/// A root for the trust domain, good for this time.
pub fn root(
    trust_domain: &str,
    lifetime: Duration,
    now: SystemTime,
) -> Result<Authority, AuthorityError> {
    let mut params = params(trust_domain, "Root CA", lifetime, now);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate()?;
    let certificate = params.self_signed(&key)?;
    Ok(Authority {
        certificate_pem: certificate.pem(),
        key_pem: key.serialize_pem(),
    })
}

/// An intermediate for a cluster: it signs workloads' certificates, and no further authorities. As an
/// authority of the trust domain it has its SPIFFE ID (X509-SVID, section 3.2).
pub(super) fn intermediate(
    root: &Authority,
    trust_domain: &str,
    cluster: &str,
    lifetime: Duration,
    now: SystemTime,
) -> Result<Authority, AuthorityError> {
    let root_key = KeyPair::from_pem(&root.key_pem).map_err(AuthorityError::Root)?;
    check_root(root, &root_key, now + lifetime, now)?;
    let issuer =
        Issuer::from_ca_cert_pem(&root.certificate_pem, root_key).map_err(AuthorityError::Root)?;
    let name = format!("Intermediate CA of {cluster}");
    let mut params = params(trust_domain, &name, lifetime, now);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.use_authority_key_identifier_extension = true;
    let id = Ia5String::try_from(format!("spiffe://{trust_domain}"))?;
    params.subject_alt_names.push(SanType::URI(id));
    let key = KeyPair::generate()?;
    let certificate = params.signed_by(&key, &issuer)?;
    Ok(Authority {
        certificate_pem: certificate.pem(),
        key_pem: key.serialize_pem(),
    })
}

fn check_root(
    root: &Authority,
    key: &KeyPair,
    end: SystemTime,
    now: SystemTime,
) -> Result<(), AuthorityError> {
    let no_certificate = || AuthorityError::Root(rcgen::Error::CouldNotParseCertificate);
    let pem = x509_parser::pem::parse_x509_pem(root.certificate_pem.as_bytes());
    let (_, pem) = pem.map_err(|_| no_certificate())?;
    let certificate = pem.parse_x509().map_err(|_| no_certificate())?;
    if certificate.public_key().subject_public_key.data.as_ref() != key.public_key_raw() {
        return Err(AuthorityError::OtherKey);
    }
    if !certificate.is_ca() {
        return Err(AuthorityError::NoAuthority);
    }
    let seconds = |time: SystemTime| {
        let since = time
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
    };
    let root_end = certificate.validity().not_after.timestamp();
    if root_end < seconds(end) {
        return Err(AuthorityError::OutlivesRoot(
            (root_end - seconds(now)) / 86_400,
        ));
    }
    Ok(())
}

fn params(
    trust_domain: &str,
    name: &str,
    lifetime: Duration,
    now: SystemTime,
) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.not_before = (now - BACKDATED).into();
    params.not_after = (now + lifetime).into();
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let mut subject = DistinguishedName::new();
    subject.push(DnType::OrganizationName, trust_domain);
    subject.push(DnType::CommonName, name);
    params.distinguished_name = subject;
    params
}

/// The chain of an intermediate, as Istio wants it: from the intermediate to the root.
pub(super) fn chain(intermediate: &Authority, root: &Authority) -> String {
    format!("{}{}", intermediate.certificate_pem, root.certificate_pem)
}
