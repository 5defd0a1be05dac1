//! Indexes of lists of exclusions.

use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;

use ipnet::IpNet;

use crate::identity::NameKind;
use crate::matching::{Reading, TextCover};
use crate::rule::CertificateMatch;
use crate::rule_spec::Effect;

/// Whether an exclusion in a rule of this effect also excludes other spellings of the value. A rule
/// that stops requests matches more spellings than it excludes.
pub(super) fn excludes_spellings(is_any: bool, effect: Effect) -> bool {
    is_any || Reading::for_exclusions(effect) == Reading::Wide
}

/// Values that exclude only equal values.
pub(super) struct SameValue<'v, V>(HashMap<&'v V, usize>);

impl<'v, V: Eq + Hash> SameValue<'v, V> {
    pub(super) fn new(values: impl IntoIterator<Item = (usize, &'v V)>) -> Self {
        let mut positions = HashMap::new();
        for (position, value) in values {
            positions.entry(value).or_insert(position);
        }
        Self(positions)
    }

    /// The position of the first that excludes `value`.
    pub(super) fn first(&self, value: &V) -> Option<usize> {
        self.0.get(value).copied()
    }
}

/// Client certificates from outside the mesh, by the kinds of their names.
#[derive(Default)]
pub(super) struct Certificates<'c> {
    any: Option<usize>,
    names: HashMap<NameKind, TextCover<'c>>,
}

impl<'c> Certificates<'c> {
    pub(super) fn new(certificates: &'c [CertificateMatch]) -> Self {
        let mut index = Self::default();
        for (position, certificate) in certificates.iter().enumerate() {
            match certificate {
                CertificateMatch::Any => {
                    index.any.get_or_insert(position);
                }
                CertificateMatch::Name(kind, pattern) => {
                    index.names.entry(*kind).or_default().add(position, pattern);
                }
            }
        }
        index
    }

    /// The position of the first that excludes all of `certificate`.
    pub(super) fn first(&self, certificate: &CertificateMatch) -> Option<usize> {
        let by_name = match certificate {
            CertificateMatch::Any => None,
            CertificateMatch::Name(kind, pattern) => {
                self.names.get(kind).and_then(|names| names.first(pattern))
            }
        };
        by_name.into_iter().chain(self.any).min()
    }
}

/// Address blocks, by network.
#[derive(Default)]
pub(super) struct Blocks {
    positions: HashMap<IpNet, usize>,
    /// The prefix lengths in use.
    lengths: BTreeSet<u8>,
}

impl Blocks {
    pub(super) fn new(blocks: &[IpNet]) -> Self {
        let mut index = Self::default();
        for (position, block) in blocks.iter().enumerate() {
            index.positions.entry(block.trunc()).or_insert(position);
            index.lengths.insert(block.prefix_len());
        }
        index
    }

    /// The position of the first that contains all of `block`.
    pub(super) fn first(&self, block: &IpNet) -> Option<usize> {
        let lengths = self.lengths.range(..=block.prefix_len());
        let wider = lengths.filter_map(|length| IpNet::new(block.addr(), *length).ok());
        wider
            .filter_map(|network| self.positions.get(&network.trunc()))
            .min()
            .copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matching::TextMatch;

    #[test]
    fn a_certificate_is_excluded_by_the_first_exclusion_that_covers_it() {
        let name = |kind, text| CertificateMatch::Name(kind, TextMatch::parse(text).unwrap());
        let (dns, uri) = (NameKind::Dns, NameKind::Uri);
        let listed = [
            name(dns, "a.example"),
            name(uri, "https://a*"),
            CertificateMatch::Any,
        ];
        for (certificate, without_any, with_any) in [
            (name(dns, "a.example"), Some(0), 0),
            (name(uri, "https://a/*"), Some(1), 1),
            (name(uri, "a.example"), None, 2),
            (CertificateMatch::Any, None, 2),
        ] {
            assert_eq!(
                Certificates::new(&listed[..2]).first(&certificate),
                without_any
            );
            assert_eq!(
                Certificates::new(&listed).first(&certificate),
                Some(with_any)
            );
        }
    }

    #[test]
    fn a_block_is_excluded_by_the_first_that_contains_it() {
        let nets = |texts: &[&str]| -> Vec<IpNet> {
            texts.iter().map(|text| text.parse().unwrap()).collect()
        };
        let blocks = nets(&[
            "10.1.2.3/32",
            "10.1.9.9/16",
            "10.0.0.0/8",
            "::/0",
            "fd00::/8",
            "10.1.0.0/16",
        ]);
        let index = Blocks::new(&blocks);
        for block in nets(&[
            "10.1.2.3/32",
            "10.1.2.4/32",
            "10.1.2.0/24",
            "10.1.0.0/16",
            "10.2.0.0/16",
            "10.0.0.0/7",
            "11.0.0.0/32",
            "0.0.0.0/0",
            "fd00::1/128",
            "::/0",
            "fc00::/7",
        ]) {
            let plain = blocks.iter().position(|other| other.contains(&block));
            assert_eq!(index.first(&block), plain, "{block}");
        }
    }
}
