//! What the filter reports about decisions, and to whom. The `Mesh` and the plugin config share
//! these fields.

#[cfg(feature = "schemars")]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::code;
use crate::problem::{Cursor, Problems};

/// What the filter reports about decisions.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schemars", derive(JsonSchema))]
#[cfg_attr(
    feature = "schemars",
    schemars(extend(
        "if" = {"properties": {"metricNames": {"const": "Flat"}}, "required": ["metricNames"]},
        "then" = {"properties": {"learning": false}},
    ))
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReportingSpec {
    /// Whether upstreams receive the verified caller and the decision in the header `x-peergate`,
    /// which costs a few microseconds per request. `false` removes the header if a client sends it.
    /// Default: the filter leaves the header alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upstream_header: Option<bool>,
    /// How metrics are named. Default: `Labelled`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schemars", schemars(extend("default" = MetricNames::default())))]
    pub metric_names: Option<MetricNames>,
    /// The requests for which the proxy's access log receives policy, rule, effect and reason.
    /// `All` costs a few microseconds per request. Default: `Denied`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schemars", schemars(extend("default" = ReportedRequests::default())))]
    pub access_log: Option<ReportedRequests>,
    /// What denied callers learn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub denials: Option<DenialsSpec>,
    /// The filter's own log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log: Option<LogSpec>,
    /// Counts requests by caller, method and path, for `peergate learn`. Default: off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub learning: Option<LearningSpec>,
}

/// What happens to the header `x-peergate` of a request that passes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UpstreamHeader {
    /// It contains the verified caller and the decision, regardless of what the client sent.
    Written,
    /// It is removed if the client sent it.
    Removed,
    /// It is treated like any other header.
    #[default]
    Ignored,
}

/// How metrics are named.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schemars", derive(JsonSchema))]
pub enum MetricNames {
    /// With labels, which proxies extract from names (Istio, `extraStatTags`).
    #[default]
    Labelled,
    /// With all values in the name, for proxies that do not extract labels. Prometheus can extract
    /// them by relabelling.
    Flat,
}

/// Which requests are reported.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schemars", derive(JsonSchema))]
pub enum ReportedRequests {
    /// Requests that are denied, or that a policy or rule in shadow would deny.
    #[default]
    Denied,
    /// All requests.
    All,
}

/// What denied callers learn.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schemars", derive(JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DenialsSpec {
    /// A page about denials: an `https://` URL. Callers who learn the reason get the URL with the
    /// reason code as its fragment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schemars", schemars(length(max = MAX_TEXT_LEN), regex(pattern = DOCUMENTATION), extend("examples" = ["https://docs.example.com/denials"])))]
    pub documentation: Option<String>,
    /// A contact for denied callers, such as a URL, an email address or a channel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schemars", schemars(length(max = MAX_TEXT_LEN), regex(pattern = "\\S"), extend("examples" = ["#platform-team"])))]
    pub contact: Option<String>,
    /// What callers of the mesh learn, except gateways. Default: `NearestRule`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schemars", schemars(extend("default" = TO_MESH)))]
    pub to_mesh: Option<Disclosure>,
    /// What all other callers learn, and callers through a gateway of the mesh. Default:
    /// `Decision`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schemars", schemars(extend("default" = TO_STRANGERS)))]
    pub to_strangers: Option<Disclosure>,
}

/// How much a caller learns.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "schemars", derive(JsonSchema))]
pub enum Disclosure {
    /// The decision ID, which `peergate explain` reads.
    Decision,
    /// Also the reason.
    Reason,
    /// Also the rule that decided or is nearest, its owner, and the differences.
    NearestRule,
}

/// The filter's own log: a line of JSON for each denial and each shadow hit.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schemars", derive(JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LogSpec {
    /// The maximum number of lines per second and worker, separately for denials and shadow hits of
    /// mesh callers and of strangers. The next line reports how many were omitted. From 0 (no log)
    /// to 1000. Default: 10.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schemars", schemars(range(max = MAX_LINES_PER_SECOND), extend("default" = DEFAULT_LINES)))]
    pub lines_per_second: Option<u16>,
}

/// Counts requests by caller, method and path.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schemars", derive(JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LearningSpec {
    /// The maximum number of combinations that each worker counts separately, from 1 to 10000; all
    /// others are counted together. Default: 500.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schemars", schemars(range(min = 1, max = MAX_SERIES), extend("default" = DEFAULT_SERIES)))]
    pub max_series: Option<u16>,
}

/// The validated reporting settings, with defaults filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reporting {
    /// What happens to the header for upstreams.
    pub upstream_header: UpstreamHeader,
    /// How metrics are named.
    pub metric_names: MetricNames,
    /// Which requests the access log reports.
    pub access_log: ReportedRequests,
    /// A page about denials.
    pub documentation: Option<String>,
    /// A contact for denied callers.
    pub contact: Option<String>,
    /// What callers of the mesh learn, except gateways.
    pub to_mesh: Disclosure,
    /// What all other callers learn, and callers through a gateway.
    pub to_strangers: Disclosure,
    /// The maximum number of log lines per second, separately for denials and shadow hits of mesh
    /// callers and of strangers.
    pub lines_per_second: u16,
    /// The maximum number of series in learning mode; `None` if it is off.
    pub max_learned_series: Option<u16>,
}

/// The form of documentation URLs, for editors.
#[cfg(feature = "schemars")]
const DOCUMENTATION: &str = "^https://[!$-;=?-\\[\\]-~]+$";

/// The maximum length of a text in a reply, in bytes.
const MAX_TEXT_LEN: usize = 256;

/// The upper limit for log lines per second.
const MAX_LINES_PER_SECOND: u16 = 1_000;

/// The upper limit for series in learning mode.
const MAX_SERIES: u16 = 10_000;

/// What callers of the mesh learn by default.
const TO_MESH: Disclosure = Disclosure::NearestRule;

/// What all other callers learn by default.
const TO_STRANGERS: Disclosure = Disclosure::Decision;

/// The default limit for log lines per second.
const DEFAULT_LINES: u16 = 10;

/// The default limit for series in learning mode.
const DEFAULT_SERIES: u16 = 500;

impl ReportingSpec {
    /// Validates the settings and fills in defaults.
    pub fn check(&self, cursor: &Cursor<'_>, problems: &mut Problems) -> Reporting {
        let silent = DenialsSpec::default();
        let denials = self.denials.as_ref().unwrap_or(&silent);
        denials.check(&cursor.key("denials"), problems);
        let lines = self.log.as_ref().and_then(|log| log.lines_per_second);
        if lines.is_some_and(|lines| lines > MAX_LINES_PER_SECOND) {
            problems.report(
                code::INVALID_VALUE,
                &cursor.key("log").key("linesPerSecond"),
                "the number of lines per second exceeds the limit",
                format!("use a number from 0 to {MAX_LINES_PER_SECOND}"),
            );
        }
        let learned = self.learning.as_ref();
        let learned = learned.map(|learning| learning.max_series.unwrap_or(DEFAULT_SERIES));
        let metric_names = self.metric_names.unwrap_or_default();
        let learning = cursor.key("learning");
        if learned.is_some_and(|most| !(1..=MAX_SERIES).contains(&most)) {
            problems.report(
                code::INVALID_VALUE,
                &learning.key("maxSeries"),
                "the number of series is out of range: a proxy keeps each series until it restarts",
                format!("use a number from 1 to {MAX_SERIES}"),
            );
        }
        if learned.is_some() && metric_names == MetricNames::Flat {
            problems.report(
                code::EXCLUSIVE_FIELDS,
                &learning,
                "learning mode requires labelled metric names",
                "remove `metricNames: Flat`, and configure the metric tags on the proxies",
            );
        }
        Reporting {
            upstream_header: match self.upstream_header {
                Some(true) => UpstreamHeader::Written,
                Some(false) => UpstreamHeader::Removed,
                None => UpstreamHeader::Ignored,
            },
            metric_names,
            access_log: self.access_log.unwrap_or_default(),
            documentation: denials.documentation.clone(),
            contact: denials.contact.clone(),
            to_mesh: denials.to_mesh.unwrap_or(TO_MESH),
            to_strangers: denials.to_strangers.unwrap_or(TO_STRANGERS),
            lines_per_second: lines.unwrap_or(DEFAULT_LINES),
            max_learned_series: learned,
        }
    }

    /// Whether all settings have their defaults.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl DenialsSpec {
    fn check(&self, cursor: &Cursor<'_>, problems: &mut Problems) {
        if let Some(url) = &self.documentation {
            let is_good = |rest: &str| {
                !rest.is_empty()
                    && url.len() <= MAX_TEXT_LEN
                    && rest.bytes().all(|byte| {
                        byte.is_ascii_graphic()
                            && !matches!(byte, b'#' | b'"' | b'\\' | b'<' | b'>')
                    })
            };
            if !url.strip_prefix("https://").is_some_and(is_good) {
                problems.report(
                    code::INVALID_VALUE,
                    &cursor.key("documentation"),
                    format!("invalid documentation URL `{url}`"),
                    "use an `https://` URL without fragment, of at most 256 characters",
                );
            }
        }
        if let Some(contact) = &self.contact {
            let is_good = !contact.trim().is_empty()
                && contact.len() <= MAX_TEXT_LEN
                && !contact.chars().any(char::is_control);
            if !is_good {
                problems.report(
                    code::INVALID_VALUE,
                    &cursor.key("contact"),
                    "the contact is empty, too long or not a single line",
                    "use one line of at most 256 bytes, such as an email address or a channel",
                );
            }
        }
    }
}

#[cfg(test)]
mod tests;
