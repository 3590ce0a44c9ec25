//! The course's layers in Rust, with the standard library alone: one concept a file, under the same word as in
//! `dlcourse.reference`, which computes the same numbers with NumPy.

pub mod attention;
pub mod cnn;
pub mod convolution;
pub mod dual;
pub mod fixture;
pub mod lstm;
pub mod matrix;
pub mod mlp;
pub mod optim;
pub mod perceptron;
pub mod rng;
pub mod rnn;
