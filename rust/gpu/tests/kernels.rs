//! The kernels against a loop. Where no device is found, the tests fail and say what to install.

use burn::tensor::{Device, DeviceKind, Tensor, TensorData};
use dlcourse_gpu::{Gpu, cuda};

/// Numbers in [-1, 1) that need no generator.
fn numbers(count: usize, seed: usize) -> Vec<f32> {
    (0..count).map(|i| ((i * 7919 + seed * 104_729) % 2003) as f32 / 1001.5 - 1.0).collect()
}

fn product(a: &[f32], b: &[f32], [m, k, n]: [usize; 3]) -> Vec<f32> {
    let element = |i: usize, j: usize| (0..k).map(|l| a[i * k + l] * b[l * n + j]).sum();
    (0..m * n).map(|at| element(at / n, at % n)).collect()
}

fn largest_difference(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

#[test]
fn a_wgsl_kernel_multiplies_matrices() {
    let gpu = Gpu::find().unwrap();
    for sizes @ [m, k, n] in [[64, 64, 64], [3, 5, 7], [1, 1, 1], [17, 64, 9]] {
        let (a, b) = (numbers(m * k, 1), numbers(k * n, 2));
        let error = largest_difference(&gpu.matmul(&a, &b, sizes), &product(&a, &b, sizes));
        assert!(error < 1e-4, "{sizes:?} on {}: {error}", gpu.name);
    }
    println!("device {}", gpu.name);
}

#[test]
#[should_panic(expected = "expected a (2, 3) and b (3, 2)")]
fn lengths_that_do_not_fit_are_refused() {
    Gpu::find().unwrap().matmul(&[0.0; 5], &[0.0; 6], [2, 3, 2]);
}

#[test]
fn burn_multiplies_on_the_same_device() {
    let device = Device::wgpu(DeviceKind::DefaultDevice);
    let (a, b) = (numbers(64 * 64, 1), numbers(64 * 64, 2));
    let tensor = |x: &[f32]| Tensor::<2>::from_data(TensorData::new(x.to_vec(), [64, 64]), &device);
    let c = tensor(&a).matmul(tensor(&b)).into_data();
    let error = largest_difference(c.as_slice().unwrap(), &product(&a, &b, [64; 3]));
    assert!(error < 1e-4, "{error}");
}

#[test]
fn the_cuda_probe_answers() {
    match cuda::devices() {
        Ok(count) => assert!(count > 0),
        Err(reason) => assert!(reason.starts_with("no device: "), "{reason}"),
    }
}
