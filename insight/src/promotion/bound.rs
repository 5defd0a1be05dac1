//! How often something can happen at limit, after it was seen so often: an exact upper bound for a share
//! (C. J. Clopper and E. S. Pearson, "The use of confidence or fiducial limits", 1934), one-sided.

use std::f64::consts::PI;
use std::fmt;

/// More halvings than a number has digits.
const HALVINGS: usize = 200;

/// A share of all requests: between 0 and 1.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Share(f64);

/// How sure a statement is: more than 0 and less than 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Confidence(f64);

impl Share {
    /// So many of so many.
    #[expect(
        clippy::cast_precision_loss,
        reason = "beyond 2^53 requests the last digits do not count"
    )]
    pub fn from_counts(some: u64, all: u64) -> Self {
        Self(if all == 0 {
            1.0
        } else {
            (some as f64 / all as f64).min(1.0)
        })
    }

    /// Reads `0.1%` or `0.001`.
    pub fn parse(text: &str) -> Result<Self, String> {
        match fraction(text) {
            Some(share) if share > 0.0 && share < 1.0 => Ok(Self(share)),
            _ => Err("write a share between 0 and 1, such as `0.1%` or `0.001`".to_owned()),
        }
    }

    /// As a number between 0 and 1.
    pub fn as_fraction(self) -> f64 {
        self.0
    }
}

impl fmt::Display for Share {
    /// In percent with two digits that count: `0.03 %`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        percent(self.0, f)
    }
}

impl Confidence {
    /// Reads `95%` or `0.95`.
    pub fn parse(text: &str) -> Result<Self, String> {
        match fraction(text) {
            Some(confidence) if confidence > 0.0 && confidence < 1.0 => Ok(Self(confidence)),
            _ => Err("write how sure to be, such as `95%` or `0.95`".to_owned()),
        }
    }

    /// As a number between 0 and 1.
    pub fn as_fraction(self) -> f64 {
        self.0
    }

    /// The natural logarithm of what is left to chance.
    fn ln_rest(self) -> f64 {
        (-self.0).ln_1p()
    }
}

impl fmt::Display for Confidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The digits as they were given: 99.9 % is not 100 %.
        let rounded = (self.0 * 1e8).round() / 1e6;
        write!(f, "{rounded} %")
    }
}

fn fraction(text: &str) -> Option<f64> {
    let text = text.trim();
    match text.strip_suffix('%') {
        Some(percent) => Some(percent.trim_end().parse::<f64>().ok()? / 100.0),
        None => text.parse().ok(),
    }
}

fn percent(fraction: f64, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let percent = fraction * 100.0;
    if percent == 0.0 {
        return f.write_str("0 %");
    }
    // The place of the second digit that counts, as far as there are places after the point.
    let mut places = 0_usize;
    let mut scale = 10.0;
    while percent * scale < 100.0 && places < 12 {
        places += 1;
        scale *= 10.0;
    }
    let text = format!("{percent:.places$}");
    let text = if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.')
    } else {
        &text
    };
    write!(f, "{text} %")
}

/// The largest share that still leaves the confidence's rest a chance to see as few as `events`
/// among `requests`.
#[expect(
    clippy::cast_precision_loss,
    reason = "beyond 2^53 requests the last digits do not count"
)]
pub(crate) fn upper_bound(events: u64, requests: u64, confidence: Confidence) -> Share {
    if events >= requests {
        return Share(1.0);
    }
    let (k, n) = (events as f64, requests as f64);
    let wanted = confidence.ln_rest();
    if events == 0 {
        // (1 - p)^n = 1 - c, solved for p.
        return Share(-(wanted / n).exp_m1());
    }
    // The chance falls as the share grows.
    let (mut low, mut high) = (k / n, 1.0);
    for _ in 0..HALVINGS {
        let middle = f64::midpoint(low, high);
        if ln_at_most(k, n, middle) > wanted {
            low = middle;
        } else {
            high = middle;
        }
    }
    Share(high)
}

/// How many requests without an event make the bound no larger than `limit`.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the number is positive, and what is beyond the bounds becomes the bound"
)]
pub(crate) fn requests_needed(limit: Share, confidence: Confidence) -> u64 {
    (confidence.ln_rest() / (-limit.0).ln_1p()).ceil() as u64
}

/// The logarithm of the chance of at limit `k` events among `n`, each with the chance `p`, where `k/n < p`.
fn ln_at_most(k: f64, n: f64, p: f64) -> f64 {
    // Each term is smaller than the one above it, which it is a part of: k, k - 1, and so on.
    let odds = (1.0 - p) / p;
    let (mut sum, mut term, mut i) = (1.0, 1.0, k);
    while i > 0.0 && term > sum * f64::EPSILON {
        term *= i / (n - i + 1.0) * odds;
        sum += term;
        i -= 1.0;
    }
    let ln_choose = ln_factorial(n) - ln_factorial(k) - ln_factorial(n - k);
    ln_choose + k * p.ln() + (n - k) * (-p).ln_1p() + f64::ln(sum)
}

/// By Stirling's series, from a number on for which few of its terms do.
fn ln_factorial(n: f64) -> f64 {
    let (mut x, mut below) = (n + 1.0, 0.0);
    while x < 12.0 {
        below += f64::ln(x);
        x += 1.0;
    }
    let square = x * x;
    let series =
        (1.0 / 12.0 - (1.0 / 360.0 - (1.0 / 1260.0 - 1.0 / 1680.0 / square) / square) / square) / x;
    (x - 0.5) * x.ln() - x + 0.5 * (2.0 * PI).ln() + series - below
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Computed with 60 digits, by summing and halving.
    #[test]
    fn bounds_are_those_of_exact_arithmetic() {
        let cases = [
            (0, 0, "95%", 1.0),
            (0, 1, "95%", 0.95),
            (0, 10, "95%", 0.258_865_550_893),
            (0, 3000, "95%", 0.000_998_079_011_997),
            (1, 10, "95%", 0.394_163_302_437),
            (5, 100, "95%", 0.102_253_377_643),
            (9, 10, "95%", 0.994_883_803_108),
            (10, 10, "95%", 1.0),
            (11, 10, "95%", 1.0),
            (1, 1_000_000, "95%", 4.743_855_638_21e-6),
            (3, 100_000, "99%", 0.000_100_447_636_756),
            (50, 1000, "90%", 0.060_024_857_427_2),
            (5000, 100_000, "0.95", 0.051_148_321_947),
            (500, 500_000, "99%", 0.001_109_012_492_34),
        ];
        for (events, requests, confidence, expected) in cases {
            let bound = upper_bound(events, requests, Confidence::parse(confidence).unwrap());
            let error = (bound.as_fraction() / expected - 1.0).abs();
            assert!(
                error < 1e-9,
                "{events} of {requests} at {confidence}: {bound:?}"
            );
        }
    }

    #[test]
    fn as_many_requests_are_needed_as_make_the_bound_small_enough() {
        let confidence = Confidence::parse("95%").unwrap();
        for (limit, expected) in [
            ("0.1%", 2995),
            ("1%", 299),
            ("50%", 5),
            ("0.0001%", 2_995_731),
        ] {
            let limit = Share::parse(limit).unwrap();
            let needed = requests_needed(limit, confidence);
            assert_eq!(needed, expected);
            assert!(upper_bound(0, needed, confidence) <= limit);
            assert!(upper_bound(0, needed - 1, confidence) > limit);
        }
    }

    #[test]
    fn more_requests_never_make_the_bound_larger() {
        let confidence = Confidence::parse("95%").unwrap();
        for events in [0, 1, 7, 400] {
            let bounds = (1..=12).map(|power| upper_bound(events, 1 << power, confidence));
            assert!(bounds.is_sorted_by(|smaller, larger| smaller >= larger));
        }
    }

    #[test]
    fn shares_are_read_and_shown_in_percent() {
        for (text, expected) in [
            ("0.1%", "0.1 %"),
            ("0.001", "0.1 %"),
            ("5 %", "5 %"),
            ("0.0000123", "0.0012 %"),
            ("0.33333", "33 %"),
            ("0.995", "100 %"),
            ("0.012", "1.2 %"),
        ] {
            let share = Share::parse(text).unwrap();
            assert_eq!(share.to_string(), expected, "{text}");
        }
        assert_eq!(Confidence::parse("99.9%").unwrap().to_string(), "99.9 %");
        assert_eq!(Confidence::parse("0.95").unwrap().to_string(), "95 %");
        for text in ["0", "1", "100%", "-1%", "NaN", "", "%", "many"] {
            assert!(Share::parse(text).is_err(), "{text}");
            assert!(Confidence::parse(text).is_err(), "{text}");
        }
    }
}
