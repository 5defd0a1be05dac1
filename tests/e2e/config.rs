//! Delivery of plugin configs: initially, and as an update of a running filter. Invalid configs are
//! rejected with the reason in the log, and never let requests pass.

use std::fs;
use std::path::PathBuf;

use peergate_sandbox::wait::{TIMEOUT, wait_for};
use peergate_sandbox::{Request, Response};
use policy_schema::plugin_config::PluginConfig;
use serde_json::{Value, json};

use crate::mesh::{
    Discovery, Mesh, WEB, assert_allowed, assert_denied, extension_config, plugin_config,
};

/// Invalid configs, each with a part of the reason in the log.
fn unsound() -> Vec<(String, &'static str)> {
    let changed = |change: fn(&mut PluginConfig)| plugin_config(change);
    vec![
        (String::new(), "the plugin config is empty"),
        ("  \n".to_owned(), "the plugin config is empty"),
        ("{".to_owned(), "found the end of the text"),
        ("null".to_owned(), "found `null`"),
        ("[]".to_owned(), "invalid plugin config"),
        ("{}".to_owned(), "missing field"),
        ("\"rules\"".to_owned(), "invalid plugin config"),
        ("[".repeat(100_000), "invalid plugin config"),
        (
            plugin_config(|_| {}).replace("\"notPaths\"", "\"notPath\""),
            "unknown field `notPath`",
        ),
        (
            plugin_config(|_| {}).replace("\"Deny\"", "\"deny\""),
            "unknown variant `deny`",
        ),
        (
            plugin_config(|_| {}).replace("v1alpha1", "v9"),
            "peergate.dev/v9",
        ),
        (
            changed(|config| config.rules[1].id = config.rules[0].id.clone()),
            "duplicate-rule-id",
        ),
        (
            changed(|config| config.rules[0].from = Some(Vec::new())),
            "empty-list",
        ),
        (
            changed(|config| config.mesh.trust_domain = "Cluster.Local".to_owned()),
            "invalid-trust-domain",
        ),
        (
            changed(|config| {
                let source = &mut config.rules[0].from.as_mut().unwrap()[0];
                source.service_accounts = None;
                source.principals = Some(vec!["spiffe://cluster.local/ns/*/sa/web".to_owned()]);
            }),
            "rules[0].from[0].principals[0]",
        ),
    ]
}

fn call(mesh: &Mesh) -> Response {
    mesh.client_as(WEB).send(&Request::get("/orders")).unwrap()
}

#[test]
fn an_invalid_first_config_denies_every_request() {
    let mut mesh = Mesh::discovering("{}");
    mesh.wait_for_config(Discovery::Rejected);
    mesh.envoy.wait_for_log("missing field", TIMEOUT).unwrap();
    let response = call(&mesh);
    assert!(response.status >= 500, "{response:?}");
    assert_eq!(mesh.upstream.requests(), 0);
    mesh.deliver(&plugin_config(|_| {}));
    mesh.wait_for_config(Discovery::Accepted);
    assert_allowed(&call(&mesh));
}

#[test]
fn an_invalid_update_keeps_the_active_config() {
    let mut mesh = Mesh::discovering(&plugin_config(|_| {}));
    mesh.wait_for_config(Discovery::Accepted);
    for (config, reason) in unsound() {
        mesh.deliver(&config);
        mesh.wait_for_config(Discovery::Rejected);
        mesh.envoy.wait_for_log(reason, TIMEOUT).unwrap();
        assert_allowed(&call(&mesh));
        let stranger = mesh.client_as("spiffe://cluster.local/ns/shop/sa/ads");
        let response = stranger.send(&Request::get("/orders")).unwrap();
        assert_denied(&response, "no-rule-matched");
    }
    let metrics = mesh.metrics();
    let rejections = metrics.value("peergate_config_rejections_total", &[]);
    assert_eq!(
        rejections,
        Some(f64::from(u32::try_from(unsound().len()).unwrap()))
    );
    mesh.assert_still_serves();
}

#[test]
fn a_rule_changed_in_place_takes_effect_without_a_restart() {
    let mut mesh = Mesh::discovering(&plugin_config(|_| {}));
    mesh.wait_for_config(Discovery::Accepted);
    let client = mesh.client_as(WEB);
    let mut connection = client.connect().unwrap();
    assert_allowed(&connection.send(&Request::get("/orders")).unwrap());
    mesh.deliver(&plugin_config(|config| config.rules.clear()));
    mesh.wait_for_config(Discovery::Accepted);
    // Workers receive the new config after the main thread. The caller's connection stays open.
    wait_for("the new config on the worker", TIMEOUT, || {
        let response = connection.send(&Request::get("/orders"));
        Ok(response.ok().filter(|response| response.status == 403))
    })
    .unwrap();
    let response = connection.send(&Request::get("/orders")).unwrap();
    assert_denied(&response, "no-rule-matched");
}

#[test]
fn survives_many_updates() {
    let mut mesh = Mesh::discovering(&plugin_config(|_| {}));
    mesh.wait_for_config(Discovery::Accepted);
    for number in 0..20 {
        mesh.deliver(&plugin_config(|config| {
            config.revision = Some(format!("revision-{number}"));
        }));
        mesh.wait_for_config(Discovery::Accepted);
        assert_allowed(&call(&mesh));
    }
    mesh.assert_still_serves();
}

/// The proxy does not call the filter when it drops a replaced configuration.
#[test]
fn replaced_policies_are_freed() {
    let mut mesh = Mesh::discovering(&plugin_config(|_| {}));
    mesh.wait_for_config(Discovery::Accepted);
    let mut memory = Vec::new();
    for number in 0..60 {
        mesh.deliver(&plugin_config(|config| {
            config.revision = Some(format!("revision-{number}"));
            let rules = (0..2_000).map(|rule| {
                let rule = json!({
                    "id": format!("other-{rule}"),
                    "effect": "Allow",
                    "from": [{"serviceAccounts": [format!("shop/other-{rule}")]}],
                });
                serde_json::from_value(rule).unwrap()
            });
            config.rules.extend(rules);
        }));
        mesh.wait_for_config(Discovery::Accepted);
        assert_allowed(&call(&mesh));
        memory.push(mesh.metrics().value("peergate_memory_bytes", &[]).unwrap());
    }
    // Each policy takes more than a megabyte.
    let (first, last) = (memory[9], memory[59]);
    assert!(last - first < 1_000_000.0, "{memory:?}");
}

impl Mesh {
    /// A sidecar that receives its filter like in Istio: through extension config discovery, here
    /// from a file.
    fn discovering(plugin_config: &str) -> Self {
        Self::discovering_extension(&extension_config(plugin_config))
    }

    /// The same with any filter.
    pub(crate) fn discovering_extension(extension: &Value) -> Self {
        let (mut mesh, delivery) = Self::with_discovery(extension);
        mesh.delivery = Some(delivery);
        mesh
    }

    /// Replaces the file atomically, which Envoy watches for.
    fn deliver(&mut self, plugin_config: &str) {
        let seen = self.delivery.as_ref().unwrap().outcomes(&self.envoy);
        let delivery = self.delivery.as_mut().unwrap();
        delivery.version += 1;
        delivery.seen = seen;
        delivery.write(&extension_config(plugin_config));
    }

    /// Waits for the outcome of the last delivery.
    pub(crate) fn wait_for_config(&self, expected: Discovery) {
        let delivery = self.delivery.as_ref().unwrap();
        let (accepted, rejected) = delivery.seen;
        let outcome = wait_for("the outcome of a delivery", TIMEOUT, || {
            let (now_accepted, now_rejected) = delivery.outcomes(&self.envoy);
            Ok(if now_rejected > rejected {
                Some(Discovery::Rejected)
            } else if now_accepted > accepted {
                Some(Discovery::Accepted)
            } else {
                None
            })
        });
        assert_eq!(outcome.unwrap(), expected);
    }
}

/// The file that configures a sidecar.
pub(crate) struct Delivery {
    pub(crate) path: PathBuf,
    version: u32,
    /// The numbers of accepted and rejected deliveries before the last one.
    seen: (u64, u64),
}

impl Delivery {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self {
            path,
            version: 1,
            seen: (0, 0),
        }
    }

    pub(crate) fn write(&self, extension: &Value) {
        let response = json!({
            "version_info": self.version.to_string(),
            "resources": [extension],
        });
        let new = self.path.with_extension("new");
        fs::write(&new, response.to_string()).unwrap();
        fs::rename(&new, &self.path).unwrap();
    }

    fn outcomes(&self, envoy: &peergate_sandbox::Envoy) -> (u64, u64) {
        let stats = envoy
            .admin_get("/stats?filter=extension_config_discovery")
            .unwrap();
        let value = |name: &str| {
            stats
                .lines()
                .filter(|line| line.contains(name))
                .filter_map(|line| line.rsplit(": ").next()?.parse::<u64>().ok())
                .sum()
        };
        (value(".config_reload:"), value(".config_fail:"))
    }
}
