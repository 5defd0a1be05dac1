//! Realistic input decides the same after import and render.
//!
//! Each workload in the input gets the same requests twice in Envoy: with RBAC as Istio builds it
//! from the originals, and with the filter and RBAC of every rendered object that Istio applies to
//! it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;

use peergate_tests::module;
use peergate_tests::random::TestRequest;
use policy_schema::diagnostic::{Diagnostic, Place, SourceText};
use policy_schema::document::MeshDocument;
use policy_schema::envoy::{HttpFilter, rbac, wasm_filter};
use policy_schema::import::{Documents, Imported, Outcome, import};
use policy_schema::istio::{AuthorizationPolicy, ExtensionApi, authorization_policies, extension};
use policy_schema::policy::{FilterFailure, PolicySet};
use policy_schema::timestamp::Timestamp;
use policy_schema::validate::{Options, validate};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::callers::Callers;
use crate::client::{Answer, ask_all};
use crate::proxy::{Pod, Proxy, http_chain};
use crate::shape::{Shape, folder};
use crate::workload::{Attached, Workload};

macro_rules! shapes {
    ($($test:ident: $folder:literal,)*) => {
        const SHAPES: &[&str] = &[$($folder),*];

        $(
            #[test]
            fn $test() {
                decides_like_the_original($folder);
            }
        )*
    };
}

shapes! {
    a_dump_of_a_cluster_decides_as_before: "cluster-dump",
    a_gitops_repository_decides_as_before: "gitops",
    output_of_helm_decides_as_before: "helm-output",
    policies_beside_the_sail_operator_decide_as_before: "sail",
    a_machine_learning_platform_decides_as_before: "ml-platform",
    a_platform_bundle_decides_as_before: "platform-bundle",
    waypoints_decide_as_before: "ambient",
    tenants_decide_as_before: "multi-tenant",
    policies_among_other_files_decide_as_before: "among-others",
}

#[test]
fn every_folder_is_tested_and_together_they_have_many_objects() {
    let entries = fs::read_dir(folder()).unwrap().map(Result::unwrap);
    let folders = entries.filter(|entry| entry.path().is_dir());
    let folders: BTreeSet<_> = folders.map(|entry| entry.file_name()).collect();
    assert_eq!(folders, SHAPES.iter().map(Into::into).collect());
    let objects: usize = SHAPES
        .iter()
        .map(|shape| Shape::read(shape).objects().len())
        .sum();
    assert!(objects >= 60, "{objects}");
}

fn decides_like_the_original(name: &str) {
    let shape = Shape::read(name);
    let imported = import(&shape.sources, &shape.options());
    let originals = shape.originals();
    let mut outcome = outcome(&imported, &shape.sources);
    let documents = imported
        .documents
        .unwrap_or_else(|| panic!("nothing is imported of {name}: {outcome}"));
    let (set, diagnostics) = validated(&documents);
    let codes: BTreeSet<_> = diagnostics
        .iter()
        .map(|diagnostic| diagnostic.code.to_string())
        .collect();
    for code in codes {
        writeln!(outcome, "validate: {code}").unwrap();
    }
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(&shape.folder);
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!("outcome", outcome));
    let rendered = Rendered::of(&set);
    let mut callers = Callers::new();
    for workload in &shape.asking.workloads {
        compare(workload, &originals, &rendered, &set, &mut callers);
    }
}

/// The policies of the documents, which must be valid.
fn validated(documents: &Documents) -> (PolicySet, Vec<Diagnostic>) {
    let mut sources = vec![source(&with_image(&documents.mesh))];
    sources.extend(
        documents
            .policies
            .iter()
            .map(|policy| source(&serde_json::to_value(&policy.document).unwrap())),
    );
    let options = Options {
        at: Timestamp::from_unix_nanoseconds(0),
        istio_version: None,
    };
    let validated = validate(&sources, options);
    let diagnostics = validated.diagnostics;
    let set = validated
        .policies
        .unwrap_or_else(|| panic!("{diagnostics:#?}"));
    (set, diagnostics)
}

fn source(document: &Value) -> SourceText {
    SourceText {
        name: String::new(),
        text: document.to_string(),
    }
}

/// The mesh once the filter is published.
fn with_image(mesh: &MeshDocument) -> Value {
    let mut mesh = serde_json::to_value(mesh).unwrap();
    let digest = "0".repeat(64);
    mesh["spec"]["filter"] =
        json!({"image": format!("oci://registry.example/peergate@sha256:{digest}")});
    mesh
}

/// Everything that an import reports.
fn outcome(imported: &Imported, sources: &[SourceText]) -> String {
    let mut lines = Vec::new();
    let mut unrelated: BTreeMap<&str, usize> = BTreeMap::new();
    for finding in &imported.findings {
        if finding.outcome == Outcome::Unrelated {
            *unrelated.entry(&finding.message).or_default() += 1;
        } else {
            let (outcome, message) = (finding.outcome, &finding.message);
            let place = place(finding.place, sources);
            lines.push(format!("{place}: {outcome:?}: {message}"));
        }
    }
    lines.extend(
        unrelated
            .iter()
            .map(|(kind, count)| format!("unrelated: {count} {kind}")),
    );
    let outcomes = imported.findings.iter().map(|finding| finding.outcome);
    let lost = outcomes.filter(|outcome| outcome.is_loss()).count();
    lines.push(format!("not carried over: {lost}"));
    let notes = imported.open.iter().chain(&imported.differences);
    lines.extend(notes.map(|note| format!("note: {note}")));
    for policy in imported
        .documents
        .iter()
        .flat_map(|documents| &documents.policies)
    {
        let metadata = &policy.document.metadata;
        let origins = policy.origins.iter().map(|origin| origin.object.as_str());
        let origins = origins.collect::<Vec<_>>().join(", ");
        let (namespace, name) = (&metadata.namespace, &metadata.name);
        lines.push(format!("{namespace}/{name} is made of {origins}"));
    }
    lines.push(String::new());
    lines.join("\n")
}

fn place(place: Place, sources: &[SourceText]) -> String {
    let source = &sources[place.source];
    let before = &source.text[..place.span.start];
    format!("{}:{}", source.name, before.matches('\n').count() + 1)
}

/// All rendered objects that affect decisions.
struct Rendered {
    policies: Vec<AuthorizationPolicy>,
    plugins: Vec<WasmPlugin>,
}

#[derive(Deserialize)]
struct WasmPlugin {
    metadata: Metadata,
    spec: WasmPluginSpec,
}

#[derive(Deserialize)]
struct Metadata {
    name: String,
    namespace: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WasmPluginSpec {
    #[serde(default)]
    selector: Value,
    #[serde(default)]
    target_refs: Value,
    priority: i32,
    plugin_config: Value,
}

impl Rendered {
    fn of(set: &PolicySet) -> Self {
        let policies = set.policies().iter();
        let plugins = policies.clone().map(|policy| {
            let plugin = extension(&set.rollout(policy), ExtensionApi::WasmPlugin).unwrap();
            serde_json::from_value(serde_json::to_value(&plugin).unwrap()).unwrap()
        });
        let mut plugins: Vec<WasmPlugin> = plugins.collect();
        plugins.sort_by_key(|plugin| -plugin.spec.priority);
        Self {
            plugins,
            policies: policies
                .flat_map(|policy| authorization_policies(&set.rollout(policy)))
                .collect(),
        }
    }

    /// The filters of a workload, in order. Ignores `match.mode`, so gateways get all of them too.
    fn filters(&self, workload: &Workload, set: &PolicySet) -> Vec<HttpFilter> {
        let plugins = self.plugins.iter();
        let plugins = plugins.filter(|plugin| workload.has(&attached_plugin(plugin)));
        let plugins = plugins.map(|plugin| {
            let config = plugin.spec.plugin_config.to_string();
            let module = module();
            HttpFilter::Wasm(wasm_filter(
                &plugin.metadata.name,
                config,
                module.to_str().unwrap(),
                FilterFailure::Deny,
            ))
        });
        plugins
            .chain(rbac_filters(&applied(workload, &self.policies), set))
            .collect()
    }
}

fn attached_plugin(plugin: &WasmPlugin) -> Attached {
    let spec = &plugin.spec;
    Attached {
        namespace: plugin.metadata.namespace.clone(),
        selector: serde_json::from_value(spec.selector.clone()).unwrap(),
        targets: serde_json::from_value::<Option<_>>(spec.target_refs.clone())
            .unwrap()
            .unwrap_or_default(),
    }
}

fn attached(policy: &AuthorizationPolicy) -> Attached {
    let spec = &policy.spec;
    let targets = spec.target_ref.iter().chain(&spec.target_refs);
    Attached {
        namespace: policy.metadata.namespace.clone(),
        selector: spec.selector.clone(),
        targets: targets.cloned().collect(),
    }
}

fn applied(workload: &Workload, policies: &[AuthorizationPolicy]) -> Vec<AuthorizationPolicy> {
    let policies = policies.iter();
    let policies = policies.filter(|policy| workload.has(&attached(policy)));
    policies.cloned().collect()
}

fn rbac_filters(policies: &[AuthorizationPolicy], set: &PolicySet) -> Vec<HttpFilter> {
    let filters = rbac::http_filters(policies, set.mesh().trust_domains());
    filters.into_iter().map(HttpFilter::Rbac).collect()
}

fn compare(
    workload: &Workload,
    originals: &[AuthorizationPolicy],
    rendered: &Rendered,
    set: &PolicySet,
    callers: &mut Callers,
) {
    let Workload {
        namespace, labels, ..
    } = workload;
    let originals = applied(workload, originals);
    assert!(!originals.is_empty(), "{workload:#?}");
    if workload.left_out {
        let rendered = applied(workload, &rendered.policies);
        assert!(rendered.is_empty(), "{workload:#?}: {rendered:#?}");
        return;
    }
    let listeners = [
        ("istio", rbac_filters(&originals, set)),
        ("rendered", rendered.filters(workload, set)),
    ];
    let listeners = listeners.map(|(name, filters)| (name.to_owned(), http_chain(&filters)));
    let pod = Pod {
        namespace: namespace.clone(),
        labels: labels.clone(),
    };
    let proxy = Proxy::start_in(&pod, &listeners, callers);
    let mut different: Vec<(TestRequest, Answer, Answer)> = Vec::new();
    let mut counts = (0, 0);
    for requests in workload.requests.by_connection() {
        let mut ask = |name| ask_all(proxy.named(name), callers, &requests).unwrap();
        let answers = ask("istio").into_iter().zip(ask("rendered"));
        for (asked, (istio, rendered)) in requests.into_iter().zip(answers) {
            counts.0 += usize::from(istio == Answer::Allowed);
            counts.1 += usize::from(istio == Answer::Denied);
            if istio != rendered {
                different.push((asked, istio, rendered));
            }
        }
    }
    let (allowed, denied) = counts;
    println!("{namespace} {labels:?}: {allowed} allowed, {denied} denied");
    assert!(
        different.is_empty(),
        "{} differ of {} at {workload:#?}: {:#?}",
        different.len(),
        allowed + denied,
        &different[..different.len().min(3)]
    );
    assert!(
        allowed > 0 && denied > 0,
        "{allowed} allowed, {denied} denied: {workload:#?}"
    );
}
