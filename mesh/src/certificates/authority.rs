//! Roots and intermediates for Istio's CA (Istio, "Plug in CA Certificates").

use std::time::{Duration, SystemTime};

use peergate_fault::{ExitStatus, Fault};
use rcgen::string::Ia5String;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType,
};
use thiserror::Error;
use x509_parser::x509::AttributeTypeAndValue;

/// Backdates the start of validity, to tolerate clock skew.
const BACKDATED: Duration = Duration::from_hours(1);

/// A CA certificate and its key.
#[derive(Debug)]
pub struct Authority {
    /// The certificate in PEM.
    pub certificate_pem: String,
    /// The key as PKCS #8 in PEM. Generated keys are ECDSA P-256.
    pub key_pem: String,
}

/// The common name of a root. Its organization is the trust domain.
const ROOT_NAME: &str = "Root CA";

/// Why a certificate cannot be created.
#[derive(Debug, Error)]
pub enum AuthorityError {
    /// A name cannot be encoded in a certificate, or there is no randomness.
    #[error("cannot create the key and certificate: {0}")]
    Make(#[from] rcgen::Error),
    /// The key or certificate of the root cannot be read.
    #[error("invalid key or certificate of a root: {0}")]
    Root(rcgen::Error),
    /// The key does not match the certificate of the root.
    #[error("the key does not match the certificate")]
    OtherKey,
    /// The root is not a CA.
    #[error("the certificate is not a CA certificate")]
    NoAuthority,
    /// The root was created for another trust domain.
    #[error("the root belongs to trust domain `{root}`, not to `{requested}`")]
    OtherTrustDomain {
        /// The trust domain of the root.
        root: String,
        /// The trust domain of the new certificate.
        requested: String,
    },
    /// The root expires before the new certificate would.
    #[error("the certificate would outlive the root, which expires in {0} days")]
    OutlivesRoot(i64),
}

impl Fault for AuthorityError {
    fn status(&self) -> ExitStatus {
        ExitStatus::Invalid
    }

    fn help(&self) -> Option<&str> {
        Some(match self {
            Self::OtherTrustDomain { .. } => {
                "use the root's trust domain, or create a root for the other one"
            }
            Self::OutlivesRoot(_) => "reduce `--days`, or create a new root",
            Self::Make(_) | Self::Root(_) | Self::OtherKey | Self::NoAuthority => {
                "create a root with `peergate certs root`"
            }
        })
    }
}

/// Creates a root of a trust domain.
pub fn root(
    trust_domain: &str,
    lifetime: Duration,
    now: SystemTime,
) -> Result<Authority, AuthorityError> {
    let mut params = params(trust_domain, ROOT_NAME, lifetime, now);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate()?;
    let certificate = params.self_signed(&key)?;
    Ok(Authority {
        certificate_pem: certificate.pem(),
        key_pem: key.serialize_pem(),
    })
}

/// Creates an intermediate of a cluster, which signs workload certificates but no further CAs. As a CA of the trust domain it
/// has its SPIFFE ID (X509-SVID, section 3.2).
pub(super) fn intermediate(
    root: &Authority,
    trust_domain: &str,
    cluster: &str,
    lifetime: Duration,
    now: SystemTime,
) -> Result<Authority, AuthorityError> {
    let root_key = KeyPair::from_pem(&root.key_pem).map_err(AuthorityError::Root)?;
    check_root(root, &root_key, trust_domain, now + lifetime, now)?;
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
    trust_domain: &str,
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
    // Roots of other tools do not name a trust domain.
    let subject = certificate.subject();
    let is_own = text(subject.iter_common_name()) == Some(ROOT_NAME);
    let organization = text(subject.iter_organization()).filter(|_| is_own);
    if let Some(root) = organization.filter(|organization| *organization != trust_domain) {
        return Err(AuthorityError::OtherTrustDomain {
            root: root.to_owned(),
            requested: trust_domain.to_owned(),
        });
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

/// The text of the first of these attributes.
fn text<'a>(
    mut attributes: impl Iterator<Item = &'a AttributeTypeAndValue<'a>>,
) -> Option<&'a str> {
    attributes
        .next()
        .and_then(|attribute| attribute.as_str().ok())
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

/// The chain from the intermediate to the root, as Istio expects it.
pub(super) fn chain(intermediate: &Authority, root: &Authority) -> String {
    format!("{}{}", intermediate.certificate_pem, root.certificate_pem)
}
