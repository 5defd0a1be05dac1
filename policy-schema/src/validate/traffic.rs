//! Checks the limits that callers' proxies apply.

use crate::code;
use crate::document::TrafficSpec;
use crate::problem::{Cursor, Problems};

/// Checks the limits. `cursor` is at them.
pub(super) fn check(spec: &TrafficSpec, cursor: &Cursor<'_>, problems: &mut Problems) {
    if *spec == TrafficSpec::default() {
        problems.report(
            code::EMPTY_MATCHER,
            cursor,
            "no limit is set",
            "remove the field, or add a limit",
        );
    }
    check_duration(
        spec.connect_timeout.as_deref(),
        &cursor.key("connectTimeout"),
        problems,
    );
    let limits = [
        ("maxConnections", spec.max_connections),
        ("maxPendingRequests", spec.max_pending_requests),
        ("maxRequests", spec.max_requests),
        ("maxRequestsPerConnection", spec.max_requests_per_connection),
        ("maxRetries", spec.max_retries),
    ];
    for (key, limit) in limits {
        check_limit(limit, &cursor.key(key), problems);
    }
    let Some(outliers) = &spec.outlier_detection else {
        return;
    };
    let cursor = cursor.key("outlierDetection");
    check_limit(
        outliers.consecutive5xx_errors,
        &cursor.key("consecutive5xxErrors"),
        problems,
    );
    check_duration(
        outliers.interval.as_deref(),
        &cursor.key("interval"),
        problems,
    );
    check_duration(
        outliers.base_ejection_time.as_deref(),
        &cursor.key("baseEjectionTime"),
        problems,
    );
    if outliers
        .max_ejection_percent
        .is_some_and(|percent| percent > 100)
    {
        problems.report(
            code::INVALID_VALUE,
            &cursor.key("maxEjectionPercent"),
            "a percentage cannot exceed 100",
            "use a number from 0 to 100",
        );
    }
}

/// Checks a limit. In Istio, 0 means no limit or Istio's default, and numbers have 31 bits.
fn check_limit(limit: Option<u32>, cursor: &Cursor<'_>, problems: &mut Problems) {
    if limit.is_some_and(|limit| limit == 0 || i32::try_from(limit).is_err()) {
        problems.report(
            code::INVALID_VALUE,
            cursor,
            "a limit is a number from 1 to 2147483647",
            "remove the field to use Istio's default",
        );
    }
}

/// Checks a duration in Istio's format: a number with `ms`, `s`, `m` or `h`, at least one
/// millisecond.
pub(super) fn check_duration(text: Option<&str>, cursor: &Cursor<'_>, problems: &mut Problems) {
    let Some(text) = text else { return };
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let unit = text.strip_prefix(digits).unwrap_or_default();
    let is_duration = matches!(unit, "ms" | "s" | "m" | "h")
        && digits.len() <= 9
        && digits.parse::<u32>().is_ok_and(|number| number > 0);
    if !is_duration {
        problems.report(
            code::INVALID_VALUE,
            cursor,
            format!("`{text}` is not a time span"),
            "use a whole number with `ms`, `s`, `m` or `h`, such as `30s`",
        );
    }
}
