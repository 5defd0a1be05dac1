//! The spellings of one host in `:authority`.

use std::borrow::Cow;

use super::header::Separator;

/// How many joined hosts are told apart. A request with more of them is nobody's honest one.
const MAX_HOSTS: usize = 16;

/// The hosts that a workload may find in `authority`, in their plain spelling: of several that a proxy
/// joined each, without user information, the dot at the end of the name, an empty port and zeros in
/// front of the port.
///
/// `None` where there are too many to look at.
pub(crate) fn hosts_in(authority: &[u8]) -> Option<impl Iterator<Item = Cow<'_, [u8]>>> {
    let parts = || Separator::Comma.split(authority);
    (parts().nth(MAX_HOSTS).is_none()).then(|| parts().map(plain))
}

fn plain(host: &[u8]) -> Cow<'_, [u8]> {
    let host = match host.iter().rposition(|&byte| byte == b'@') {
        Some(at) => host.get(at.saturating_add(1)..).unwrap_or_default(),
        None => host,
    };
    let (name, port) = split_port(host);
    let plain_name = without_end_dots(name);
    let plain_port = port.map(|port| {
        let zeros = port.iter().take_while(|&&digit| digit == b'0').count();
        port.get(zeros..).unwrap_or_default()
    });
    match plain_port {
        None => Cow::Borrowed(plain_name),
        Some([]) => Cow::Borrowed(plain_name),
        Some(_) if plain_name.len() == name.len() && plain_port == port => Cow::Borrowed(host),
        Some(port) => Cow::Owned([plain_name, b":", port].concat()),
    }
}

/// The name, and what follows the last colon where that is digits.
fn split_port(host: &[u8]) -> (&[u8], Option<&[u8]>) {
    let colon = host.iter().rposition(|&byte| byte == b':');
    let parts = colon.and_then(|colon| {
        let port = host.get(colon.checked_add(1)?..)?;
        let is_port = port.iter().all(u8::is_ascii_digit);
        is_port.then_some((host.get(..colon)?, Some(port)))
    });
    parts.unwrap_or((host, None))
}

/// A DNS name without the dot of the root.
pub(crate) fn without_end_dots(name: &[u8]) -> &[u8] {
    let dots = name.iter().rev().take_while(|&&byte| byte == b'.').count();
    name.get(..name.len().saturating_sub(dots))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(authority: &str) -> Vec<String> {
        let hosts = hosts_in(authority.as_bytes()).unwrap();
        hosts
            .map(|host| String::from_utf8(host.into_owned()).unwrap())
            .collect()
    }

    #[test]
    fn each_host_is_read_in_its_plain_spelling() {
        for (authority, expected) in [
            ("admin.shop", &["admin.shop"][..]),
            ("admin.shop:80", &["admin.shop:80"]),
            ("admin.shop.", &["admin.shop"]),
            ("admin.shop..", &["admin.shop"]),
            ("admin.shop.:80", &["admin.shop:80"]),
            ("admin.shop:", &["admin.shop"]),
            ("admin.shop:0080", &["admin.shop:80"]),
            ("x@admin.shop", &["admin.shop"]),
            ("x:y@z@admin.shop.:80", &["admin.shop:80"]),
            ("admin.shop, orders.shop.", &["admin.shop", "orders.shop"]),
            ("[::1]", &["[::1]"]),
            ("[::1]:80", &["[::1]:80"]),
            ("admin.shop:http", &["admin.shop:http"]),
            ("", &[""]),
            (".", &[""]),
        ] {
            assert_eq!(hosts(authority), expected, "{authority}");
        }
    }

    #[test]
    fn too_many_hosts_are_not_told_apart() {
        let joined = |count: usize| vec!["a"; count].join(",");
        assert_eq!(hosts(&joined(MAX_HOSTS)).len(), MAX_HOSTS);
        assert!(hosts_in(joined(MAX_HOSTS + 1).as_bytes()).is_none());
    }
}
