//! Compares a `PeerAuthentication` with the one that it replaces: does it accept more?

use std::collections::BTreeSet;

use super::super::object::Object;
use super::spec;
use crate::istio::peer_authentication::{MutualTls, MutualTlsMode, PeerAuthenticationSpec};
use crate::policy::Labels;

pub(super) fn wider(old: &Object, new: &Object, root_namespace: &str) -> Vec<String> {
    let read = |object: &Object| {
        let mut read: PeerAuthenticationSpec = spec(object)?;
        let is_of_mesh = object.namespace() == root_namespace && labels(&read).is_empty();
        // For the whole mesh, Istio treats an unset mode as permissive.
        if is_of_mesh && mode(read.mtls) == MutualTlsMode::Unset {
            read.mtls = Some(MutualTls {
                mode: MutualTlsMode::Permissive,
            });
        }
        Ok(read)
    };
    let (old, new) = match (read(old), read(new)) {
        (Ok(old), Ok(new)) => (old, new),
        (Err(reason), _) | (_, Err(reason)) => return vec![reason],
    };
    let mut reasons = Vec::new();
    if labels(&old) != labels(&new) {
        reasons
            .push("it selects different pods, so its mode may no longer apply to some".to_owned());
    }
    let whole = (mode(old.mtls), mode(new.mtls));
    reasons.extend(loss("the mode", whole.0, whole.1));
    let ports: BTreeSet<_> = old
        .port_level_mtls
        .keys()
        .chain(new.port_level_mtls.keys())
        .collect();
    for port in ports {
        let of = |spec: &PeerAuthenticationSpec, whole| match mode(
            spec.port_level_mtls.get(port).copied(),
        ) {
            MutualTlsMode::Unset => whole,
            set => set,
        };
        let of_port = (of(&old, whole.0), of(&new, whole.1));
        if of_port != whole {
            let what = format!("the mode of port {port}");
            reasons.extend(loss(&what, of_port.0, of_port.1));
        }
    }
    reasons
}

fn mode(mutual_tls: Option<MutualTls>) -> MutualTlsMode {
    mutual_tls.unwrap_or_default().mode
}

fn labels(spec: &PeerAuthenticationSpec) -> Labels {
    let selector = spec.selector.as_ref();
    selector.map_or_else(Labels::new, |selector| selector.match_labels.clone())
}

fn loss(what: &str, old: MutualTlsMode, new: MutualTlsMode) -> Option<String> {
    use MutualTlsMode::{Disable, Permissive, Strict, Unset};
    let is_kept = match (old, new) {
        (_, Strict) | (Unset, Unset) | (Disable, _) | (Permissive, Permissive) => true,
        // An inherited mode may be weaker than strict, and wider than permissive.
        (Strict | Permissive, Unset)
        | (Unset | Strict, Permissive | Disable)
        | (Permissive, Disable) => false,
    };
    let name = |mode| match mode {
        Unset => "an inherited one",
        Disable => "DISABLE",
        Permissive => "PERMISSIVE",
        Strict => "STRICT",
    };
    (!is_kept).then(|| format!("{what} changes from {} to {}", name(old), name(new)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn found(namespace: &str, old: &Value, new: &Value) -> Vec<String> {
        let object = |spec: &Value| {
            Object::new(json!({
                "apiVersion": "security.istio.io/v1",
                "kind": "PeerAuthentication",
                "metadata": {"name": "default", "namespace": namespace},
                "spec": spec,
            }))
            .unwrap()
        };
        wider(&object(old), &object(new), "istio-system")
    }

    #[test]
    fn a_weaker_mode_is_wider_at_each_level() {
        let mode = |mode: &str| json!({"mtls": {"mode": mode}});
        let port = |mode: &str| {
            json!({
                "selector": {"matchLabels": {"app": "a"}},
                "mtls": {"mode": "STRICT"},
                "portLevelMtls": {"80": {"mode": mode}},
            })
        };
        for (old, new, expected) in [
            (
                mode("STRICT"),
                mode("PERMISSIVE"),
                "the mode changes from STRICT to PERMISSIVE",
            ),
            (
                mode("STRICT"),
                mode("DISABLE"),
                "the mode changes from STRICT to DISABLE",
            ),
            (
                mode("STRICT"),
                json!({}),
                "the mode changes from STRICT to an inherited one",
            ),
            (
                mode("PERMISSIVE"),
                mode("DISABLE"),
                "the mode changes from PERMISSIVE to DISABLE",
            ),
            (
                json!({}),
                mode("PERMISSIVE"),
                "the mode changes from an inherited one to PERMISSIVE",
            ),
            (
                port("STRICT"),
                port("PERMISSIVE"),
                "the mode of port 80 changes from STRICT to PERMISSIVE",
            ),
            (
                port("UNSET"),
                port("DISABLE"),
                "the mode of port 80 changes from STRICT to DISABLE",
            ),
            (
                port("STRICT"),
                mode("STRICT"),
                "it selects different pods, so its mode may no longer apply to some",
            ),
            (
                json!({"mtls": {"mode": "LATER"}}),
                mode("STRICT"),
                "the existing object cannot be parsed (unknown variant `LATER`, expected one of `UNSET`, `DISABLE`, `PERMISSIVE`, `STRICT`)",
            ),
        ] {
            assert_eq!(found("shop", &old, &new), [expected], "{old} {new}");
        }
    }

    #[test]
    fn an_equal_or_stricter_mode_is_not_wider() {
        let mode = |mode: &str| json!({"mtls": {"mode": mode}});
        for (old, new) in [
            (mode("STRICT"), mode("STRICT")),
            (mode("PERMISSIVE"), mode("STRICT")),
            (mode("DISABLE"), mode("PERMISSIVE")),
            (json!({}), json!({})),
            (json!({}), mode("UNSET")),
        ] {
            assert_eq!(found("shop", &old, &new), [""; 0], "{old} {new}");
        }
        // Without a mode, the object for the mesh is permissive.
        assert_eq!(
            found("istio-system", &json!({}), &mode("PERMISSIVE")),
            [""; 0]
        );
    }
}
