//! Files → certificates: PEM, a Kubernetes `Secret`, or what a proxy's admin endpoint says at `/certs`.

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

/// Certificates that belong together, the first signed by the second and so on.
#[derive(Debug)]
pub(crate) struct Chain {
    /// What they are called in their file: the key in a `Secret`, or where a proxy has them.
    pub(crate) name: Option<String>,
    pub(crate) certificates: Certificates,
    /// The private key that is kept beside them, PEM, by its name.
    pub(crate) key: Option<(String, Vec<u8>)>,
}

/// Certificates, or what is told of them.
#[derive(Debug)]
pub(crate) enum Certificates {
    /// In DER.
    Whole(Vec<Vec<u8>>),
    /// What a proxy tells of its own, or of those it trusts.
    Told {
        is_authority: bool,
        certificates: Vec<ToldCertificate>,
    },
}

/// What a proxy tells of a certificate (Envoy, `admin.v3.CertificateDetails`).
#[derive(Debug, Deserialize)]
pub(crate) struct ToldCertificate {
    pub(crate) serial_number: String,
    #[serde(default)]
    pub(crate) subject_alt_names: Vec<ToldName>,
    pub(crate) valid_from: String,
    pub(crate) expiration_time: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct ToldName {
    pub(crate) uri: Option<String>,
}

impl Chain {
    /// The serial numbers, in lower-case hexadecimal without zeros before.
    pub(crate) fn serials(&self) -> Vec<String> {
        let plain = |hex: &str| hex.trim_start_matches('0').to_ascii_lowercase();
        match &self.certificates {
            Certificates::Told { certificates, .. } => certificates
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

    /// Whether these are what somebody trusts, by their name.
    pub(crate) fn is_trusted(&self) -> bool {
        let name = self.name.as_deref().unwrap_or_default();
        name.ends_with(".ca_cert") || matches!(name, ROOT_CERT | "ca.crt")
    }
}

/// Why there are no certificates in a file.
#[derive(Debug, Error)]
pub enum ReadError {
    /// There is none in it.
    #[error("it has no certificate")]
    NoCertificate,
    /// A part of a PEM file is broken.
    #[error("a part between `BEGIN` and `END` cannot be read: {0}")]
    Pem(#[from] x509_parser::error::PEMError),
    /// A value of a Secret, by its key, is not encoded as values of Secrets are.
    #[error("`{0}` of the Secret is no base64")]
    Base64(String),
    /// It is JSON with certificates in a form that is not a proxy's.
    #[error("this is not what a proxy says at `/certs`: {0}")]
    Told(serde_json::Error),
}

/// What certificates are called of which the key is beside them, and the key: for Istio's CA, and for
/// TLS.
const KEYS: [(&str, &str); 2] = [(CA_CERT, CA_KEY), ("tls.crt", "tls.key")];

/// What Istio's CA reads when it starts (Istio, "Plug in CA Certificates").
pub(crate) const CA_CERT: &str = "ca-cert.pem";
pub(crate) const CA_KEY: &str = "ca-key.pem";
pub(crate) const CERT_CHAIN: &str = "cert-chain.pem";
pub(crate) const ROOT_CERT: &str = "root-cert.pem";

/// The certificates of a file.
pub(crate) fn read(content: &[u8]) -> Result<Vec<Chain>, ReadError> {
    if let Ok(value) = serde_json::from_slice::<Value>(content)
        && value.get("certificates").is_some()
    {
        return told(value);
    }
    if let Some(secret) = secret(content) {
        return of_secret(&secret);
    }
    let certificates = of_pem(content)?;
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

/// The certificates of a PEM text; keys and other things in it are left out.
fn of_pem(content: &[u8]) -> Result<Vec<Vec<u8>>, ReadError> {
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

fn of_secret(data: &serde_json::Map<String, Value>) -> Result<Vec<Chain>, ReadError> {
    let mut files = Vec::new();
    for (key, value) in data {
        let text = value.as_str().unwrap_or_default();
        let content = STANDARD.decode(text.trim());
        let content = content.map_err(|_| ReadError::Base64(key.clone()))?;
        files.push((key.as_str(), content));
    }
    of_files(&files)
}

/// The certificates of files that belong together, such as those of a `Secret`, each by its name.
pub(crate) fn of_files(files: &[(&str, Vec<u8>)]) -> Result<Vec<Chain>, ReadError> {
    let mut chains = Vec::new();
    for (name, content) in files {
        let certificates = of_pem(content)?;
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
struct Told {
    certificates: Vec<ToldChains>,
}

#[derive(Deserialize)]
struct ToldChains {
    #[serde(default)]
    ca_cert: Vec<ToldCertificate>,
    #[serde(default)]
    cert_chain: Vec<ToldCertificate>,
}

fn told(value: Value) -> Result<Vec<Chain>, ReadError> {
    let told: Told = serde_json::from_value(value).map_err(ReadError::Told)?;
    let mut chains = Vec::new();
    for (number, of_context) in told.certificates.into_iter().enumerate() {
        for (name, is_authority, certificates) in [
            ("cert_chain", false, of_context.cert_chain),
            ("ca_cert", true, of_context.ca_cert),
        ] {
            if !certificates.is_empty() {
                chains.push(Chain {
                    name: Some(format!("certificates[{number}].{name}")),
                    certificates: Certificates::Told {
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

impl ToldCertificate {
    /// From when to when it is valid, in seconds since the Unix epoch.
    pub(crate) fn validity(&self) -> Option<(i64, i64)> {
        let seconds = |text: &str| {
            let time = Timestamp::parse(text).ok()?;
            i64::try_from(time.unix_nanoseconds() / 1_000_000_000).ok()
        };
        Some((seconds(&self.valid_from)?, seconds(&self.expiration_time)?))
    }
}

/// A moment in seconds since the Unix epoch, as people read it.
pub(crate) fn moment(seconds: i64) -> String {
    let nanoseconds = u64::try_from(seconds)
        .ok()
        .and_then(|seconds| seconds.checked_mul(1_000_000_000));
    let timestamp = Timestamp::from_unix_nanoseconds(nanoseconds.unwrap_or_default());
    timestamp.to_string()
}
