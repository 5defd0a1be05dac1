use super::*;

#[cfg(feature = "authoring")]
#[test]
fn repeats_are_joined_where_envoy_joins_them() {
    for (name, separator) in [
        ("user-agent", Some(",")),
        ("x-forwarded-for", Some(",")),
        ("host", Some(",")),
        ("cookie", Some("; ")),
        ("x-tenant", None),
        ("content-length", None),
        (":path", None),
    ] {
        let found = separator_of_repeats(name).map(Separator::text);
        assert_eq!(found, separator, "{name}");
    }
}

#[cfg(feature = "authoring")]
#[test]
fn names_are_in_order_and_in_lower_case() {
    assert!(JOINED_BY_ENVOY.is_sorted());
    let lower = |name: &&str| name.to_ascii_lowercase() == **name;
    assert!(JOINED_BY_ENVOY.iter().all(lower));
}
