//! Headers as a client sends them → headers as Envoy shows them to filters and RBAC.

use std::borrow::Cow;

use policy_schema::matching::header::separator_of_repeats;

/// The headers, with one value for those whose repeats Envoy joins.
pub(super) fn as_envoy_joins_them<'h>(
    sent: &[(&'h str, &'h [u8])],
) -> Vec<(&'h str, Cow<'h, [u8]>)> {
    let mut seen: Vec<(&str, Cow<'_, [u8]>)> = Vec::with_capacity(sent.len());
    for (name, value) in sent {
        let known = seen
            .iter_mut()
            .find(|(known, _)| known.eq_ignore_ascii_case(name));
        match (known, separator_of_repeats(&name.to_ascii_lowercase())) {
            (Some((_, joined)), Some(separator)) => {
                let joined = joined.to_mut();
                joined.extend_from_slice(separator.text().as_bytes());
                joined.extend_from_slice(value);
            }
            _ => seen.push((name, Cow::Borrowed(value))),
        }
    }
    seen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeats_are_joined_where_envoy_joins_them_and_else_stay_apart() {
        let sent: [(&str, &[u8]); 5] = [
            ("Accept", b"a"),
            ("x-tenant", b"1"),
            ("accept", b"b"),
            ("X-Tenant", b"2"),
            ("cookie", b"c=1"),
        ];
        let seen = as_envoy_joins_them(&sent);
        let expected: [(&str, Cow<'_, [u8]>); 4] = [
            ("Accept", b"a,b".into()),
            ("x-tenant", b"1".into()),
            ("X-Tenant", b"2".into()),
            ("cookie", b"c=1".into()),
        ];
        assert_eq!(seen, expected);
    }
}
