//! A matrix product as a compute kernel (matmul.wgsl): buffers, bindings, dispatch, and the way back.

use wgpu::util::{BufferInitDescriptor, DeviceExt};
use wgpu::{BufferDescriptor, BufferUsages, CommandEncoderDescriptor, ComputePipelineDescriptor, MapMode};

use crate::Gpu;

const SIDE: u32 = 8; // of a workgroup, as in matmul.wgsl

impl Gpu {
    /// a b for a (M, K) and b (K, N), row by row, in float32; the result (M, N).
    ///
    /// Panics where the lengths do not fit the sizes.
    pub fn matmul(&self, a: &[f32], b: &[f32], [m, k, n]: [usize; 3]) -> Vec<f32> {
        assert_eq!((a.len(), b.len()), (m * k, k * n), "expected a ({m}, {k}) and b ({k}, {n})");
        let sizes = [m as u32, k as u32, n as u32];
        let uniform = self.filled(bytemuck::cast_slice(&sizes), BufferUsages::UNIFORM);
        let inputs = [a, b].map(|x| self.filled(bytemuck::cast_slice(x), BufferUsages::STORAGE));
        let size = (m * n * size_of::<f32>()) as u64;
        let output = self.empty(size, BufferUsages::STORAGE | BufferUsages::COPY_SRC);
        let back = self.empty(size, BufferUsages::MAP_READ | BufferUsages::COPY_DST);

        let module = self.device.create_shader_module(wgpu::include_wgsl!("matmul.wgsl"));
        let pipeline = self.device.create_compute_pipeline(&ComputePipelineDescriptor {
            label: None,
            layout: None, // read from the shader
            module: &module,
            entry_point: Some("matmul"),
            compilation_options: Default::default(),
            cache: None,
        });
        let buffers = [&uniform, &inputs[0], &inputs[1], &output];
        let entries: Vec<_> = (0..)
            .zip(buffers)
            .map(|(binding, buffer)| wgpu::BindGroupEntry { binding, resource: buffer.as_entire_binding() })
            .collect();
        let bindings = self.device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: None,
            layout: &pipeline.get_bind_group_layout(0),
            entries: &entries,
        });

        let mut commands = self.device.create_command_encoder(&CommandEncoderDescriptor::default());
        {
            let mut pass = commands.begin_compute_pass(&Default::default());
            pass.set_pipeline(&pipeline);
            pass.set_bind_group(0, &bindings, &[]);
            pass.dispatch_workgroups(sizes[2].div_ceil(SIDE), sizes[0].div_ceil(SIDE), 1);
        }
        commands.copy_buffer_to_buffer(&output, 0, &back, 0, size);
        self.queue.submit([commands.finish()]);

        back.map_async(MapMode::Read, .., |done| done.expect("the result can be read"));
        self.device.poll(wgpu::PollType::wait_indefinitely()).expect("the kernel ends");
        bytemuck::cast_slice(&back.get_mapped_range(..).expect("mapped")).to_vec()
    }

    fn filled(&self, contents: &[u8], usage: BufferUsages) -> wgpu::Buffer {
        self.device.create_buffer_init(&BufferInitDescriptor { label: None, contents, usage })
    }

    fn empty(&self, size: u64, usage: BufferUsages) -> wgpu::Buffer {
        self.device.create_buffer(&BufferDescriptor { label: None, size, usage, mapped_at_creation: false })
    }
}
