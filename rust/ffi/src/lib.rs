//! A layer, a loss and a network in Rust, called from Python: `c` by the C interface, `python` by PyO3.
//!
//! `layer` and `mlp` compute and know nothing of Python; the other two stand at the border. Whatever happens behind it,
//! no panic crosses: `caught` turns it into a message, and each border turns the message into its own error.

pub mod c;
pub mod layer;
pub mod mlp;
#[cfg(feature = "python")]
mod python;

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Run `work`; a panic becomes Err with the panic's message. At `extern "C"` it would end the whole process.
pub fn caught<T>(work: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|payload| {
        let text = payload.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| payload.downcast_ref::<&str>().copied());
        Err(format!("panic in Rust: {}", text.unwrap_or("without a message")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_a_message() {
        let at = |i: usize| caught(|| Ok([1.0, 2.0][i]));
        assert_eq!(at(1), Ok(2.0));
        assert!(at(2).unwrap_err().contains("index out of bounds"));
    }
}
