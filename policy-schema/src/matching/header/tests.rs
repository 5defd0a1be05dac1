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

#[test]
fn joined_values_are_split() {
    for (separator, joined, values) in [
        (Separator::Comma, "a", &["a"][..]),
        (Separator::Comma, "a,b", &["a", "b"]),
        (Separator::Comma, " a ,\t b c ,", &["a", "b c", ""]),
        (Separator::Comma, "a=1; b=2", &["a=1; b=2"]),
        (Separator::Semicolon, "a=1; b=2,c=3", &["a=1", "b=2", "c=3"]),
    ] {
        let parts = separator.parts(joined.as_bytes());
        let parts: Vec<_> = parts.map(|part| str::from_utf8(part).unwrap()).collect();
        assert_eq!(parts, values, "{joined}");
    }
}

#[test]
fn a_pattern_with_a_comma_matches_values_that_stand_together() {
    for (pattern, matching, others) in [
        (
            "a,b",
            &["a,b", "x,a,b", "a,b,x", "x, a,b ,x"][..],
            &["a", "xa,b", "a,bx", "a, b", "x,a,bx,y"][..],
        ),
        ("a,b*", &["a,b", "x,a,bx", "x,a,bx,y"], &["xa,b", "a,x,b"]),
        (
            "*a,b",
            &["a,b", "xa,b", "xa,b,y", "x,xa,b ,y"],
            &["a,bx", "a"],
        ),
        ("\"a,b\"", &["x,\"a,b\""], &["x,\"a\",b"]),
    ] {
        let pattern = TextMatch::parse(pattern).unwrap();
        let patterns = std::slice::from_ref(&pattern);
        let has = |value: &str| Separator::Comma.has_run(value.as_bytes(), patterns);
        for value in matching {
            assert!(has(value), "{pattern} in {value}");
        }
        for value in others {
            assert!(!has(value), "{pattern} in {value}");
        }
    }
}

#[test]
fn too_many_values_match_every_pattern_with_a_comma() {
    let patterns = [TextMatch::parse("a,b").unwrap()];
    let has =
        |count: usize| Separator::Comma.has_run(vec!["x"; count].join(",").as_bytes(), &patterns);
    assert!(!has(MAX_RUNS));
    assert!(has(MAX_RUNS + 1));
}
