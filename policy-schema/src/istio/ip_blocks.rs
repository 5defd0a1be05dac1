//! Address blocks in the forms in which Envoy compares them.
//!
//! Envoy never finds an IPv4-mapped IPv6 address (`::ffff:10.0.0.1`) in an IPv4 block, but takes
//! such addresses from `x-forwarded-for` and the PROXY protocol. The language takes both forms for
//! the same host.

use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use crate::rule::ip_block;

/// How many bits of an IPv4-mapped address stand before the IPv4 address.
const MAPPED_PREFIX: u8 = 96;

/// The blocks, each IPv4 block followed by the block of the same addresses in IPv6 form.
pub(super) fn in_both_forms(blocks: &[IpNet]) -> Vec<String> {
    let forms = |block: &IpNet| [Some(*block), mapped(block)].into_iter().flatten();
    let forms = blocks.iter().flat_map(forms);
    forms.map(|block| ip_block(&block)).collect()
}

/// Every address. An `Allow` rule that only excludes addresses asks for it too: a connection that
/// has no address, such as one of a Unix socket, is excluded by no block.
pub(super) fn every_address() -> Vec<String> {
    vec!["0.0.0.0/0".to_owned(), "::/0".to_owned()]
}

/// Whether `block` only repeats one of `blocks` in IPv6 form.
pub(crate) fn is_repeated_in_ipv6(block: &str, blocks: &[String]) -> bool {
    let read = |text: &str| match text.parse::<IpAddr>() {
        Ok(address) => Some(IpNet::from(address)),
        Err(_) => text.parse().ok(),
    };
    read(block).is_some_and(|block| {
        let mut others = blocks.iter().filter_map(|other| read(other));
        others.any(|other| mapped(&other).is_some_and(|other| other == block))
    })
}

/// The block of the same addresses in IPv6 form; none of an IPv6 block.
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
    fn each_ipv4_block_is_written_in_ipv6_form_too() {
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
    fn a_block_in_ipv6_form_repeats_the_same_block_alone() {
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
            assert_eq!(is_repeated_in_ipv6(block, &all), is_repeated, "{block}");
        }
    }
}
