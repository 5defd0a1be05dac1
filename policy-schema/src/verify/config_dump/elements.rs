//! Indexes the parts of a config dump that listeners refer to.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::timestamp::Timestamp;

/// A discovered filter.
#[derive(Clone, Copy)]
pub(super) struct Discovered<'d> {
    pub(super) config: &'d Value,
    /// When the proxy received it, if it reports that.
    pub(super) sent: Option<Timestamp>,
}

/// Elements that listeners refer to by name.
#[derive(Default)]
pub(super) struct Named<'d> {
    /// Discovered filters.
    pub(super) filters: BTreeMap<&'d str, Discovered<'d>>,
    /// Discovered validation contexts for callers' certificates.
    pub(super) validations: BTreeMap<&'d str, &'d Value>,
    /// Discovered routes.
    pub(super) routes: BTreeMap<&'d str, &'d Value>,
}

impl<'d> Named<'d> {
    pub(super) fn read(&mut self, config: &'d Value) {
        for filter in elements(config, "ecds_filters") {
            let sent = filter.get("last_updated").and_then(Value::as_str);
            let sent = sent.and_then(|time| Timestamp::parse(time).ok());
            let filter = filter.get("ecds_filter");
            self.filters.extend(filter.and_then(|filter| {
                let name = filter.get("name")?.as_str()?;
                let config = filter.get("typed_config")?;
                Some((name, Discovered { config, sent }))
            }));
        }
        let routes = ["static_route_configs", "dynamic_route_configs"];
        for routes in routes.iter().flat_map(|field| elements(config, field)) {
            let routes = routes.get("route_config");
            let name = routes.and_then(|routes| routes.get("name")?.as_str());
            self.routes.extend(name.zip(routes));
        }
        let secrets = ["static_secrets", "dynamic_active_secrets"];
        for secret in secrets.iter().flat_map(|field| elements(config, field)) {
            let validation = secret.pointer("/secret/validation_context");
            let name = secret.pointer("/secret/name").and_then(Value::as_str);
            self.validations.extend(name.zip(validation));
        }
    }
}

pub(super) fn elements<'v>(
    value: &'v Value,
    field: &str,
) -> impl Iterator<Item = &'v Value> + use<'v> {
    let elements = value.get(field).and_then(Value::as_array);
    elements.into_iter().flatten()
}
