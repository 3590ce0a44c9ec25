//! The device that kernels run on.

use wgpu::{DeviceDescriptor, Instance, InstanceDescriptor, RequestAdapterOptions};

/// A device and its queue: commands are submitted to the queue, and results are copied back.
pub struct Gpu {
    pub name: String,
    pub device: wgpu::Device,
    pub queue: wgpu::Queue,
}

impl Gpu {
    /// The first device that wgpu finds, a software device included; Err says what to install.
    pub fn find() -> Result<Self, String> {
        let instance = Instance::new(InstanceDescriptor::new_without_display_handle());
        let adapter = pollster::block_on(instance.request_adapter(&RequestAdapterOptions::default()));
        let adapter = adapter.map_err(
            |_| "no GPU device: install a Vulkan driver, or the software one (Debian: mesa-vulkan-drivers)",
        )?;
        let opened = pollster::block_on(adapter.request_device(&DeviceDescriptor::default()));
        let (device, queue) = opened.map_err(|error| format!("the device cannot be opened: {error}"))?;
        Ok(Self { name: adapter.get_info().name, device, queue })
    }
}
