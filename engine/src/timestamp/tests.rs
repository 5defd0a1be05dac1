use super::*;

const SECOND: u64 = 1_000_000_000;

#[test]
fn times_are_read_in_utc() {
    let cases = [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T00:00:01Z", SECOND),
        ("1970-01-01T00:00:01.5Z", SECOND + SECOND / 2),
        ("1970-01-01T00:00:00.000000001Z", 1),
        ("1970-01-02T00:00:00+00:00", 86_400 * SECOND),
        ("2024-02-29T12:00:00Z", 1_709_208_000 * SECOND),
        ("2026-12-31T23:59:59Z", 1_798_761_599 * SECOND),
        // The last whole second that 64 bits of nanoseconds hold.
        ("2554-07-21T23:34:33Z", 18_446_744_073 * SECOND),
        ("9999-12-31T23:59:59Z", u64::MAX),
    ];
    for (text, expected) in cases {
        let expected = Timestamp::from_unix_nanoseconds(expected);
        assert_eq!(Timestamp::parse(text), Ok(expected), "{text}");
    }
}

#[test]
fn rejects_texts_that_are_not_utc_times() {
    let cases = [
        "",
        "2026-12-31",
        "2026-12-31T23:59:59",
        "2026-12-31 23:59:59Z",
        "2026-12-31T23:59:59z",
        "2026-12-31t23:59:59Z",
        "2026-12-31T23:59:59+01:00",
        "2026-12-31T23:59:59-00:00",
        "2026-12-31T23:59:59+0000",
        "2026-12-31T23:59Z",
        "2026-12-31T24:00:00Z",
        "2026-12-31T23:60:00Z",
        "2026-12-31T23:59:61Z",
        "2026-13-01T00:00:00Z",
        "2026-00-01T00:00:00Z",
        "2026-02-29T00:00:00Z",
        "2026-01-00T00:00:00Z",
        "1969-12-31T23:59:59Z",
        "+2026-12-31T23:59:59Z",
        " 2026-12-31T23:59:59Z",
        "2026-12-31T23:59:59Z ",
        "2026-12-31T23:59:59ZZ",
        "2026-12-31T23:59:59Z-8hZ",
        "2026-12-31T23:59:59Z+00:00",
        "２026-12-31T23:59:59Z",
        "tomorrow",
        "1798761599",
    ];
    for text in cases {
        assert_eq!(Timestamp::parse(text), Err(InvalidTime), "{text}");
    }
}

#[test]
fn times_round_trip() {
    let cases = [
        "1970-01-01T00:00:00Z",
        "2026-12-31T23:59:59Z",
        "2026-12-31T23:59:59.250000000Z",
        "2554-07-21T23:34:33.709551615Z",
    ];
    for text in cases {
        assert_eq!(Timestamp::parse(text).unwrap().to_string(), text);
    }
}

#[test]
fn rejects_times_before_the_epoch_and_saturates() {
    let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
    assert_eq!(Timestamp::try_from(at(7)), Ok(Timestamp(7 * SECOND)));
    let before = SystemTime::UNIX_EPOCH - Duration::from_nanos(1);
    assert_eq!(Timestamp::try_from(before), Err(InvalidTime));
    assert_eq!(
        Timestamp::try_from(at(18_446_744_074)),
        Ok(Timestamp(u64::MAX))
    );
}

#[test]
fn validity_includes_its_first_moment_and_excludes_its_last() {
    let validity = |not_before: Option<u64>, not_after: Option<u64>| Validity {
        not_before: not_before.map(Timestamp),
        not_after: not_after.map(Timestamp),
    };
    let cases = [
        (validity(None, None), 0, Phase::Within),
        (validity(None, None), u64::MAX, Phase::Within),
        (validity(Some(10), None), 9, Phase::Before),
        (validity(Some(10), None), 10, Phase::Within),
        (validity(None, Some(10)), 9, Phase::Within),
        (validity(None, Some(10)), 10, Phase::After),
        (validity(Some(10), Some(20)), 9, Phase::Before),
        (validity(Some(10), Some(20)), 10, Phase::Within),
        (validity(Some(10), Some(20)), 19, Phase::Within),
        (validity(Some(10), Some(20)), 20, Phase::After),
    ];
    for (validity, now, expected) in cases {
        assert_eq!(
            validity.phase(Timestamp(now)),
            expected,
            "{validity:?} at {now}"
        );
    }
    assert!(validity(None, None).is_unlimited());
    assert!(!validity(Some(0), None).is_unlimited());
    assert!(!validity(None, Some(0)).is_unlimited());
}

#[test]
fn a_day_begins_at_midnight_in_utc() {
    for (text, expected) in [
        ("1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z"),
        ("2026-12-31T23:59:59.999999999Z", "2026-12-31T00:00:00Z"),
        ("2027-01-01T00:00:00Z", "2027-01-01T00:00:00Z"),
    ] {
        let day = Timestamp::parse(text).unwrap().start_of_day();
        assert_eq!(day.to_string(), expected);
    }
}
