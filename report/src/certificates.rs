//! Certificates and their findings, as text and JSON.

use std::fmt::{self, Write as _};

use peergate_mesh::certificates::examination::Examined;
use policy_schema::wording::counted;

use crate::serialized::{self, SerializeError};

/// Formats certificates and findings as JSON.
pub fn json(examined: &[Examined]) -> Result<Vec<u8>, SerializeError> {
    serialized::json(&examined)
}

/// Formats certificates and findings as text, one paragraph per chain.
pub fn text(examined: &[Examined]) -> String {
    let mut text = String::new();
    for chain in examined {
        // Writing to a `String` cannot fail.
        let _ = describe(chain, &mut text);
    }
    text
}

fn remaining(days_left: i64) -> String {
    match usize::try_from(days_left) {
        Ok(days) => counted(days, "day left", "days left"),
        Err(_) => "expired".to_owned(),
    }
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
            "valid from {} to {}, {}",
            certificate.not_before,
            certificate.not_after,
            remaining(certificate.days_left)
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
