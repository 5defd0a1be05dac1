//! Measures how long the filter takes to load a policy, and prints the size of its config.

#![expect(
    clippy::expect_used,
    reason = "a benchmark ends when it cannot be set up"
)]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use peergate_bench::policies::{SIZES, Shape, config, json};
use policy_schema::engine::CompiledPolicy;

fn configure(criterion: &mut Criterion) {
    for shape in Shape::ALL {
        let mut group = criterion.benchmark_group(format!("configure/{}", shape.name()));
        for rules in SIZES {
            let json = json(&config(shape, rules));
            println!("{} rules, {}: {} bytes", rules, shape.name(), json.len());
            group.throughput(Throughput::Bytes(json.len() as u64));
            group.bench_with_input(
                BenchmarkId::from_parameter(rules),
                &json,
                |bencher, json| {
                    bencher.iter(|| CompiledPolicy::from_json(black_box(json)).expect("a policy"));
                },
            );
        }
    }
}

criterion_group!(benches, configure);
criterion_main!(benches);
