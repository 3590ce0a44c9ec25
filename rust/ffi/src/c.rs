//! The C interface, for ctypes and for C: plain pointers into memory of the caller, nothing is copied.
//!
//! Every function returns 0, or 1 after a failure whose text `dlcourse_message` then gives to the same thread.

use std::cell::RefCell;
use std::slice::{from_raw_parts, from_raw_parts_mut};

use crate::{caught, layer};

thread_local! {
    static MESSAGE: RefCell<String> = const { RefCell::new(String::new()) };
}

fn status(result: Result<(), String>) -> i32 {
    match result {
        Ok(()) => 0,
        Err(text) => {
            MESSAGE.with_borrow_mut(|message| *message = text);
            1
        }
    }
}

/// A slice of the caller's memory; null is refused.
///
/// # Safety
/// `start` is null or points to `length` values that nothing changes while the slice is in use.
unsafe fn slice<'a, T>(name: &str, start: *const T, length: usize) -> Result<&'a [T], String> {
    if start.is_null() {
        return Err(format!("{name}: expected a pointer, got null"));
    }
    // SAFETY: not null; the rest is what the caller promises.
    Ok(unsafe { from_raw_parts(start, length) })
}

/// y = x Wᵀ + b, written to y: x (n, i), weight (o, i), bias (o), y (n, o).
///
/// # Safety
/// Each pointer is null or points to as many doubles as its shape says; y overlaps none of the others.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dlcourse_affine(
    x: *const f64,
    weight: *const f64,
    bias: *const f64,
    y: *mut f64,
    n: usize,
    i: usize,
    o: usize,
) -> i32 {
    status(caught(|| {
        // SAFETY: what the caller promises; `slice` refuses null.
        let (x, weight, bias) =
            unsafe { (slice("x", x, n * i)?, slice("weight", weight, o * i)?, slice("bias", bias, o)?) };
        if y.is_null() {
            return Err("y: expected a pointer, got null".into());
        }
        // SAFETY: not null, o values in each of n rows, and no overlap, as the caller promises.
        layer::affine(x, weight, bias, unsafe { from_raw_parts_mut(y, n * o) })
    }))
}

/// The mean cross-entropy of scores (n, classes) and targets (n), written to loss.
///
/// # Safety
/// Each pointer is null or points to as many values as its shape says; loss points to one double.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dlcourse_cross_entropy(
    scores: *const f64,
    targets: *const u64,
    n: usize,
    classes: usize,
    loss: *mut f64,
) -> i32 {
    status(caught(|| {
        // SAFETY: what the caller promises; `slice` refuses null.
        let (scores, targets) =
            unsafe { (slice("scores", scores, n * classes)?, slice("targets", targets, n)?) };
        let value = layer::cross_entropy(scores, targets)?;
        // SAFETY: null gives None, else one double that the caller lends us.
        *unsafe { loss.as_mut() }.ok_or("loss: expected a pointer, got null")? = value;
        Ok(())
    }))
}

/// Copy the text of this thread's last failure to buffer, cut to size - 1 bytes and closed by a zero byte.
///
/// # Safety
/// buffer is null or points to `size` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dlcourse_message(buffer: *mut u8, size: usize) {
    if buffer.is_null() || size == 0 {
        return;
    }
    // SAFETY: not null, `size` bytes as the caller promises.
    let buffer = unsafe { from_raw_parts_mut(buffer, size) };
    MESSAGE.with_borrow(|message| {
        let length = message.len().min(size - 1);
        buffer[..length].copy_from_slice(&message.as_bytes()[..length]);
        buffer[length] = 0;
    });
}
