//! Durations in human-readable form: `90s`, `12h`, `7d`, `1d 12h`.

use std::time::Duration;

/// The units, largest first, in milliseconds.
const UNITS: [(&str, u64); 6] = [
    ("w", 604_800_000),
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

/// The fix for an invalid duration.
const FORM: &str = "write a number with `s`, `m`, `h`, `d` or `w`, such as `90s`, `12h` or `7d`";

/// Parses a duration.
pub fn parse(text: &str) -> Result<Duration, String> {
    let invalid = || FORM.to_owned();
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err(invalid());
    }
    let mut milliseconds = 0_u64;
    while !rest.is_empty() {
        let (number, behind) = split(rest, |char| char.is_ascii_digit());
        let (unit, behind) = split(behind, |char| char.is_ascii_alphabetic());
        let number: u64 = number.parse().map_err(|_| invalid())?;
        let unit = UNITS.iter().find(|(name, _)| *name == unit);
        let (_, length) = unit.ok_or_else(invalid)?;
        let part = number.checked_mul(*length);
        let sum = part.and_then(|part| milliseconds.checked_add(part));
        milliseconds = sum.ok_or("longer than any time that is known")?;
        rest = behind.trim_start();
    }
    Ok(Duration::from_millis(milliseconds))
}

/// Formats a duration in days and smaller units, without fractions of a second.
pub fn text(time: Duration) -> String {
    let mut left = time.as_secs().saturating_mul(1000);
    let mut parts = Vec::new();
    for (unit, length) in UNITS.iter().filter(|(unit, _)| *unit != "w") {
        if left >= *length {
            parts.push(format!("{}{unit}", left / length));
            left %= length;
        }
    }
    if parts.is_empty() {
        return "0s".to_owned();
    }
    parts.join(" ")
}

fn split(text: &str, is_part: impl Fn(char) -> bool) -> (&str, &str) {
    let end = text.find(|char| !is_part(char)).unwrap_or(text.len());
    text.split_at(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_with_units_are_read_and_shown() {
        for (given, milliseconds, shown) in [
            ("0s", 0, "0s"),
            ("100ms", 100, "0s"),
            ("90s", 90_000, "1m 30s"),
            ("12h", 43_200_000, "12h"),
            ("7d", 604_800_000, "7d"),
            ("1w", 604_800_000, "7d"),
            ("1d12h", 129_600_000, "1d 12h"),
            (" 1h 30m ", 5_400_000, "1h 30m"),
        ] {
            let time = parse(given).unwrap();
            assert_eq!(time, Duration::from_millis(milliseconds), "{given}");
            assert_eq!(text(time), shown, "{given}");
        }
    }

    #[test]
    fn other_forms_are_refused_with_the_right_one() {
        for given in [
            "", "7", "d", "-7d", "1.5h", "7days", "7 d", "7y", "1M", "7d,1h",
        ] {
            assert_eq!(parse(given).unwrap_err(), FORM, "{given}");
        }
        assert!(
            parse("99999999999999999w")
                .unwrap_err()
                .starts_with("longer")
        );
    }
}
