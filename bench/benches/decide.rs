//! Measures how long a decision takes, by the number of rules.

#![expect(
    clippy::expect_used,
    reason = "a benchmark ends when it cannot be set up"
)]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use peergate_bench::policies::{
    BenchRequest, SIZES, Shape, Suffixes, any_caller, compiled, hits, misses, templates,
};

fn decide(criterion: &mut Criterion) {
    for shape in Shape::ALL {
        let mut group = criterion.benchmark_group(format!("decide/{}", shape.name()));
        for rules in SIZES {
            let policy = compiled(shape, rules).expect("a policy");
            for (kind, asked) in [("hit", hits(rules)), ("miss", misses(shape, rules))] {
                // The identity is parsed for each decision, as the filter does for each request.
                let mut requests = asked.iter().cycle();
                group.bench_function(BenchmarkId::new(kind, rules), |bencher| {
                    bencher.iter(|| {
                        let request = requests
                            .next()
                            .map(BenchRequest::as_request)
                            .expect("a cycle");
                        black_box(policy.evaluate(black_box(&request)).lets_pass())
                    });
                });
            }
        }
    }
}

/// A denied request with a path of the maximum length, whose prefix many templates share.
fn long_path(criterion: &mut Criterion) {
    let path = format!("/api/{}/x", "a".repeat(60_000));
    let mut group = criterion.benchmark_group("decide/long-path");
    for rules in SIZES {
        for ends in Suffixes::ALL {
            let policy = templates(ends, rules).expect("a policy");
            group.bench_function(BenchmarkId::new(ends.name(), rules), |bencher| {
                bencher.iter(|| {
                    let request = any_caller(path.as_bytes());
                    black_box(policy.evaluate(black_box(&request)).lets_pass())
                });
            });
        }
    }
}

criterion_group!(benches, decide, long_path);
criterion_main!(benches);
