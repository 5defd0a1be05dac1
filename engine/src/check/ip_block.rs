//! IP addresses and CIDR blocks.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::code;
use crate::problem::{Cursor, Problems};

/// An address, or a block without host bits. Envoy would drop host bits and so match more than was
/// written.
pub(super) fn check_ip_block(
    text: &str,
    cursor: &Cursor<'_>,
    problems: &mut Problems,
) -> Option<IpNet> {
    let block = match text.parse::<IpAddr>() {
        Ok(address) => Some(IpNet::from(address)),
        Err(_) => text.parse::<IpNet>().ok(),
    };
    let mapped = match block {
        Some(IpNet::V6(block)) => block.addr().to_ipv4_mapped(),
        _ => None,
    };
    let mistake = match block {
        None => format!("`{text}` is neither an IP address nor a CIDR block"),
        Some(_) if mapped.is_some() => format!("`{text}` is an IPv4-mapped IPv6 address"),
        Some(block) if block != block.trunc() => {
            format!("`{text}` has address bits beyond the prefix length")
        }
        Some(_) => return block,
    };
    let help = match block {
        Some(block) if mapped.is_some() => match (mapped, block.prefix_len().checked_sub(96)) {
            (Some(address), Some(length)) => {
                format!("write `{address}/{length}`, which matches both forms")
            }
            _ => "write the IPv4 block, which matches both forms".to_owned(),
        },
        Some(block) if block != block.trunc() => {
            format!("write `{}`, or the address alone", block.trunc())
        }
        _ => "write it as `10.0.0.1`, `10.0.0.0/8` or `2001:db8::/32`".to_owned(),
    };
    problems.report(code::INVALID_IP_BLOCK, cursor, mistake, help);
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> Result<String, String> {
        let mut problems = Problems::default();
        let block = check_ip_block(text, &Cursor::Root, &mut problems);
        let problem = problems.into_vec().pop();
        assert_ne!(block.is_some(), problem.is_some(), "{text}");
        match problem {
            None => Ok(block.unwrap().to_string()),
            Some(problem) => Err(problem.help),
        }
    }

    #[test]
    fn accepts_addresses_and_blocks() {
        for (text, block) in [
            ("10.0.0.1", "10.0.0.1/32"),
            ("10.0.0.0/8", "10.0.0.0/8"),
            ("0.0.0.0/0", "0.0.0.0/0"),
            ("2001:db8::/32", "2001:db8::/32"),
            ("::1", "::1/128"),
        ] {
            assert_eq!(check(text).as_deref(), Ok(block));
        }
    }

    #[test]
    fn rejects_invalid_addresses() {
        for text in [
            "",
            "10.0.0",
            "10.0.0.0/33",
            "10.0.0.0/",
            "010.0.0.1",
            "a::b::c",
            "10.0.0.1/+8",
            "::ffff:10.0.0.1",
            "::ffff:10.0.0.0/104",
            "10.0.0.1 ",
            "example.com",
        ] {
            assert!(check(text).is_err(), "{text}");
        }
    }

    #[test]
    fn rejects_mapped_addresses_and_suggests_ipv4() {
        for (text, help) in [
            (
                "::ffff:10.0.0.1",
                "write `10.0.0.1/32`, which matches both forms",
            ),
            (
                "::ffff:10.0.0.0/104",
                "write `10.0.0.0/8`, which matches both forms",
            ),
            (
                "::ffff:0:0/90",
                "write the IPv4 block, which matches both forms",
            ),
        ] {
            assert_eq!(check(text).unwrap_err(), help);
        }
    }

    #[test]
    fn rejects_host_bits_in_blocks() {
        assert_eq!(
            check("10.1.2.3/8").unwrap_err(),
            "write `10.0.0.0/8`, or the address alone"
        );
    }
}
