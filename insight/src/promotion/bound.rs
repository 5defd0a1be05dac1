//! An exact one-sided upper confidence bound for a proportion
//! (C. J. Clopper and E. S. Pearson, "The use of confidence or fiducial limits", 1934).

use std::f64::consts::PI;
use std::fmt;

/// Bisection steps, more than the bits of an `f64`.
const BISECTIONS: usize = 200;

/// A proportion of requests between 0 and 1.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Share(f64);

/// A confidence level between 0 and 1, exclusive.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Confidence(f64);

impl Share {
    /// The proportion `some` / `all`.
    #[expect(
        clippy::cast_precision_loss,
        reason = "the error beyond 2^53 requests is negligible"
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
            _ => Err(
                "use a percentage, such as `0.1%`, or a fraction below 1, such as `0.001`"
                    .to_owned(),
            ),
        }
    }

    /// As a number between 0 and 1.
    pub fn as_fraction(self) -> f64 {
        self.0
    }
}

impl fmt::Display for Share {
    /// Formats percent with two significant digits: `0.03 %`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        percent(self.0, f)
    }
}

impl Confidence {
    /// Reads `95%` or `0.95`.
    pub fn parse(text: &str) -> Result<Self, String> {
        match fraction(text) {
            Some(confidence) if confidence > 0.0 && confidence < 1.0 => Ok(Self(confidence)),
            _ => Err("write a confidence level, such as `95%` or `0.95`".to_owned()),
        }
    }

    /// As a number between 0 and 1.
    pub fn as_fraction(self) -> f64 {
        self.0
    }

    /// The natural logarithm of 1 - confidence.
    fn ln_complement(self) -> f64 {
        (-self.0).ln_1p()
    }
}

impl fmt::Display for Confidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // All given digits, so that 99.9 % is not shown as 100 %.
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
    // The decimal place of the second significant digit.
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

/// The largest rate at which `events` or fewer among `requests` still have a probability of 1 - confidence.
#[expect(
    clippy::cast_precision_loss,
    reason = "the error beyond 2^53 requests is negligible"
)]
pub(crate) fn upper_bound(events: u64, requests: u64, confidence: Confidence) -> Share {
    if events >= requests {
        return Share(1.0);
    }
    let (k, n) = (events as f64, requests as f64);
    let wanted = confidence.ln_complement();
    if events == 0 {
        // (1 - p)^n = 1 - c, solved for p.
        return Share(-(wanted / n).exp_m1());
    }
    // The probability decreases as the rate grows.
    let (mut low, mut high) = (k / n, 1.0);
    for _ in 0..BISECTIONS {
        let middle = f64::midpoint(low, high);
        if ln_at_most(k, n, middle) > wanted {
            low = middle;
        } else {
            high = middle;
        }
    }
    Share(high)
}

/// The number of requests without an event for which the bound is at most `limit`.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the number is positive, and the cast saturates"
)]
pub(crate) fn requests_needed(limit: Share, confidence: Confidence) -> u64 {
    (confidence.ln_complement() / (-limit.0).ln_1p()).ceil() as u64
}

/// The logarithm of the probability of at most `k` events among `n`, each with the probability `p`, where `k/n < p`.
fn ln_at_most(k: f64, n: f64, p: f64) -> f64 {
    // The terms for k, k - 1, and so on decrease.
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

/// Stirling's series, applied to numbers for which few terms suffice.
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

    /// Expected values computed with 60 digits by summation and bisection.
    #[test]
    fn bounds_equal_exact_arithmetic() {
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
    fn requests_needed_reach_the_limit_exactly() {
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
    fn bound_decreases_with_more_requests() {
        let confidence = Confidence::parse("95%").unwrap();
        for events in [0, 1, 7, 400] {
            let bounds = (1..=12).map(|power| upper_bound(events, 1 << power, confidence));
            assert!(bounds.is_sorted_by(|smaller, larger| smaller >= larger));
        }
    }

    #[test]
    fn parses_and_formats_shares_in_percent() {
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
