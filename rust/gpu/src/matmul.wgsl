// c = a b: one invocation computes one element of c, row by column. All matrices row by row.
struct Sizes { m: u32, k: u32, n: u32 }

@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(1) var<storage, read> a: array<f32>;        // (M, K)
@group(0) @binding(2) var<storage, read> b: array<f32>;        // (K, N)
@group(0) @binding(3) var<storage, read_write> c: array<f32>;  // (M, N)

@compute @workgroup_size(8, 8)
fn matmul(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.y >= sizes.m || id.x >= sizes.n) {
        return; // the grid is rounded up to whole workgroups
    }
    var sum = 0.0;
    for (var k = 0u; k < sizes.k; k++) {
        sum += a[id.y * sizes.k + k] * b[k * sizes.n + id.x];
    }
    c[id.y * sizes.n + id.x] = sum;
}
