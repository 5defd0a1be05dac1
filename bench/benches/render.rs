//! Measures how long rendering a whole mesh takes, by the number of services, each with ten rules.

#![expect(
    clippy::expect_used,
    reason = "a benchmark ends when it cannot be set up"
)]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use peergate_tests::large_mesh;
use policy_schema::diagnostic::SourceText;
use policy_schema::istio::{ExtensionApi, authorization_policies, extension, mesh_resources};
use policy_schema::policy::PolicySet;
use policy_schema::timestamp::Timestamp;
use policy_schema::validate::{Options, validate};

const SERVICES: [usize; 3] = [100, 1_000, 10_000];
const RULES: usize = 10;

fn documents(services: usize) -> SourceText {
    SourceText {
        name: "mesh.yaml".to_owned(),
        text: large_mesh::documents(services, RULES),
    }
}

fn validated(source: &SourceText) -> PolicySet {
    let options = Options {
        at: Timestamp::from_unix_nanoseconds(0),
        istio_version: None,
    };
    let validated = validate(std::slice::from_ref(source), options);
    validated.policies.expect("sound policies")
}

/// Renders all objects as JSON, and returns their size in bytes.
fn render(set: &PolicySet) -> usize {
    let mut bytes = 0;
    let mut count = |object: serde_json::Result<Vec<u8>>| bytes += object.expect("JSON").len();
    for policy in set.policies() {
        let plugin = extension(&set.rollout(policy), ExtensionApi::WasmPlugin).expect("an image");
        count(serde_json::to_vec(&plugin));
        for object in authorization_policies(&set.rollout(policy)) {
            count(serde_json::to_vec(&object));
        }
    }
    for resource in mesh_resources(set) {
        count(serde_json::to_vec(&resource));
    }
    bytes
}

fn whole_mesh(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("mesh");
    group.sample_size(10);
    for services in SERVICES {
        let source = documents(services);
        let set = validated(&source);
        println!("{services} services: {} bytes rendered", render(&set));
        group.throughput(Throughput::Elements(services as u64));
        let id = |step: &str| BenchmarkId::new(step, services);
        group.bench_with_input(id("validate"), &source, |bencher, source| {
            bencher.iter(|| validated(black_box(source)));
        });
        group.bench_with_input(id("render"), &set, |bencher, set| {
            bencher.iter(|| render(black_box(set)));
        });
    }
}

criterion_group!(benches, whole_mesh);
criterion_main!(benches);
