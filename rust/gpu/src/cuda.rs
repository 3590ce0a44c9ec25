//! Is there a CUDA device? cudarc loads NVIDIA's driver at run time, so the program builds and runs without one.

use cudarc::driver::{result, sys};

/// How many CUDA devices there are, or why the question has no answer on this machine.
pub fn devices() -> Result<usize, String> {
    // SAFETY: looks for the driver's shared library and opens it, nothing more.
    if !unsafe { sys::is_culib_present() } {
        return Err("no device: NVIDIA's driver is not on this machine".into());
    }
    let count = result::init().and_then(|()| result::device::get_count());
    match count {
        Ok(0) => Err("no device: the driver is there and finds none".into()),
        Ok(count) => Ok(count as usize),
        Err(error) => Err(format!("no device: the driver says {error}")),
    }
}
