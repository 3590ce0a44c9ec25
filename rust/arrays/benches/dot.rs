//! A dot product as an index loop, as an iterator chain, and by ndarray: `cargo bench -p dlcourse-arrays`.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use ndarray::Array1;

fn indexed(a: &[f64], b: &[f64]) -> f64 {
    let mut sum = 0.0;
    for i in 0..a.len() {
        sum += a[i] * b[i];
    }
    sum
}

fn dot(criterion: &mut Criterion) {
    let (a, b) = (Array1::linspace(0.0, 1.0, 10_000), Array1::linspace(1.0, 2.0, 10_000));
    let (x, y) = (a.as_slice().unwrap(), b.as_slice().unwrap());
    let mut group = criterion.benchmark_group("dot product of 10,000 numbers");
    group.bench_function("index loop", |bench| bench.iter(|| indexed(black_box(x), black_box(y))));
    group.bench_function("iterator", |bench| {
        bench.iter(|| black_box(x).iter().zip(black_box(y)).map(|(a, b)| a * b).sum::<f64>())
    });
    group.bench_function("ndarray", |bench| bench.iter(|| black_box(&a).dot(black_box(&b))));
    group.finish();
}

criterion_group!(benches, dot);
criterion_main!(benches);
