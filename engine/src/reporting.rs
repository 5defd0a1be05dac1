//! What the filter tells of its decisions, and to whom: the same words in the `Mesh` and in the plugin
//! config.

#[cfg(feature = "schemars")]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::code;
use crate::problem::{Cursor, Problems};

/// What the filter tells of its decisions.
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
    /// Whether upstreams are told the verified caller and the decision, in the header `x-peergate`.
    /// Costs a few microseconds a request. `false` when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schemars", schemars(extend("default" = false)))]
    pub upstream_header: Option<bool>,
    /// How metrics are named. `Labelled` when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schemars", schemars(extend("default" = MetricNames::default())))]
    pub metric_names: Option<MetricNames>,
    /// Of which requests the proxy's access log is told policy, rule, effect and reason. `Denied`
    /// when left out; `All` costs a few microseconds a request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schemars", schemars(extend("default" = ReportedRequests::default())))]
    pub access_log: Option<ReportedRequests>,
    /// What callers are told who are denied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub denials: Option<DenialsSpec>,
    /// The filter's own log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log: Option<LogSpec>,
    /// Counts requests by caller, method and path, for `peergate learn`. Not done when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub learning: Option<LearningSpec>,
}

/// How metrics are named.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schemars", derive(JsonSchema))]
pub enum MetricNames {
    /// With labels, which proxies take out of names where they are told to (Istio,
    /// `extraStatTags`).
    #[default]
    Labelled,
    /// With everything in the name, for proxies that are not; Prometheus can get labels out of it.
    Flat,
}

/// Which requests are told of.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schemars", derive(JsonSchema))]
pub enum ReportedRequests {
    /// Those that are denied, or would be by what is in shadow.
    #[default]
    Denied,
    /// All.
    All,
}

/// What callers are told who are denied.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schemars", derive(JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DenialsSpec {
    /// A page about denials: an `https://` URL. Who is told the reason gets it with the reason's code
    /// as its fragment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schemars", schemars(length(max = LONGEST_TEXT), regex(pattern = DOCUMENTATION), extend("examples" = ["https://docs.example.com/denials"])))]
    pub documentation: Option<String>,
    /// Whom a caller may ask: a URL, an address, the name of a channel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schemars", schemars(length(max = LONGEST_TEXT), regex(pattern = "\\S"), extend("examples" = ["#platform-team"])))]
    pub contact: Option<String>,
    /// What callers with an identity of the mesh learn, but for its gateways. `NearestRule` when left
    /// out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schemars", schemars(extend("default" = TO_MESH)))]
    pub to_mesh: Option<Disclosure>,
    /// What all others learn, and whoever calls through a gateway of the mesh. `Decision` when left
    /// out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schemars", schemars(extend("default" = TO_STRANGERS)))]
    pub to_strangers: Option<Disclosure>,
}

/// How much a caller learns.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "schemars", derive(JsonSchema))]
pub enum Disclosure {
    /// The id of the decision, with which `peergate explain` tells the rest.
    Decision,
    /// The reason too.
    Reason,
    /// The rule that decided or came nearest too, its owner, and what would have to differ.
    NearestRule,
}

/// The filter's own log: a line of JSON for each denial and each match of a rule in shadow.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schemars", derive(JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LogSpec {
    /// How many lines a second each worker of a proxy writes at most of each of four kinds: denials and
    /// shadow hits, of callers of the mesh and of strangers. The next line of a kind says how many were
    /// left out. From 0, for none, to 1000. 10 when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schemars", schemars(range(max = MOST_LINES), extend("default" = DEFAULT_LINES)))]
    pub lines_per_second: Option<u16>,
}

/// Counts requests by caller, method and path.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schemars", derive(JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LearningSpec {
    /// How many different ones each worker of a proxy counts apart, from 1 to 10000; all others are
    /// counted as one. 500 when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schemars", schemars(range(min = 1, max = MOST_SERIES), extend("default" = DEFAULT_SERIES)))]
    pub max_series: Option<u16>,
}

/// The same, understood: with what holds where nothing is said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reporting {
    /// Whether upstreams are told the caller and the decision.
    pub upstream_header: bool,
    /// How metrics are named.
    pub metric_names: MetricNames,
    /// Of which requests the proxy's access log is told.
    pub access_log: ReportedRequests,
    /// A page about denials.
    pub documentation: Option<String>,
    /// Whom a caller may ask.
    pub contact: Option<String>,
    /// What callers with an identity of the mesh learn, but for its gateways.
    pub to_mesh: Disclosure,
    /// What all others learn, and whoever calls through a gateway.
    pub to_strangers: Disclosure,
    /// How many lines a second are logged at most, of denials and of shadow hits, of callers of the mesh
    /// and of strangers each.
    pub lines_per_second: u16,
    /// How many series requests may make in learning mode; none where it is off.
    pub learned_series: Option<u16>,
}

/// The links that callers may be given, for editors.
#[cfg(feature = "schemars")]
const DOCUMENTATION: &str = "^https://[!$-;=?-\\[\\]-~]+$";

/// The longest text that goes into a reply, in bytes.
const LONGEST_TEXT: usize = 256;

/// How many lines a second may be asked for.
const MOST_LINES: u16 = 1_000;

/// How many series may be asked for.
const MOST_SERIES: u16 = 10_000;

/// What callers of the mesh learn by default.
const TO_MESH: Disclosure = Disclosure::NearestRule;

/// What all others learn by default.
const TO_STRANGERS: Disclosure = Disclosure::Decision;

/// How many lines are written where nothing is said.
const DEFAULT_LINES: u16 = 10;

/// How many series are kept where nothing is said.
const DEFAULT_SERIES: u16 = 500;

impl ReportingSpec {
    /// Understands it, or says all that stands in the way.
    pub fn check(&self, cursor: &Cursor<'_>, problems: &mut Problems) -> Reporting {
        let silent = DenialsSpec::default();
        let denials = self.denials.as_ref().unwrap_or(&silent);
        denials.check(&cursor.key("denials"), problems);
        let lines = self.log.as_ref().and_then(|log| log.lines_per_second);
        if lines.is_some_and(|lines| lines > MOST_LINES) {
            problems.report(
                code::INVALID_VALUE,
                &cursor.key("log").key("linesPerSecond"),
                "these are more lines than a proxy should write",
                format!("write a number from 0 to {MOST_LINES}"),
            );
        }
        let learned = self.learning.as_ref();
        let learned = learned.map(|learning| learning.max_series.unwrap_or(DEFAULT_SERIES));
        let metric_names = self.metric_names.unwrap_or_default();
        let learning = cursor.key("learning");
        if learned.is_some_and(|most| !(1..=MOST_SERIES).contains(&most)) {
            problems.report(
                code::INVALID_VALUE,
                &learning.key("maxSeries"),
                "a proxy keeps each series for good",
                format!("write a number from 1 to {MOST_SERIES}"),
            );
        }
        if learned.is_some() && metric_names == MetricNames::Flat {
            problems.report(
                code::EXCLUSIVE_FIELDS,
                &learning,
                "callers and paths cannot be told from a flat name",
                "remove `metricNames: Flat`, and tell the proxies the tags of the metrics",
            );
        }
        Reporting {
            upstream_header: self.upstream_header.unwrap_or_default(),
            metric_names,
            access_log: self.access_log.unwrap_or_default(),
            documentation: denials.documentation.clone(),
            contact: denials.contact.clone(),
            to_mesh: denials.to_mesh.unwrap_or(TO_MESH),
            to_strangers: denials.to_strangers.unwrap_or(TO_STRANGERS),
            lines_per_second: lines.unwrap_or(DEFAULT_LINES),
            learned_series: learned,
        }
    }

    /// Whether nothing is said, and so all is as it is by default.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl DenialsSpec {
    fn check(&self, cursor: &Cursor<'_>, problems: &mut Problems) {
        if let Some(url) = &self.documentation {
            let is_good = |rest: &str| {
                !rest.is_empty()
                    && url.len() <= LONGEST_TEXT
                    && rest.bytes().all(|byte| {
                        byte.is_ascii_graphic()
                            && !matches!(byte, b'#' | b'"' | b'\\' | b'<' | b'>')
                    })
            };
            if !url.strip_prefix("https://").is_some_and(is_good) {
                problems.report(
                    code::INVALID_VALUE,
                    &cursor.key("documentation"),
                    format!("`{url}` is not a link that every denied caller may be given"),
                    "write an `https://` URL without fragment, of at most 256 characters",
                );
            }
        }
        if let Some(contact) = &self.contact {
            let is_good = !contact.trim().is_empty()
                && contact.len() <= LONGEST_TEXT
                && !contact.chars().any(char::is_control);
            if !is_good {
                problems.report(
                    code::INVALID_VALUE,
                    &cursor.key("contact"),
                    "this tells a denied caller nothing, or more than a reply can hold",
                    "write one line of at most 256 bytes, such as an address or the name of a channel",
                );
            }
        }
    }
}

#[cfg(test)]
mod tests;
