//! Long short-term memory, one sequence at a time; the twin of `dlcourse.reference.lstm`.

use crate::matrix::{Matrix, add_scaled};
use crate::mlp::sigmoid;

/// i, f, o = σ(W_ih x[t] + b_ih + W_hh h[t-1] + b_hh), g = tanh(the same), each with its own rows;
/// c[t] = f c[t-1] + i g, h[t] = o tanh(c[t]).
///
/// weight_ih is (4H, I), weight_hh (4H, H), both biases (4H), rows in the order i, f, g, o.
/// Source: hochreiter1997 and, for the forget gate, gers2000. Chapter: 18_lstm.
#[derive(Clone, Debug, PartialEq)]
pub struct Lstm {
    pub weight_ih: Matrix,
    pub weight_hh: Matrix,
    pub bias_ih: Vec<f64>,
    pub bias_hh: Vec<f64>,
}

/// What a pass leaves behind: h and c (T + 1, H) from the start on, and the gates (T, 4H).
pub struct States {
    pub h: Matrix,
    pub c: Matrix,
    pub gates: Matrix,
}

impl Lstm {
    /// Read a sequence x (T, I) from the states h0 and c0.
    pub fn forward(&self, x: &Matrix, h0: &[f64], c0: &[f64]) -> States {
        let n = h0.len();
        let (mut h, mut c) = (Matrix::zeros(x.rows + 1, n), Matrix::zeros(x.rows + 1, n));
        let mut gates = Matrix::zeros(x.rows, 4 * n);
        h.row_mut(0).copy_from_slice(h0);
        c.row_mut(0).copy_from_slice(c0);
        for t in 0..x.rows {
            let mut z = self.weight_ih.times(x.row(t));
            for other in [&self.weight_hh.times(h.row(t)), &self.bias_ih, &self.bias_hh] {
                add_scaled(&mut z, 1.0, other);
            }
            for (k, z) in z.into_iter().enumerate() {
                gates[(t, k)] = if k / n == 2 { z.tanh() } else { sigmoid(z) };
            }
            for k in 0..n {
                let [i, f, g, o] = std::array::from_fn(|gate| gates[(t, gate * n + k)]);
                c[(t + 1, k)] = f * c[(t, k)] + i * g;
                h[(t + 1, k)] = o * c[(t + 1, k)].tanh();
            }
        }
        States { h, c, gates }
    }

    /// From x, what forward left, and dy (T, H) to the gradients of parameters and x.
    pub fn backward(&self, x: &Matrix, states: &States, dy: &Matrix) -> (Lstm, Matrix) {
        let (n, mut grad) = (dy.cols, self.clone());
        grad.weight_ih.data.fill(0.0);
        grad.weight_hh.data.fill(0.0);
        grad.bias_ih.fill(0.0);
        let mut dx = Matrix::zeros(x.rows, x.cols);
        let (mut dh, mut dc) = (vec![0.0; n], vec![0.0; n]);
        for t in (0..x.rows).rev() {
            add_scaled(&mut dh, 1.0, dy.row(t));
            let dz = through_gates(t, states, &dh, &mut dc);
            grad.weight_ih.add_outer(&dz, x.row(t));
            grad.weight_hh.add_outer(&dz, states.h.row(t));
            add_scaled(&mut grad.bias_ih, 1.0, &dz);
            dx.row_mut(t).copy_from_slice(&self.weight_ih.transposed_times(&dz));
            dh = self.weight_hh.transposed_times(&dz);
        }
        grad.bias_hh.clone_from(&grad.bias_ih);
        (grad, dx)
    }
}

/// One step back: ∂L/∂z of the four gates (4H); dc, the gradient of the cell, moves to the step before.
fn through_gates(t: usize, states: &States, dh: &[f64], dc: &mut [f64]) -> Vec<f64> {
    let n = dh.len();
    let mut dz = vec![0.0; 4 * n];
    for k in 0..n {
        let [i, f, g, o] = std::array::from_fn(|gate| states.gates[(t, gate * n + k)]);
        let tanh_c = states.c[(t + 1, k)].tanh();
        dc[k] += dh[k] * o * (1.0 - tanh_c * tanh_c);
        dz[k] = dc[k] * g * i * (1.0 - i);
        dz[n + k] = dc[k] * states.c[(t, k)] * f * (1.0 - f);
        dz[2 * n + k] = dc[k] * i * (1.0 - g * g);
        dz[3 * n + k] = dh[k] * tanh_c * o * (1.0 - o);
        dc[k] *= f;
    }
    dz
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gated(forget: f64, input: f64) -> Lstm {
        Lstm {
            weight_ih: Matrix::new(4, 1, &[0.0, 0.0, 1.0, 0.0]),
            weight_hh: Matrix::zeros(4, 1),
            bias_ih: vec![input, forget, 0.0, 50.0],
            bias_hh: vec![0.0; 4],
        }
    }

    #[test]
    fn an_open_forget_gate_keeps_the_cell() {
        let states = gated(50.0, -50.0).forward(&Matrix::new(3, 1, &[1.0, -2.0, 3.0]), &[0.0], &[0.7]);
        assert!(states.c.data.iter().all(|c| (c - 0.7).abs() < 1e-12));
        assert!((states.h[(3, 0)] - 0.7f64.tanh()).abs() < 1e-12);
    }

    #[test]
    fn a_closed_forget_gate_takes_the_new_value_alone() {
        let states = gated(-50.0, 50.0).forward(&Matrix::new(1, 1, &[0.5]), &[0.0], &[9.0]);
        assert!((states.c[(1, 0)] - 0.5f64.tanh()).abs() < 1e-12);
    }
}
