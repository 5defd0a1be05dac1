//! Medians, percentiles and bootstrap intervals.

use fastrand::Rng;

/// With fewer values, not even the smallest and the largest enclose the median with 95 % certainty.
const MIN_VALUES: usize = 6;
/// The number of samples that the bootstrap draws.
const RESAMPLES: usize = 2_000;

/// A median with its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The median.
    pub median: f64,
    /// The interval, unless there are too few values for one.
    pub interval: Option<Interval>,
}

/// An interval that contains the true median with 95 % certainty.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

impl Estimate {
    /// The median of `values` with its percentile-bootstrap interval. The same values give the same interval. `None` if there are no
    /// values.
    pub fn of(values: &[f64]) -> Option<Self> {
        Some(Self {
            median: median(values)?,
            interval: bootstrap(values),
        })
    }
}

fn bootstrap(values: &[f64]) -> Option<Interval> {
    if values.len() < MIN_VALUES {
        return None;
    }
    let mut random = Rng::with_seed(0);
    let mut medians = Vec::with_capacity(RESAMPLES);
    let mut resample = Vec::with_capacity(values.len());
    for _ in 0..RESAMPLES {
        resample.clear();
        for _ in values {
            resample.extend(values.get(random.usize(..values.len())));
        }
        medians.extend(median(&resample));
    }
    Some(Interval {
        low: percentile(&medians, 2.5)?,
        high: percentile(&medians, 97.5)?,
    })
}

/// The median: for an even number of values, the mean of the middle two. `None` if there are no values.
pub fn median(values: &[f64]) -> Option<f64> {
    percentile(values, 50.0)
}

/// The value below which `percent` of the values are, interpolated between neighbors. `None` if there are no values.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "positions are small and not negative"
)]
pub fn percentile(values: &[f64], percent: f64) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().checked_sub(1)?;
    let position = percent / 100.0 * last as f64;
    let below = sorted.get(position.floor() as usize)?;
    let above = sorted.get(position.ceil() as usize)?;
    Some(below + (above - below) * position.fract())
}

/// The distance between the quartiles, as a share of the median. `None` if there are no values, or their median is zero.
pub fn relative_spread(values: &[f64]) -> Option<f64> {
    let median = median(values).filter(|median| *median != 0.0)?;
    Some((percentile(values, 75.0)? - percentile(values, 25.0)?) / median)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_near(got: Option<f64>, expected: f64) {
        let got = got.expect("a value");
        assert!((got - expected).abs() < 1e-9, "{got} is not {expected}");
    }

    #[test]
    fn medians_and_percentiles() {
        assert_eq!(median(&[]), None);
        assert_near(median(&[3.0]), 3.0);
        assert_near(median(&[9.0, 1.0, 2.0]), 2.0);
        assert_near(median(&[1.0, 2.0, 4.0, 100.0]), 3.0);
        let hundred: Vec<f64> = (0..=100).map(f64::from).collect();
        assert_near(percentile(&hundred, 99.0), 99.0);
        assert_near(percentile(&hundred, 2.5), 2.5);
        assert_near(percentile(&hundred, 100.0), 100.0);
        assert_near(relative_spread(&hundred), 1.0);
    }

    fn interval(values: &[f64]) -> Interval {
        let estimate = Estimate::of(values).expect("an estimate");
        estimate.interval.expect("an interval")
    }

    #[test]
    fn the_interval_of_equal_values_is_a_point() {
        let Interval { low, high } = interval(&[7.0; 20]);
        assert_near(Some(low), 7.0);
        assert_near(Some(high), 7.0);
        assert_eq!(Estimate::of(&[]), None);
    }

    #[test]
    fn few_values_have_no_interval() {
        let estimate = Estimate::of(&[1.0, 2.0, 3.0, 4.0, 5.0]).expect("an estimate");
        assert_near(Some(estimate.median), 3.0);
        assert_eq!(estimate.interval, None);
    }

    /// 95 of 100 intervals should contain the true median. 85 allows for chance and for the bootstrap's error at 30 values.
    #[test]
    fn intervals_cover_the_true_median() {
        let mut random = Rng::with_seed(1);
        let covering = (0..100).filter(|_| {
            let values: Vec<f64> = (0..30).map(|_| random.f64()).collect();
            let Interval { low, high } = interval(&values);
            (low..=high).contains(&0.5)
        });
        let covering = covering.count();
        assert!((85..100).contains(&covering), "{covering}");
    }

    #[test]
    fn intervals_narrow_with_the_number_of_values() {
        let width = |count: u32| {
            let mut random = Rng::with_seed(2);
            let values: Vec<f64> = (0..count).map(|_| random.f64()).collect();
            let Interval { low, high } = interval(&values);
            high - low
        };
        assert!(width(400) < width(25) / 2.0);
    }
}
