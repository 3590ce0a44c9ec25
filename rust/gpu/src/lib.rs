//! Computing on a graphics processor from Rust: a kernel of our own through wgpu, and a probe for CUDA.
//!
//! wgpu speaks Vulkan, Metal or DirectX 12, so "a GPU" here is any device that does; the software device lavapipe
//! (Debian's mesa-vulkan-drivers) counts too: it proves the kernel right and says nothing about speed.

pub mod cuda;
pub mod device;
pub mod matmul;

pub use device::Gpu;
