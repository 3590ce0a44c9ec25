//! The plain recurrent network, one sequence at a time; the twin of `dlcourse.reference.rnn`.

use crate::matrix::{Matrix, add_scaled};
use crate::rng::Rng;

/// h[t] = tanh(W_ih x[t] + b_ih + W_hh h[t-1] + b_hh).
///
/// weight_ih is (H, I), weight_hh (H, H), both biases (H). A gradient is held in the same struct.
/// Source: goodfellow2016, section 10.2. Chapter: 17_rnn.
#[derive(Clone, Debug, PartialEq)]
pub struct Rnn {
    pub weight_ih: Matrix,
    pub weight_hh: Matrix,
    pub bias_ih: Vec<f64>,
    pub bias_hh: Vec<f64>,
}

impl Rnn {
    /// All parameters from U(-1/√H, 1/√H), as in torch.
    pub fn new(inputs: usize, hidden: usize, rng: &mut Rng) -> Self {
        let bound = (hidden as f64).sqrt().recip();
        Self {
            weight_ih: Matrix::uniform(hidden, inputs, bound, rng),
            weight_hh: Matrix::uniform(hidden, hidden, bound, rng),
            bias_ih: Matrix::uniform(1, hidden, bound, rng).data,
            bias_hh: Matrix::uniform(1, hidden, bound, rng).data,
        }
    }

    /// All states of a sequence x (T, I), beginning with h0: the result is (T + 1, H).
    pub fn forward(&self, x: &Matrix, h0: &[f64]) -> Matrix {
        let mut h = Matrix::zeros(x.rows + 1, h0.len());
        h.row_mut(0).copy_from_slice(h0);
        for t in 0..x.rows {
            let mut z = self.weight_ih.times(x.row(t));
            add_scaled(&mut z, 1.0, &self.weight_hh.times(h.row(t)));
            add_scaled(&mut z, 1.0, &self.bias_ih);
            add_scaled(&mut z, 1.0, &self.bias_hh);
            h.row_mut(t + 1).iter_mut().zip(z).for_each(|(h, z)| *h = z.tanh());
        }
        h
    }

    /// Backpropagation through time: from x, all states h and dy (T, H) to the gradients of parameters and x.
    pub fn backward(&self, x: &Matrix, h: &Matrix, dy: &Matrix) -> (Rnn, Matrix) {
        let (hidden, mut grad) = (h.cols, self.clone());
        grad.weight_ih.data.fill(0.0);
        grad.weight_hh.data.fill(0.0);
        grad.bias_ih.fill(0.0);
        let (mut dx, mut dh) = (Matrix::zeros(x.rows, x.cols), vec![0.0; hidden]);
        for t in (0..x.rows).rev() {
            add_scaled(&mut dh, 1.0, dy.row(t)); // what the output says, and what the next step said
            let dz: Vec<f64> = dh.iter().zip(h.row(t + 1)).map(|(d, h)| d * (1.0 - h * h)).collect();
            grad.weight_ih.add_outer(&dz, x.row(t));
            grad.weight_hh.add_outer(&dz, h.row(t));
            add_scaled(&mut grad.bias_ih, 1.0, &dz);
            dx.row_mut(t).copy_from_slice(&self.weight_ih.transposed_times(&dz));
            dh = self.weight_hh.transposed_times(&dz);
        }
        grad.bias_hh.clone_from(&grad.bias_ih);
        (grad, dx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_unit_by_hand() {
        let rnn = Rnn {
            weight_ih: Matrix::new(1, 1, &[2.0]),
            weight_hh: Matrix::new(1, 1, &[-1.0]),
            bias_ih: vec![0.1],
            bias_hh: vec![0.2],
        };
        let h = rnn.forward(&Matrix::new(2, 1, &[0.5, 0.0]), &[0.0]);
        let first = 1.3f64.tanh();
        assert_eq!(h.data, [0.0, first, (0.3 - first).tanh()]);
    }

    #[test]
    fn the_gradient_of_x_equals_central_differences() {
        let mut rng = Rng::new(1);
        let rnn = Rnn::new(2, 3, &mut rng);
        let (x, dy) = (Matrix::uniform(4, 2, 1.0, &mut rng), Matrix::uniform(4, 3, 1.0, &mut rng));
        let loss = |x: &Matrix| -> f64 {
            rnn.forward(x, &[0.0; 3]).data[3..].iter().zip(&dy.data).map(|(h, d)| h * d).sum()
        };
        let (_, dx) = rnn.backward(&x, &rnn.forward(&x, &[0.0; 3]), &dy);
        for i in 0..x.data.len() {
            let (mut up, mut down) = (x.clone(), x.clone());
            up.data[i] += 1e-6;
            down.data[i] -= 1e-6;
            assert!((dx.data[i] - (loss(&up) - loss(&down)) / 2e-6).abs() < 1e-8);
        }
    }
}
