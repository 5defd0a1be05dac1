use super::*;

#[test]
fn joins_repeats_like_envoy() {
    for (name, separator) in [
        ("user-agent", Some(",")),
        ("x-forwarded-for", Some(",")),
        ("host", Some(",")),
        ("cookie", Some("; ")),
        ("x-tenant", None),
        ("content-length", None),
        (":path", None),
    ] {
        let found = repeat_separator(name).map(Separator::text);
        assert_eq!(found, separator, "{name}");
    }
}

#[test]
fn header_names_are_sorted_and_in_lower_case() {
    assert!(JOINED_BY_ENVOY.is_sorted());
    let lower = |name: &&str| name.to_ascii_lowercase() == **name;
    assert!(JOINED_BY_ENVOY.iter().all(lower));
}

#[test]
fn splits_joined_values() {
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

/// Whether the values of a header, sent separately, match a pattern for several values.
fn has(separator: Separator, pattern: &str, values: &[&str]) -> bool {
    let run = separator.to_run(&TextMatch::parse(pattern).unwrap());
    let mut list = ValueList::default();
    for value in values {
        list.add(separator, value.as_bytes());
    }
    list.has_any(run.as_slice())
}

#[test]
fn a_pattern_with_a_comma_matches_adjacent_values() {
    for (pattern, matching, others) in [
        (
            "a,b",
            &["a,b", "x,a,b", "a,b,x", "x, a,b ,x"][..],
            &["a", "xa,b", "a,bx", "x,a,bx,y", "a,x,b", "b,a", "a b"][..],
        ),
        ("a,b*", &["a,b", "x,a,bx", "x,a,bx,y"], &["xa,b", "a,x,b"]),
        (
            "*a,b",
            &["a,b", "xa,b", "xa,b,y", "x,xa,b ,y"],
            &["a,bx", "a"],
        ),
        (
            "a, *",
            &["a,b", "a ,b", "x,a,b", "a,"],
            &["ab", "ab,c", "a", "x,a"],
        ),
        ("*,b", &["a,b", "a, b,c", ",b"], &["ab", "a,xb", "b", "b,c"]),
        ("\"a,b\"", &["x,\"a,b\""], &["x,\"a\",b"]),
    ] {
        for value in matching {
            assert!(
                has(Separator::Comma, pattern, &[value]),
                "{pattern} in {value}"
            );
        }
        for value in others {
            assert!(
                !has(Separator::Comma, pattern, &[value]),
                "{pattern} in {value}"
            );
        }
    }
}

#[test]
fn adjacent_values_match_in_every_spelling() {
    for pattern in ["a,b", "a, b", "a ,\tb", "a,,b", " a,b", "a,b*", "*a,b"] {
        for values in [
            &["a,b"][..],
            &["a, b"],
            &["a\t ,b"],
            &["a,,b"],
            &["a, ,b,"],
            &["a", "b"],
            &["x, a", "", " b, y"],
        ] {
            assert!(
                has(Separator::Comma, pattern, values),
                "{pattern} in {values:?}"
            );
        }
        for values in [&["b", "a"][..], &["a", "x", "b"], &["a"], &[]] {
            assert!(
                !has(Separator::Comma, pattern, values),
                "{pattern} in {values:?}"
            );
        }
    }
    for values in [
        &["a=1; b=2"][..],
        &["a=1;b=2"],
        &["a=1,b=2"],
        &["a=1", "b=2"],
    ] {
        assert!(has(Separator::Semicolon, "a=1; b=2", values), "{values:?}");
    }
}

#[test]
fn a_pattern_for_one_value_is_not_a_run() {
    for pattern in ["a", "a*", "*a", "*", ",", " , ,", "a;b"] {
        let pattern = TextMatch::parse(pattern).unwrap();
        assert!(Separator::Comma.to_run(&pattern).is_none(), "{pattern}");
    }
}

#[test]
fn too_many_values_match_every_pattern_with_a_comma() {
    let values = vec!["x"; MAX_RUNS + 1];
    for values in [values.clone(), vec![&*values.join(",")]] {
        assert!(has(Separator::Comma, "a,b", &values));
    }
    assert!(!has(Separator::Comma, "a,b", &values[..MAX_RUNS]));
}
