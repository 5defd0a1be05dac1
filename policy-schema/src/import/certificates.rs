//! Client certificates from outside the mesh that a value matches in Istio.

use super::reading::{Importer, Kind, as_istio_reads};
use crate::policy::WHOLE_CERTIFICATE;

/// Client certificates from outside the mesh.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Certificates {
    Named(Vec<String>),
    All,
    /// Certificates that the language cannot name.
    Inexpressible,
}

impl Certificates {
    pub(super) const NONE: Self = Self::Named(Vec::new());

    /// The intersection.
    pub(super) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::All, other) | (other, Self::All) => other,
            (none, _) | (_, none) if none == Self::NONE => Self::NONE,
            (one, other) if one == other => one,
            _ => Self::Inexpressible,
        }
    }

    /// The union.
    pub(super) fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::All, _) | (_, Self::All) => Self::All,
            (Self::Inexpressible, _) | (_, Self::Inexpressible) => Self::Inexpressible,
            (Self::Named(mut names), Self::Named(others)) => {
                names.extend(
                    others
                        .into_iter()
                        .filter(|name| !names.contains(name))
                        .collect::<Vec<_>>(),
                );
                Self::Named(names)
            }
        }
    }
}

/// A value as the name of a client certificate, if it is in a foreign trust domain.
pub(super) fn name_of(value: &str, kind: Kind, importer: Importer<'_>) -> Option<String> {
    if !importer.at_gateway || importer.istio_version < WHOLE_CERTIFICATE {
        return None;
    }
    match certificates_of(value, kind, importer) {
        Certificates::Named(names) => names.into_iter().next(),
        Certificates::All | Certificates::Inexpressible => None,
    }
}

/// The certificates from outside the mesh that the value matches in Istio.
pub(super) fn certificates_of(value: &str, kind: Kind, importer: Importer<'_>) -> Certificates {
    let Ok(read) = as_istio_reads(value, kind, importer) else {
        return Certificates::NONE;
    };
    let uri = |id: String| {
        let name = format!("uri:spiffe://{id}");
        if importer.takes_client_certificate(&name) {
            Certificates::Named(vec![name])
        } else {
            Certificates::NONE
        }
    };
    let of_one = |value: String| match kind {
        Kind::Principal if value == "*" => Certificates::All,
        Kind::Principal => {
            let is_cut_domain = value.ends_with('*') && !value.contains('/');
            if value.starts_with('*') || is_cut_domain {
                Certificates::Inexpressible
            } else {
                uri(value)
            }
        }
        Kind::TrustDomain if value.contains('*') => Certificates::Inexpressible,
        Kind::TrustDomain => uri(format!("{value}/*")),
        // In any trust domain.
        Kind::Namespace | Kind::ServiceAccount => Certificates::Inexpressible,
        Kind::Port | Kind::Address | Kind::Other => Certificates::NONE,
    };
    read.into_iter()
        .map(of_one)
        .fold(Certificates::NONE, Certificates::or)
}
