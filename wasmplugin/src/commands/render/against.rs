//! Compares the rendered objects with existing ones, and reports what would be wider.

use std::collections::BTreeSet;
use std::path::PathBuf;

use peergate_fault::Failure;
use peergate_mesh::cluster;
use peergate_mesh::manifests::Manifests;
use peergate_report::place::Texts;
use peergate_report::rendered::object::Object;
use peergate_report::rendered::widening;
use policy_schema::istio::{Resource, ResourceKind};
use policy_schema::policy::PolicySet;
use policy_schema::timestamp::Timestamp;
use policy_schema::verify::widened;

use crate::{input, manifests, report};

/// The cluster of the current kubeconfig context.
const CLUSTER: &str = "cluster";

/// Options of the comparison.
#[derive(Debug, clap::Args)]
pub(super) struct AgainstArgs {
    /// Compare with existing objects: manifests, or `cluster` for the current kubeconfig context; repeatable
    #[arg(long, value_name = "PATH|cluster", value_hint = clap::ValueHint::AnyPath)]
    pub(super) against: Vec<PathBuf>,
    /// Exit with 2, and write nothing, if CONDITION holds
    #[arg(long, value_name = "CONDITION", value_enum, requires = "against")]
    pub(super) fail_on: Option<FailOn>,
}

/// A condition that fails a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum FailOn {
    /// An existing object would be, or may be, widened
    Widened,
}

impl AgainstArgs {
    /// Reports objects that would be widened. Returns whether anything may be written.
    pub(super) fn check(
        &self,
        set: &PolicySet,
        at: Timestamp,
        objects: &[Object],
    ) -> Result<bool, Failure> {
        if self.against.is_empty() {
            return Ok(true);
        }
        let rendered: Vec<_> = objects.iter().filter_map(resource).collect();
        let kinds: BTreeSet<_> = rendered.iter().map(|resource| resource.kind()).collect();
        let existing = self.read(&kinds)?;
        let root_namespace = set.mesh().root_namespace();
        let found = widened(rendered, root_namespace, at, &existing.objects);
        let fails = self.fail_on == Some(FailOn::Widened);
        let texts = Texts::new(&existing.sources);
        for widening in &found {
            let text = widening::text(widening, &texts);
            if fails {
                report::error(text);
            } else {
                report::note(text);
            }
        }
        Ok(found.is_empty() || !fails)
    }

    pub(super) fn uses_stdin(&self) -> bool {
        self.against.iter().any(|path| input::is_stdin(path))
    }

    /// Reads manifests, and of a cluster the objects of these kinds.
    fn read(&self, kinds: &BTreeSet<ResourceKind>) -> Result<Manifests, Failure> {
        let (clusters, paths): (Vec<PathBuf>, Vec<PathBuf>) = self
            .against
            .iter()
            .cloned()
            .partition(|path| path.as_os_str() == CLUSTER);
        let mut manifests = if paths.is_empty() {
            Manifests::default()
        } else {
            manifests::read(&paths)?
        };
        if !clusters.is_empty() {
            manifests.objects.extend(cluster::compared_objects(kinds)?);
        }
        Ok(manifests)
    }
}

fn resource(object: &Object) -> Option<&Resource> {
    match object {
        Object::Resource(resource, _) => Some(resource),
        Object::PluginConfig(_) | Object::HttpFilters(..) => None,
    }
}
