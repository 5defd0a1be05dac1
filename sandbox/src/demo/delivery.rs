//! Delivers HTTP filters as files that Envoy watches, so that changes apply without a restart.

use std::cell::Cell;
use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::error::DemoError;

/// A folder with one file per filter.
#[derive(Debug)]
pub(super) struct Delivery {
    folder: PathBuf,
    /// The number of filters that Envoy expects.
    filters: usize,
    version: Cell<u32>,
}

impl Delivery {
    /// Delivers the initial filters.
    pub(super) fn new(folder: PathBuf, filters: &[Value]) -> Result<Self, DemoError> {
        fs::create_dir(&folder)?;
        let delivery = Self {
            folder,
            filters: filters.len(),
            version: Cell::new(0),
        };
        delivery.deliver(filters)?;
        Ok(delivery)
    }

    /// The references to the filters in Envoy's config.
    pub(super) fn discovered(&self, filters: &[Value]) -> Vec<Value> {
        let entries = filters.iter().enumerate().map(|(number, filter)| {
            json!({
                "name": name(number),
                "config_discovery": {
                    "config_source": {"path_config_source": {"path": self.path(number)}},
                    "type_urls": [filter.pointer("/typed_config/@type")],
                },
            })
        });
        entries.collect()
    }

    /// Replaces the filters.
    pub(super) fn deliver(&self, filters: &[Value]) -> Result<(), DemoError> {
        if filters.len() != self.filters {
            return Err(DemoError::OtherFilters);
        }
        self.version.set(self.version.get().saturating_add(1));
        for (number, filter) in filters.iter().enumerate() {
            let response = json!({
                "version_info": self.version.get().to_string(),
                "resources": [{
                    "@type": "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig",
                    "name": name(number),
                    "typed_config": filter.get("typed_config"),
                }],
            });
            // Envoy watches for moved files, not for writes.
            let path = self.path(number);
            let new = path.with_extension("new");
            fs::write(&new, response.to_string())?;
            fs::rename(new, path)?;
        }
        Ok(())
    }

    fn path(&self, number: usize) -> PathBuf {
        self.folder.join(format!("{}.json", name(number)))
    }
}

fn name(number: usize) -> String {
    format!("filter-{number}")
}
