//! Reads certificates from PEM, a Kubernetes `Secret`, or the `/certs` response of a proxy.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use policy_schema::timestamp::Timestamp;
use policy_schema::yaml;
use serde::Deserialize;
use serde_json::Value;
use thiserror::Error;
use x509_parser::certificate::X509Certificate;
use x509_parser::pem::Pem;
use x509_parser::prelude::FromDer;

/// A chain of certificates, each signed by the next.
#[derive(Debug)]
pub(crate) struct Chain {
    /// The name in the file: the key in a `Secret`, or the path in a proxy's response.
    pub(crate) name: Option<String>,
    pub(crate) certificates: Certificates,
    /// The private key in the same file, in PEM, with its name.
    pub(crate) key: Option<(String, Vec<u8>)>,
}

/// Certificates, or descriptions of certificates.
#[derive(Debug)]
pub(crate) enum Certificates {
    /// Certificates in DER.
    Whole(Vec<Vec<u8>>),
    /// Descriptions by a proxy of its own or trusted certificates.
    Reported {
        is_authority: bool,
        certificates: Vec<ReportedCertificate>,
    },
}

/// A proxy's description of a certificate (Envoy, `admin.v3.CertificateDetails`).
#[derive(Debug, Deserialize)]
pub(crate) struct ReportedCertificate {
    pub(crate) serial_number: String,
    #[serde(default)]
    pub(crate) subject_alt_names: Vec<ReportedName>,
    pub(crate) valid_from: String,
    pub(crate) expiration_time: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct ReportedName {
    pub(crate) uri: Option<String>,
}

impl Chain {
    /// The serial numbers, in lowercase hexadecimal without leading zeros.
    pub(crate) fn serials(&self) -> Vec<String> {
        let plain = |hex: &str| hex.trim_start_matches('0').to_ascii_lowercase();
        match &self.certificates {
            Certificates::Reported { certificates, .. } => certificates
                .iter()
                .map(|certificate| plain(&certificate.serial_number))
                .collect(),
            Certificates::Whole(certificates) => certificates
                .iter()
                .filter_map(|der| X509Certificate::from_der(der).ok())
                .map(|(_, certificate)| plain(&format!("{:x}", certificate.serial)))
                .collect(),
        }
    }

    /// Whether this is a trust bundle, according to its name.
    pub(crate) fn is_trusted(&self) -> bool {
        let name = self.name.as_deref().unwrap_or_default();
        name.ends_with(".ca_cert") || matches!(name, ROOT_CERT | "ca.crt")
    }
}

/// Why certificates cannot be read.
#[derive(Debug, Error)]
pub enum ReadError {
    /// There are no certificates.
    #[error("contains no certificate")]
    NoCertificate,
    /// A PEM block is invalid.
    #[error("invalid PEM block: {0}")]
    Pem(#[from] x509_parser::error::PEMError),
    /// The value of a Secret's key is not base64.
    #[error("`{0}` of the Secret is not base64")]
    Base64(String),
    /// The JSON is not a proxy's `/certs` response.
    #[error("not a `/certs` response of a proxy: {0}")]
    Reported(serde_json::Error),
}

/// The names of certificates and their keys, for Istio's CA and for TLS Secrets.
const KEYS: [(&str, &str); 2] = [(CA_CERT, CA_KEY), ("tls.crt", "tls.key")];

/// The files of Istio's CA (Istio, "Plug in CA Certificates").
pub(crate) const CA_CERT: &str = "ca-cert.pem";
pub(crate) const CA_KEY: &str = "ca-key.pem";
pub(crate) const CERT_CHAIN: &str = "cert-chain.pem";
pub(crate) const ROOT_CERT: &str = "root-cert.pem";

/// Reads the certificates of a file.
pub(crate) fn read(content: &[u8]) -> Result<Vec<Chain>, ReadError> {
    if let Ok(value) = serde_json::from_slice::<Value>(content)
        && value.get("certificates").is_some()
    {
        return reported(value);
    }
    if let Some(secret) = secret(content) {
        return from_secret(&secret);
    }
    let certificates = from_pem(content)?;
    if certificates.is_empty() {
        return Err(ReadError::NoCertificate);
    }
    let certificates = Certificates::Whole(certificates);
    Ok(vec![Chain {
        name: None,
        certificates,
        key: None,
    }])
}

/// The certificates of a PEM text, ignoring other blocks.
fn from_pem(content: &[u8]) -> Result<Vec<Vec<u8>>, ReadError> {
    let mut certificates = Vec::new();
    for pem in Pem::iter_from_buffer(content) {
        let pem = pem?;
        if pem.label == "CERTIFICATE" {
            certificates.push(pem.contents);
        }
    }
    Ok(certificates)
}

/// The data of the first `Secret` in a YAML or JSON text.
fn secret(content: &[u8]) -> Option<serde_json::Map<String, Value>> {
    let text = std::str::from_utf8(content).ok()?;
    let nodes = yaml::parse(text).ok()?;
    nodes.iter().find_map(|node| {
        let (object, _) = yaml::read::<Value>(node);
        let object = object?;
        let is_secret = object.get("kind").and_then(Value::as_str) == Some("Secret");
        let data = object.get("data").and_then(Value::as_object);
        is_secret.then(|| data.cloned().unwrap_or_default())
    })
}

fn from_secret(data: &serde_json::Map<String, Value>) -> Result<Vec<Chain>, ReadError> {
    let mut files = Vec::new();
    for (key, value) in data {
        let text = value.as_str().unwrap_or_default();
        let content = STANDARD.decode(text.trim());
        let content = content.map_err(|_| ReadError::Base64(key.clone()))?;
        files.push((key.as_str(), content));
    }
    from_files(&files)
}

/// The certificates of related files by name, such as those of a `Secret`.
pub(crate) fn from_files(files: &[(&str, Vec<u8>)]) -> Result<Vec<Chain>, ReadError> {
    let mut chains = Vec::new();
    for (name, content) in files {
        let certificates = from_pem(content)?;
        if certificates.is_empty() {
            continue;
        }
        let key = KEYS.iter().find(|(of, _)| of == name);
        let key = key.and_then(|(_, key)| files.iter().find(|(name, _)| name == key));
        chains.push(Chain {
            name: Some((*name).to_owned()),
            certificates: Certificates::Whole(certificates),
            key: key.map(|(name, content)| ((*name).to_owned(), content.clone())),
        });
    }
    if chains.is_empty() {
        return Err(ReadError::NoCertificate);
    }
    Ok(chains)
}

#[derive(Deserialize)]
struct Reported {
    certificates: Vec<ReportedChains>,
}

#[derive(Deserialize)]
struct ReportedChains {
    #[serde(default)]
    ca_cert: Vec<ReportedCertificate>,
    #[serde(default)]
    cert_chain: Vec<ReportedCertificate>,
}

fn reported(value: Value) -> Result<Vec<Chain>, ReadError> {
    let reported: Reported = serde_json::from_value(value).map_err(ReadError::Reported)?;
    let mut chains = Vec::new();
    for (number, of_context) in reported.certificates.into_iter().enumerate() {
        for (name, is_authority, certificates) in [
            ("cert_chain", false, of_context.cert_chain),
            ("ca_cert", true, of_context.ca_cert),
        ] {
            if !certificates.is_empty() {
                chains.push(Chain {
                    name: Some(format!("certificates[{number}].{name}")),
                    certificates: Certificates::Reported {
                        is_authority,
                        certificates,
                    },
                    key: None,
                });
            }
        }
    }
    if chains.is_empty() {
        return Err(ReadError::NoCertificate);
    }
    Ok(chains)
}

impl ReportedCertificate {
    /// The validity period in Unix seconds.
    pub(crate) fn validity(&self) -> Option<(i64, i64)> {
        let seconds = |text: &str| {
            let time = Timestamp::parse(text).ok()?;
            i64::try_from(time.unix_nanoseconds() / 1_000_000_000).ok()
        };
        Some((seconds(&self.valid_from)?, seconds(&self.expiration_time)?))
    }
}

/// Formats Unix seconds.
pub(crate) fn moment(seconds: i64) -> String {
    let nanoseconds = u64::try_from(seconds)
        .ok()
        .and_then(|seconds| seconds.checked_mul(1_000_000_000));
    let timestamp = Timestamp::from_unix_nanoseconds(nanoseconds.unwrap_or_default());
    timestamp.to_string()
}
