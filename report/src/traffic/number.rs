//! Numbers for terminal output.

/// Units of 10^3, 10^6 and so on.
const UNITS: [&str; 6] = ["k", "M", "G", "T", "P", "E"];

/// A rate per second, with few digits because it changes all the time.
pub(crate) fn rate(rate: f64) -> String {
    match rate {
        0.0 => "0".to_owned(),
        rate if rate < 10.0 => format!("{rate:.2}"),
        rate => format!("{rate:.0}"),
    }
}

/// A number in at most five characters, such as `12.3M`.
pub(crate) fn compact(number: f64) -> String {
    if number.round() < 1000.0 {
        return format!("{number:.0}");
    }
    let mut scaled = number;
    for unit in UNITS {
        scaled /= 1000.0;
        // Numbers that round up to the next unit use that unit.
        if scaled < 99.95 {
            return format!("{scaled:.1}{unit}");
        }
        if scaled.round() < 1000.0 {
            return format!("{scaled:.0}{unit}");
        }
    }
    format!("{number:.0e}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_numbers_have_a_unit_in_place_of_digits() {
        for (number, shown) in [
            (0.0, "0"),
            (999.0, "999"),
            (999.6, "1.0k"),
            (1_000.0, "1.0k"),
            (1_234_567.0, "1.2M"),
            (99_949_999.0, "99.9M"),
            (99_950_000.0, "100M"),
            (123_513_124.0, "124M"),
            (370_539_372.0, "371M"),
            (999_499_999.0, "999M"),
            (999_500_000.0, "1.0G"),
            (18_446_744_073_709_551_615.0, "18.4E"),
            (1e30, "1e30"),
            (1e300, "1e300"),
        ] {
            assert_eq!(compact(number), shown, "{number}");
            assert!(shown.len() <= 5, "{shown}");
        }
    }

    #[test]
    fn small_rates_have_two_places() {
        for (number, shown) in [
            (0.0, "0"),
            (0.004, "0.00"),
            (2.99, "2.99"),
            (9.999, "10.00"),
            (12_330_718.4, "12330718"),
        ] {
            assert_eq!(rate(number), shown, "{number}");
        }
    }
}
