//! What certificates are, and what is wrong with them.

use std::fmt::{self, Write as _};

use peergate_mesh::certificates::examination::Examined;

use crate::serialized::{self, SerializeError};

/// For programs.
pub fn json(examined: &[Examined]) -> Result<Vec<u8>, SerializeError> {
    serialized::json(&examined)
}

/// For people: a paragraph for each chain.
pub fn text(examined: &[Examined]) -> String {
    let mut text = String::new();
    for chain in examined {
        // Writing into a text cannot fail.
        let _ = describe(chain, &mut text);
    }
    text
}

fn describe(chain: &Examined, text: &mut String) -> fmt::Result {
    match &chain.name {
        Some(name) => writeln!(text, "{}: {name}", chain.file)?,
        None => writeln!(text, "{}", chain.file)?,
    }
    for certificate in &chain.certificates {
        let subject = certificate.subject.as_deref();
        let title = subject.filter(|subject| !subject.is_empty());
        let title = title.or(certificate.identities.first().map(String::as_str));
        write!(text, "  {}: ", title.unwrap_or(&certificate.serial))?;
        match certificate.is_authority {
            Some(true) => text.push_str("authority, "),
            Some(false) => text.push_str("workload, "),
            None => {}
        }
        if let Some(key) = &certificate.key {
            write!(text, "{key}, ")?;
        }
        writeln!(
            text,
            "{} to {}, days left: {}",
            certificate.not_before, certificate.not_after, certificate.days_left
        )?;
        for identity in &certificate.identities {
            writeln!(text, "    {identity}")?;
        }
        for finding in &certificate.findings {
            writeln!(text, "    {}: {}", finding.code, finding.message)?;
        }
    }
    for finding in &chain.findings {
        writeln!(text, "  {}: {}", finding.code, finding.message)?;
    }
    Ok(())
}
