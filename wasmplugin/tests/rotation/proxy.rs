//! An Envoy whose certificates and roots are files.

use std::fs;
use std::path::PathBuf;

use peergate_sandbox::wait::{TIMEOUT, wait_for};
use peergate_sandbox::{Envoy, EnvoyBinary};
use serde_json::{Value, json};

use crate::issuing::Leaf;

/// A proxy that takes its certificate and its roots from files, and looks when they change.
pub(crate) struct Proxy {
    pub(crate) envoy: Envoy,
    pub(crate) files: SecretFiles,
}

/// The files of a proxy's secrets, by the names that Istio gives them.
#[derive(Clone)]
pub(crate) struct SecretFiles {
    pub(crate) folder: PathBuf,
}

impl SecretFiles {
    /// Puts a secret in place in one step, as a mounted volume changes.
    fn put(&self, name: &str, secret: &Value) {
        let mut secret = secret.clone();
        secret["@type"] =
            json!("type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret");
        secret["name"] = json!(name);
        let new = self.folder.join(format!(".{name}"));
        fs::write(&new, json!({"resources": [secret]}).to_string()).unwrap();
        fs::rename(new, self.path(name)).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.json"))
    }

    pub(crate) fn put_leaf(&self, leaf: &Leaf) {
        let certificate = json!({
            "certificate_chain": {"inline_string": leaf.chain},
            "private_key": {"inline_string": leaf.key},
        });
        self.put("default", &json!({"tls_certificate": certificate}));
    }

    pub(crate) fn put_roots(&self, roots: &str) {
        let trusted = json!({"inline_string": roots});
        self.put(
            "ROOTCA",
            &json!({"validation_context": {"trusted_ca": trusted}}),
        );
    }

    fn source(&self, name: &str) -> Value {
        json!({
            "name": name,
            "sds_config": {"path_config_source": {"path": self.path(name)}, "resource_api_version": "V3"},
        })
    }

    /// Takes certificates out of a bootstrap, and puts these files in their place.
    fn take_over(&self, bootstrap: &mut Value) {
        match bootstrap {
            Value::Object(fields) => {
                if fields.remove("tls_certificates").is_some() {
                    let source = json!([self.source("default")]);
                    fields.insert("tls_certificate_sds_secret_configs".to_owned(), source);
                    let mut validation = fields.remove("validation_context").unwrap();
                    validation.as_object_mut().unwrap().remove("trusted_ca");
                    let combined = json!({
                        "default_validation_context": validation,
                        "validation_context_sds_secret_config": self.source("ROOTCA"),
                    });
                    fields.insert("combined_validation_context".to_owned(), combined);
                }
                fields.values_mut().for_each(|field| self.take_over(field));
            }
            Value::Array(elements) => elements
                .iter_mut()
                .for_each(|element| self.take_over(element)),
            _ => {}
        }
    }
}

impl Proxy {
    pub(crate) fn start(mut bootstrap: Value, files: SecretFiles) -> Self {
        files.take_over(&mut bootstrap);
        let binary = EnvoyBinary::find(None).unwrap();
        let envoy = Envoy::start(&binary, &bootstrap).unwrap();
        Self { envoy, files }
    }

    /// Gives it a certificate, and waits until it has it.
    pub(crate) fn take_leaf(&self, leaf: &Leaf) {
        self.files.put_leaf(leaf);
        self.wait_for_certs("a certificate", |certs| {
            certs.contains(&format!("\"serial_number\": \"{}\"", leaf.serial))
        });
    }

    /// Gives it roots, and waits until it has as many.
    pub(crate) fn take_roots(&self, roots: &str, count: usize) {
        self.files.put_roots(roots);
        self.wait_for_certs("roots", |certs| {
            let certs: Value = serde_json::from_str(certs).unwrap();
            let mut contexts = certs["certificates"].as_array().unwrap().iter();
            contexts.all(|context| context["ca_cert"].as_array().unwrap().len() == count)
        });
    }

    fn wait_for_certs(&self, what: &str, is_there: impl Fn(&str) -> bool) {
        let certs = || {
            let certs = self.envoy.admin_get("/certs")?;
            Ok(is_there(&certs).then_some(()))
        };
        wait_for(what, TIMEOUT, certs).unwrap();
    }

    pub(crate) fn counter(&self, end: &str) -> u64 {
        let stats = self.envoy.admin_get("/stats").unwrap();
        let lines = stats.lines().filter_map(|line| line.split_once(": "));
        let named = lines.filter(|(name, _)| name.ends_with(end));
        named.map(|(_, value)| value.parse::<u64>().unwrap()).sum()
    }
}
