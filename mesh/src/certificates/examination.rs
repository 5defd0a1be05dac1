//! Examines a file: the properties and findings of its certificates.

use serde::Serialize;

use super::error::CertificatesError;
use super::expected::Expected;
use super::finding::Finding;
use super::inspect::{Inspected, inspect, missing_roots};
use super::read::{self, Chain};
use super::siblings::check_siblings;

/// An examined chain of certificates.
#[derive(Debug, Serialize)]
pub struct Examined {
    /// The name of the file.
    pub file: String,
    /// The name in the file: the key in a `Secret`, or the path in a proxy's response.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The certificates.
    pub certificates: Vec<Inspected>,
    /// Findings about the whole chain.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
}

impl Examined {
    /// Whether there are no findings.
    pub fn is_sound(&self) -> bool {
        let mut certificates = self.certificates.iter();
        self.findings.is_empty() && certificates.all(|certificate| certificate.findings.is_empty())
    }
}

/// A root that must be trusted.
#[derive(Clone, Debug)]
pub struct Root {
    /// The serial number in the format of proxies.
    serial: String,
    /// The name of the file.
    file: String,
}

impl Root {
    /// Reads the first certificate of a file.
    pub fn read(file: &str, content: &[u8]) -> Result<Self, CertificatesError> {
        let chains = chains(file, content)?;
        let serials = chains
            .iter()
            .find_map(|chain| chain.serials().into_iter().next());
        let serial = serials.ok_or_else(|| CertificatesError::NoCertificate(file.to_owned()))?;
        Ok(Self {
            serial,
            file: file.to_owned(),
        })
    }
}

/// Examines all certificates of a file, and checks that it trusts these roots.
pub fn examine(
    file: &str,
    content: &[u8],
    roots: &[Root],
    expected: &Expected,
) -> Result<Vec<Examined>, CertificatesError> {
    let chains = chains(file, content)?;
    // A file without a trust bundle cannot trust these roots.
    if !roots.is_empty() && !chains.iter().any(Chain::is_trusted) {
        return Err(CertificatesError::NothingTrusted(file.to_owned()));
    }
    let roots: Vec<_> = roots
        .iter()
        .map(|root| (root.serial.as_str(), root.file.as_str()))
        .collect();
    let examined = chains.iter().map(|chain| Examined {
        file: file.to_owned(),
        certificates: inspect(chain, expected),
        findings: [check_siblings(chain, &chains), missing_roots(chain, &roots)].concat(),
        name: chain.name.clone(),
    });
    Ok(examined.collect())
}

fn chains(file: &str, content: &[u8]) -> Result<Vec<Chain>, CertificatesError> {
    read::read(content).map_err(|reason| CertificatesError::Unreadable {
        name: file.to_owned(),
        reason,
    })
}
