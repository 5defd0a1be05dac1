//! A temporary CA.
//!
//! Keys are ECDSA P-256, as in Istio with `ECC_SIGNATURE_ALGORITHM=ECDSA`. Generating them is much faster than RSA, which matters
//! because every test has its own CA.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::net::IpAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rcgen::string::Ia5String;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose, OtherNameValue, SanType,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::Error;

/// Backdates the default start of validity, to tolerate clock skew.
const BACKDATED: Duration = Duration::from_hours(1);
/// The default lifetime. It is not a whole number of days, so that the days left do not depend on the exact time.
const LIFETIME: Duration = Duration::from_hours(36);

/// The `otherName` of Windows domains.
const USER_PRINCIPAL_NAME: [u64; 10] = [1, 3, 6, 1, 4, 1, 311, 20, 2, 3];

/// A root of trust. Two authorities do not trust each other's certificates.
#[derive(Debug)]
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    /// Creates a CA with a new key.
    pub fn new() -> Result<Self, Error> {
        let mut params = validity(SystemTime::now() - BACKDATED, LIFETIME + BACKDATED);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params
            .distinguished_name
            .push(DnType::CommonName, "Peergate sandbox");
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;
        Ok(Self { issuer })
    }

    /// Issues a certificate for TLS clients and servers.
    ///
    /// # Errors
    ///
    /// [`Error::Pki`] if a name is not ASCII, which certificates cannot express.
    pub fn issue(&self, leaf: &Leaf) -> Result<Identity, Error> {
        let mut params = validity(leaf.not_before, leaf.lifetime);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ClientAuth,
            ExtendedKeyUsagePurpose::ServerAuth,
        ];
        for uri in &leaf.uri_sans {
            let name = Ia5String::try_from(uri.as_str())?;
            params.subject_alt_names.push(SanType::URI(name));
        }
        for dns in &leaf.dns_sans {
            let name = Ia5String::try_from(dns.as_str())?;
            params.subject_alt_names.push(SanType::DnsName(name));
        }
        for email in &leaf.email_sans {
            let name = Ia5String::try_from(email.as_str())?;
            params.subject_alt_names.push(SanType::Rfc822Name(name));
        }
        for ip in &leaf.ip_sans {
            params.subject_alt_names.push(SanType::IpAddress(*ip));
        }
        for name in &leaf.other_names {
            let name = OtherNameValue::Utf8String(name.clone());
            let name = SanType::OtherName((USER_PRINCIPAL_NAME.to_vec(), name));
            params.subject_alt_names.push(name);
        }
        for (kind, value) in &leaf.subject {
            let kind = match kind.as_str() {
                "O" => DnType::OrganizationName,
                "C" => DnType::CountryName,
                _ => DnType::CommonName,
            };
            params.distinguished_name.push(kind, value.as_str());
        }
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        Ok(Identity {
            chain_pem: certificate.pem(),
            key_pem: key.serialize_pem(),
            chain: vec![certificate.der().clone()],
            key: key.into(),
        })
    }

    /// The root certificate.
    pub fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// The root certificate.
    pub fn der(&self) -> &CertificateDer<'static> {
        self.issuer.der()
    }

    /// Writes the root certificate to `<name>.pem` in `dir`, and returns that path.
    pub fn write_to(&self, dir: &Path, name: &str) -> Result<PathBuf, Error> {
        write_private(dir, &format!("{name}.pem"), &self.pem())
    }
}

/// The content of a certificate to issue. By default it has no names, and is valid from an hour ago.
#[derive(Clone, Debug)]
pub struct Leaf {
    /// URI SANs, in order. Any ASCII text.
    pub uri_sans: Vec<String>,
    /// DNS names. Any ASCII text.
    pub dns_sans: Vec<String>,
    /// Email addresses.
    pub email_sans: Vec<String>,
    /// IP addresses.
    pub ip_sans: Vec<IpAddr>,
    /// User principal names, of type `otherName`.
    pub other_names: Vec<String>,
    /// The subject: `CN`, `O` and `C` with their values, in order.
    pub subject: Vec<(String, String)>,
    /// The start of validity (whole seconds).
    pub not_before: SystemTime,
    /// The lifetime (whole seconds).
    pub lifetime: Duration,
}

impl Default for Leaf {
    fn default() -> Self {
        Self {
            uri_sans: Vec::new(),
            dns_sans: Vec::new(),
            email_sans: Vec::new(),
            ip_sans: Vec::new(),
            other_names: Vec::new(),
            subject: Vec::new(),
            not_before: SystemTime::now() - BACKDATED,
            lifetime: LIFETIME + BACKDATED,
        }
    }
}

impl Leaf {
    /// A leaf with one URI SAN, as issued by meshes.
    pub fn spiffe(uri: &str) -> Self {
        Self::uris([uri])
    }

    /// A leaf with these URI SANs.
    pub fn uris<'a>(uris: impl IntoIterator<Item = &'a str>) -> Self {
        Self {
            uri_sans: uris.into_iter().map(Into::into).collect(),
            ..Self::default()
        }
    }
}

/// A certificate with its key.
#[derive(Debug)]
pub struct Identity {
    /// The certificate, without its root.
    pub chain_pem: String,
    /// The private key (PKCS #8).
    pub key_pem: String,
    /// The certificate, without its root.
    pub chain: Vec<CertificateDer<'static>>,
    /// The private key.
    pub key: PrivateKeyDer<'static>,
}

impl Identity {
    /// Writes `<name>.cert.pem` and `<name>.key.pem` to `dir`, only readable by their owner.
    pub fn write_to(&self, dir: &Path, name: &str) -> Result<IdentityFiles, Error> {
        Ok(IdentityFiles {
            cert: write_private(dir, &format!("{name}.cert.pem"), &self.chain_pem)?,
            key: write_private(dir, &format!("{name}.key.pem"), &self.key_pem)?,
        })
    }
}

/// The files of an [`Identity`].
#[derive(Clone, Debug)]
pub struct IdentityFiles {
    /// The certificate chain, PEM.
    pub cert: PathBuf,
    /// The private key, PEM.
    pub key: PathBuf,
}

/// Parameters without names. Mesh certificates have no subject, but `rcgen` would add one.
fn validity(not_before: SystemTime, lifetime: Duration) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.not_before = not_before.into();
    params.not_after = (not_before + lifetime).into();
    params
}

fn write_private(dir: &Path, name: &str, content: &str) -> Result<PathBuf, Error> {
    let path = dir.join(name);
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&path)
        .and_then(|mut file| file.write_all(content.as_bytes()))
        .map_err(Error::at("write", &path))?;
    Ok(path)
}
