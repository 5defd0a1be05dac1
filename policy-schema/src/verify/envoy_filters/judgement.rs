//! Judges what a patch does to enforcement.

use serde_json::Value;

use super::guards::Guards;
use super::patch::Patch;
use super::settings;
use crate::protobuf::field;

const RBAC: &str = "envoy.filters.http.rbac";
const NETWORK_RBAC: &str = "envoy.filters.network.rbac";
const CONNECTION_MANAGER: &str = "envoy.filters.network.http_connection_manager";

/// HTTP filters that can reject or count requests, and change nothing that rules test.
const PASSIVE_FILTERS: [&str; 14] = [
    "adaptive_concurrency",
    "admission_control",
    "bandwidth_limit",
    "buffer",
    "compressor",
    "decompressor",
    "fault",
    "file_system_buffer",
    "grpc_stats",
    "local_ratelimit",
    "ratelimit",
    "rbac",
    "stats",
    "tap",
];

/// The same for network filters.
const PASSIVE_NETWORK_FILTERS: [&str; 4] =
    ["connection_limit", "local_ratelimit", "ratelimit", "rbac"];

/// The effect of a patch on enforcement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Judgement {
    /// Nothing.
    Harmless,
    /// It disables a part of enforcement. The text describes how.
    Undoes(String),
    /// It makes a gateway accept client certificates without validating them.
    SkipsValidation,
    /// It may affect enforcement. The text describes how.
    Unknown(String),
}

impl Guards {
    /// Whether the filter of this name enforces policies, or enforcement depends on it.
    pub(super) fn has(&self, filter: &str) -> bool {
        [RBAC, NETWORK_RBAC].contains(&filter)
            || self.sources.contains(&filter)
            || self.plugins.iter().any(|plugin| is_plugin(filter, plugin))
    }

    pub(super) fn judge(&self, patch: &Patch<'_>, of_gateway: bool) -> Judgement {
        if !patch.affects_callers(of_gateway) {
            return Judgement::Harmless;
        }
        if patch.operation != "REMOVE"
            && let Some(setting) = settings::disabling_setting(self, patch.value, of_gateway)
        {
            return Judgement::Undoes(setting);
        }
        if of_gateway && settings::accepts_untrusted(patch.value) {
            return Judgement::SkipsValidation;
        }
        match patch.apply_to {
            "HTTP_FILTER" => self.judge_filter(patch, patch.http_filter, &PASSIVE_FILTERS),
            "NETWORK_FILTER" => self.judge_network_filter(patch),
            "EXTENSION_CONFIG" => self.judge_extension(patch),
            "CLUSTER" if patch.operation == "ADD" => Judgement::Harmless,
            "CLUSTER"
            | "FILTER_CHAIN"
            | "LISTENER"
            | "ROUTE_CONFIGURATION"
            | "VIRTUAL_HOST"
            | "HTTP_ROUTE"
            | "BOOTSTRAP"
                if patch.operation != "REMOVE" =>
            {
                judge_settings(patch)
            }
            _ => unknown(patch),
        }
    }

    /// Judges a patch of HTTP or network filters. `name` is the filter that it selects.
    fn judge_filter(&self, patch: &Patch<'_>, name: Option<&str>, passive: &[&str]) -> Judgement {
        let does = match patch.operation {
            "REMOVE" => "removes",
            "REPLACE" => "replaces",
            "MERGE" => "changes",
            "ADD" | "INSERT_BEFORE" | "INSERT_AFTER" | "INSERT_FIRST" => {
                return match type_of(patch.value) {
                    Some(kind) if passive.contains(&kind) => Judgement::Harmless,
                    kind => Judgement::Unknown(format!(
                        "adds a filter {}, which can change or answer requests",
                        described(kind)
                    )),
                };
            }
            _ => return unknown(patch),
        };
        let Some(name) = name else {
            return if patch.takes_away() {
                Judgement::Undoes(format!("{does} every filter"))
            } else {
                unknown(patch)
            };
        };
        if self.has(name) {
            return Judgement::Undoes(format!("{does} the filter `{name}`"));
        }
        let kind = short(name);
        if passive.contains(&kind)
            && (patch.operation != "REPLACE" || type_of(patch.value) == Some(kind))
        {
            Judgement::Harmless
        } else {
            Judgement::Unknown(format!("{does} the filter `{name}`"))
        }
    }

    fn judge_network_filter(&self, patch: &Patch<'_>) -> Judgement {
        let is_manager = patch.network_filter == Some(CONNECTION_MANAGER);
        if is_manager && patch.takes_away() {
            let does = patch.operation.to_ascii_lowercase();
            return Judgement::Undoes(format!("{does}s the filter `{CONNECTION_MANAGER}`"));
        }
        if is_manager && patch.operation == "MERGE" {
            return judge_settings(patch);
        }
        self.judge_filter(patch, patch.network_filter, &PASSIVE_NETWORK_FILTERS)
    }

    /// Judges an extension configuration, which filters refer to by name.
    fn judge_extension(&self, patch: &Patch<'_>) -> Judgement {
        let name = field(patch.value, "name").and_then(Value::as_str);
        match name {
            Some(name) if self.has(name) => {
                Judgement::Undoes(format!("adds a configuration for the filter `{name}`"))
            }
            Some(_) if patch.operation == "ADD" => Judgement::Harmless,
            _ => unknown(patch),
        }
    }
}

/// Judges changed settings by their names.
fn judge_settings(patch: &Patch<'_>) -> Judgement {
    match settings::unknown_setting(patch.apply_to, patch.value) {
        Some(setting) => Judgement::Unknown(format!("sets `{setting}`")),
        None => Judgement::Harmless,
    }
}

fn unknown(patch: &Patch<'_>) -> Judgement {
    let or = |text: &str| match text {
        "" => "nothing".to_owned(),
        text => format!("`{text}`"),
    };
    Judgement::Unknown(format!(
        "applies {} to {}",
        or(patch.operation),
        or(patch.apply_to)
    ))
}

/// The type of a filter's configuration. Names are arbitrary.
fn type_of(filter: &Value) -> Option<&str> {
    let config = field(filter, "typed_config")?;
    let mut kind = config.get("@type")?.as_str()?;
    if kind.ends_with("TypedStruct") {
        kind = field(config, "type_url")?.as_str()?;
    }
    // `…extensions.filters.http.lua.v3.Lua`: the segment before the version.
    let mut parts = kind.rsplit('.').skip(1);
    let version = parts.next()?;
    version
        .strip_prefix('v')
        .filter(|rest| rest.starts_with(|digit: char| digit.is_ascii_digit()))?;
    parts.next()
}

fn described(kind: Option<&str>) -> String {
    match kind {
        Some(kind) => format!("of type `{kind}`"),
        None => "of an unknown type".to_owned(),
    }
}

/// The last part of a filter's name: `fault` of `envoy.filters.http.fault`.
fn short(name: &str) -> &str {
    name.rsplit_once('.').map_or(name, |(_, last)| last)
}

/// Matches `extensions.istio.io/wasmplugin/NAMESPACE.NAME`, and the name since Istio 1.31:
/// `extensions.istio.io/trafficextension/NAMESPACE.NAME~istio-translated-wasmplugin`.
fn is_plugin(filter: &str, plugin: &str) -> bool {
    let last = filter.rsplit_once('/').map_or(filter, |(_, last)| last);
    let own = last.split_once('~').map_or(last, |(own, _)| own);
    own == plugin
}
