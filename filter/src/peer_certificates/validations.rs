//! Remembers where the proxy has validated a certificate.
//!
//! At a gateway that may accept certificates without validation, only validated ones count.
//! Validation is a property of the connection, not of the certificate: another listener may trust
//! another CA. The proxy reports it only after a full handshake, and never for a resumed session
//! (Envoy, `connection.peer_certificate_valid`, since 1.39). So a validation is remembered for the
//! same certificate at the same filter chain.

use std::time::Duration;

use peergate_engine::plugin_config::CertificateValidation;
use peergate_engine::timestamp::Timestamp;

use crate::host::{Bytes, Host};

const IS_VALIDATED: &[u8] = b"connection\0peer_certificate_valid";
const FILTER_CHAIN: &[u8] = b"xds\0filter_chain_name";
/// The address of the listener, or the client's destination if a listener accepts several.
const LOCAL_ADDRESS: &[u8] = b"destination\0address";

/// The maximum number of filter chains remembered per certificate.
const MAX_PLACES: usize = 16;

/// How long a resumed session may rely on an earlier full handshake. The filter cannot see when the
/// listener stops trusting a CA or a certificate is revoked, so this bounds how long such a
/// certificate is still accepted. It spans a client's reconnects and is short compared to the
/// lifetime of certificates.
const MAX_AGE: Duration = Duration::from_mins(10);

/// Where a certificate was validated.
pub(super) struct Validations {
    /// The certificate's end of validity.
    not_after: Option<Timestamp>,
    places: Vec<Validated>,
}

/// A filter chain at which a certificate was validated, and until when this is remembered. Trust
/// depends on the filter chain, whose name is unique only within its listener.
struct Validated {
    filter_chain: Bytes,
    local_address: Bytes,
    until: Timestamp,
}

impl Validations {
    /// No validations yet, for a certificate with this end of validity.
    pub(super) fn new(not_after: Option<Timestamp>) -> Self {
        Self {
            not_after,
            places: Vec::new(),
        }
    }

    /// Whether the certificate counts on the current connection of a proxy with this validation.
    pub(super) fn is_validated(
        &mut self,
        validation: CertificateValidation,
        host: &impl Host,
    ) -> bool {
        if validation == CertificateValidation::ByListener {
            return true;
        }
        match host.property(IS_VALIDATED).as_deref() {
            None => validation == CertificateValidation::WhereReported,
            Some([1]) => {
                self.remember(host);
                true
            }
            // An invalid certificate, or a resumed session.
            Some(_) => self.is_remembered(host),
        }
    }

    /// Remembers a validation. Requires the name of the filter chain, the time and the
    /// certificate's end of validity.
    fn remember(&mut self, host: &impl Host) {
        let (Some(at), Some(not_after), Some(now)) =
            (filter_chain(host), self.not_after, host.now())
        else {
            return;
        };
        self.places
            .retain(|known| !known.is_at(&at) && now < known.until);
        if self.places.len() < MAX_PLACES {
            let (filter_chain, local_address) = at;
            self.places.push(Validated {
                filter_chain,
                local_address,
                until: not_after.min(now.after(MAX_AGE)),
            });
        }
    }

    fn is_remembered(&self, host: &impl Host) -> bool {
        // Saves the host calls for a certificate that was never validated.
        if self.places.is_empty() {
            return false;
        }
        let (Some(at), Some(now)) = (filter_chain(host), host.now()) else {
            return false;
        };
        let mut validated = self.places.iter();
        validated.any(|known| known.is_at(&at) && now < known.until)
    }
}

impl Validated {
    fn is_at(&self, (filter_chain, local_address): &(Bytes, Bytes)) -> bool {
        self.filter_chain == *filter_chain && self.local_address == *local_address
    }
}

/// The filter chain of the connection: its name and its listener's address.
fn filter_chain(host: &impl Host) -> Option<(Bytes, Bytes)> {
    let name = host.property(FILTER_CHAIN)?.to_vec();
    Some((name, host.property(LOCAL_ADDRESS)?.to_vec()))
}

#[cfg(test)]
mod tests;
