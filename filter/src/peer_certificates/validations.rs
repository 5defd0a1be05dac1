//! Where the proxy has validated a certificate.
//!
//! At a gateway that may accept what it cannot validate, a certificate counts only if it was
//! validated. That is a property of the connection, not of the certificate: another listener may
//! trust another CA. The proxy says yes only for a full handshake, and no for every resumed session
//! (Envoy, `connection.peer_certificate_valid`, from 1.39 on). So a yes is remembered, for the same
//! certificate at the same filter chain.

use std::time::Duration;

use peergate_engine::plugin_config::CertificateValidation;
use peergate_engine::timestamp::Timestamp;

use crate::host::{Bytes, Host};

const IS_VALIDATED: &[u8] = b"connection\0peer_certificate_valid";
const FILTER_CHAIN: &[u8] = b"xds\0filter_chain_name";
/// The address of the listener, or the one that the client meant where a listener takes several.
const LOCAL_ADDRESS: &[u8] = b"destination\0address";

/// At how many filter chains it is remembered that a certificate was validated.
const MOST_PLACES: usize = 16;

/// How long a resumed session may rely on an earlier full handshake. The filter cannot see that the
/// listener has stopped trusting a CA, or that a certificate was revoked. This bounds how long such a
/// certificate is still accepted. It spans a client's reconnects and is short compared to the lifetime
/// of certificates.
const REMEMBERED: Duration = Duration::from_mins(10);

/// Where a certificate was validated.
pub(super) struct Validations {
    /// When the certificate ends.
    not_after: Option<Timestamp>,
    places: Vec<Validated>,
}

/// Where a certificate was validated, and until when that is remembered. What is trusted there depends
/// on the filter chain, whose name is unique at its listener only.
struct Validated {
    filter_chain: Bytes,
    local_address: Bytes,
    until: Timestamp,
}

impl Validations {
    /// None yet, of a certificate that ends then.
    pub(super) fn of(not_after: Option<Timestamp>) -> Self {
        Self {
            not_after,
            places: Vec::new(),
        }
    }

    /// Whether the certificate counts for the connection that `host` is at, at a proxy that validates so.
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
            // A certificate that the listener could not validate, or a resumed session.
            Some(_) => self.is_remembered(host),
        }
    }

    /// Remembers that the certificate was validated. Without the name of the filter chain, without the
    /// time or without the certificate's end nothing is remembered.
    fn remember(&mut self, host: &impl Host) {
        let (Some(at), Some(not_after), Some(now)) =
            (filter_chain(host), self.not_after, host.now())
        else {
            return;
        };
        self.places
            .retain(|known| !known.is_at(&at) && now < known.until);
        if self.places.len() < MOST_PLACES {
            let (filter_chain, local_address) = at;
            self.places.push(Validated {
                filter_chain,
                local_address,
                until: not_after.min(now.after(REMEMBERED)),
            });
        }
    }

    fn is_remembered(&self, host: &impl Host) -> bool {
        // Spares the calls for a certificate that was never validated.
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

/// The filter chain that the connection is at, by its name and its listener.
fn filter_chain(host: &impl Host) -> Option<(Bytes, Bytes)> {
    Some((host.property(FILTER_CHAIN)?, host.property(LOCAL_ADDRESS)?))
}

#[cfg(test)]
mod tests;
