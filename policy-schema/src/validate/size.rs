//! How large the filter's configuration for a policy is.

use std::io::{self, Write};

use super::documents::{Placed, document_of};
use crate::code::Code;
use crate::diagnostic::{Diagnostic, SourceText};
use crate::document::ServicePolicyDocument;
use crate::plugin_config::PluginConfig;
use crate::policy::PolicySet;
use crate::problem::Cursor;

/// What a Kubernetes object may have. A filter loads a configuration of this size in about 0.1 s, and each
/// worker of the proxy stands still meanwhile.
const MAX_CONFIG: usize = 1 << 20;

/// Reports policies whose configuration is larger. A configuration is hardly longer than the documents that it
/// is made of, so those of a usual size are not looked at.
pub(super) fn check_together(
    sources: &[SourceText],
    documents: &[Placed<ServicePolicyDocument>],
    set: &PolicySet,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let length: usize = sources.iter().map(|source| source.text.len()).sum();
    if length < MAX_CONFIG / 2 {
        return;
    }
    for policy in set.policies() {
        let config = PluginConfig::of_policy(set, policy);
        let size = json_size(&config);
        let Some(document) = document_of(policy, documents).filter(|_| size > MAX_CONFIG) else {
            continue;
        };
        let others = match config.along.len() {
            0 => String::new(),
            1 => ", with the rules of another policy for the same workloads".to_owned(),
            count => format!(", with the rules of {count} other policies for the same workloads"),
        };
        document.report(
            diagnostics,
            Code::LargePolicy,
            &Cursor::Root.key("metadata").key("name"),
            format!(
                "the plugin config is {} KiB{others}; more than 1024 KiB stall a proxy while it loads them, and `render` refuses such objects",
                size.div_ceil(1024)
            ),
            "split the policy by workload, or write patterns instead of long lists of values",
        );
    }
}

/// The length as JSON.
fn json_size(config: &PluginConfig) -> usize {
    let mut count = Count(0);
    // Texts, numbers and lists always serialise, and the count takes all of it.
    let _ = serde_json::to_writer(&mut count, config);
    count.0
}

struct Count(usize);

impl Write for Count {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.saturating_add(bytes.len());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
