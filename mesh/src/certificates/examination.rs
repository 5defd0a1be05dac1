//! A file with certificates → what each of them says, and all that is wrong with them.

use serde::Serialize;

use super::beside::beside;
use super::error::CertificatesError;
use super::expected::Expected;
use super::finding::Finding;
use super::inspect::{Inspected, inspect, missing_roots};
use super::read::{self, Chain};

/// The certificates of a file that belong together.
#[derive(Debug, Serialize)]
pub struct Examined {
    /// The name of the file.
    pub file: String,
    /// What they are called in the file: the key in a `Secret`, or where a proxy has them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What each of them says.
    pub certificates: Vec<Inspected>,
    /// What is wrong with them together.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
}

impl Examined {
    /// Whether nothing is wrong with them.
    pub fn is_sound(&self) -> bool {
        let mut certificates = self.certificates.iter();
        self.findings.is_empty() && certificates.all(|certificate| certificate.findings.is_empty())
    }
}

/// A root that is to be trusted.
#[derive(Clone, Debug)]
pub struct Root {
    /// As proxies tell it.
    serial: String,
    /// The name of its file.
    file: String,
}

impl Root {
    /// The first certificate in a file.
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

/// Examines all certificates of a file, and whether it trusts these roots.
pub fn examine(
    file: &str,
    content: &[u8],
    roots: &[Root],
    expected: &Expected,
) -> Result<Vec<Examined>, CertificatesError> {
    let chains = chains(file, content)?;
    // A file without anything that is trusted does not trust these.
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
        findings: [beside(chain, &chains), missing_roots(chain, &roots)].concat(),
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
