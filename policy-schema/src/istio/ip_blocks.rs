//! Address blocks in the forms that Envoy compares.
//!
//! Envoy does not match an IPv4-mapped IPv6 address (`::ffff:10.0.0.1`) with an IPv4 block, but
//! accepts such addresses in `x-forwarded-for` and the PROXY protocol. The language treats both
//! forms as the same host.

use std::collections::HashSet;
use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use crate::rule::ip_block;

/// The number of bits before the IPv4 address in an IPv4-mapped address.
const MAPPED_PREFIX: u8 = 96;

/// The blocks, each IPv4 block followed by the same block in IPv6 form.
pub(super) fn in_both_forms(blocks: &[IpNet]) -> Vec<String> {
    let forms = |block: &IpNet| [Some(*block), mapped(block)].into_iter().flatten();
    let forms = blocks.iter().flat_map(forms);
    forms.map(|block| ip_block(&block)).collect()
}

/// Blocks that contain every address. An `Allow` rule that only excludes addresses requires them
/// too: a connection without an address, such as one over a Unix socket, is excluded by no block.
pub(super) fn every_address() -> Vec<String> {
    vec!["0.0.0.0/0".to_owned(), "::/0".to_owned()]
}

/// The IPv4 blocks of a list, in IPv6 form.
pub(crate) struct RepeatedInIpv6 {
    blocks: HashSet<IpNet>,
    mapped: HashSet<IpNet>,
}

impl RepeatedInIpv6 {
    /// Parses the blocks of a list. Skips invalid ones.
    pub(crate) fn new(blocks: &[String]) -> Self {
        let blocks: HashSet<_> = blocks.iter().filter_map(|block| read(block)).collect();
        Self {
            mapped: blocks.iter().filter_map(mapped).collect(),
            blocks,
        }
    }

    /// Whether `block` is an IPv4 block of the list in IPv6 form.
    pub(crate) fn has(&self, block: &str) -> bool {
        // Most values are not blocks.
        !self.mapped.is_empty() && read(block).is_some_and(|block| self.mapped.contains(&block))
    }

    /// Whether the list has an IPv4 block without its IPv6 form.
    pub(crate) fn lacks_any(&self) -> bool {
        !self.mapped.is_subset(&self.blocks)
    }
}

fn read(text: &str) -> Option<IpNet> {
    match text.parse::<IpAddr>() {
        Ok(address) => Some(IpNet::from(address)),
        Err(_) => text.parse().ok(),
    }
}

/// The same block in IPv6 form. None for an IPv6 block.
fn mapped(block: &IpNet) -> Option<IpNet> {
    let IpNet::V4(block) = block else {
        return None;
    };
    let length = MAPPED_PREFIX + Ipv4Net::prefix_len(block);
    let block = Ipv6Net::new(block.addr().to_ipv6_mapped(), length).ok()?;
    Some(block.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blocks(texts: &[&str]) -> Vec<IpNet> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn renders_ipv4_blocks_in_ipv6_form_too() {
        let blocks = blocks(&[
            "203.0.113.0/24",
            "10.0.0.1/32",
            "0.0.0.0/0",
            "2001:db8::/32",
        ]);
        assert_eq!(
            in_both_forms(&blocks),
            [
                "203.0.113.0/24",
                "::ffff:203.0.113.0/120",
                "10.0.0.1",
                "::ffff:10.0.0.1",
                "0.0.0.0/0",
                "::ffff:0.0.0.0/96",
                "2001:db8::/32",
            ]
        );
    }

    #[test]
    fn a_block_in_ipv6_form_repeats_only_the_same_block() {
        let all = in_both_forms(&blocks(&["203.0.113.0/24", "10.0.0.1/32"]));
        for (block, is_repeated) in [
            ("::ffff:203.0.113.0/120", true),
            ("::ffff:cb00:7100/120", true),
            ("::ffff:10.0.0.1", true),
            ("::ffff:10.0.0.1/128", true),
            ("203.0.113.0/24", false),
            ("::ffff:203.0.113.0/119", false),
            ("::ffff:10.0.0.2", false),
            ("::203.0.113.0/120", false),
            ("8080", false),
        ] {
            let repeated = RepeatedInIpv6::new(&all);
            assert_eq!(repeated.has(block), is_repeated, "{block}");
        }
    }

    #[test]
    fn a_list_lacks_the_ipv6_form_of_any_ipv4_block_that_has_none() {
        for (list, lacks) in [
            (&["10.0.0.0/8"][..], true),
            (&["10.0.0.0/8", "::ffff:10.0.0.0/104"], false),
            (&["10.0.0.0/8", "::ffff:10.0.0.0/104", "10.0.0.1"], true),
            (&["2001:db8::/32", "x"], false),
            (&[], false),
        ] {
            let list: Vec<_> = list.iter().map(|&block| block.to_owned()).collect();
            assert_eq!(RepeatedInIpv6::new(&list).lacks_any(), lacks, "{list:?}");
        }
    }
}
