//! The course's layers in Rust, with the standard library alone: one concept a file, under the same word as in
//! `dlcourse.reference`, which computes the same numbers with NumPy.

pub mod mlp;
pub mod optim;
pub mod perceptron;
pub mod rng;
