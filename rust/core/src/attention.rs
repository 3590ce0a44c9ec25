//! Self-attention over one sequence; the twin of `dlcourse.reference.attention`.

use crate::matrix::{Matrix, add_scaled, dot};

/// The weights softmax(Q Kᵀ / √d), (Tq, Tk): every row sums to 1. With `causal`, position t sees 0..=t only.
///
/// Source: vaswani2017. Chapter: 20_attention.
pub fn attention_weights(query: &Matrix, key: &Matrix, causal: bool) -> Matrix {
    let mut weights = Matrix::zeros(query.rows, key.rows);
    let scale = (query.cols as f64).sqrt().recip();
    for i in 0..query.rows {
        let seen = if causal { i + 1 } else { key.rows };
        let scores: Vec<f64> = (0..seen).map(|j| scale * dot(query.row(i), key.row(j))).collect();
        let highest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max); // against overflow
        let total: f64 = scores.iter().map(|s| (s - highest).exp()).sum();
        for (j, s) in scores.iter().enumerate() {
            weights[(i, j)] = (s - highest).exp() / total;
        }
    }
    weights
}

/// Multi-head self-attention: the heads attend side by side, an affine map mixes what they found.
///
/// in_proj_weight is (3D, D), W_q, W_k, W_v on top of each other, in_proj_bias (3D), out_proj_weight (D, D),
/// out_proj_bias (D); D is a multiple of `heads`. A gradient is held in the same struct.
/// Source: vaswani2017. Chapter: 20_attention.
#[derive(Clone, Debug, PartialEq)]
pub struct MultiheadAttention {
    pub heads: usize,
    pub causal: bool,
    pub in_proj_weight: Matrix,
    pub in_proj_bias: Vec<f64>,
    pub out_proj_weight: Matrix,
    pub out_proj_bias: Vec<f64>,
}

/// What a pass leaves behind: the projections (T, 3D), each head's weights (T, T), the joined heads (T, D).
pub struct Pass {
    projected: Matrix,
    pub weights: Vec<Matrix>,
    joined: Matrix,
}

impl MultiheadAttention {
    /// From a sequence x (T, D) to y (T, D).
    pub fn forward(&self, x: &Matrix) -> (Matrix, Pass) {
        let projected = self.in_proj_weight.affine(x, &self.in_proj_bias);
        let mut joined = Matrix::zeros(x.rows, x.cols);
        let mut weights = Vec::new();
        for head in 0..self.heads {
            let [query, key, value] = self.split(&projected, head);
            let w = attention_weights(&query, &key, self.causal);
            for t in 0..x.rows {
                let at = head * value.cols;
                joined.row_mut(t)[at..at + value.cols].copy_from_slice(&value.transposed_times(w.row(t)));
            }
            weights.push(w);
        }
        (self.out_proj_weight.affine(&joined, &self.out_proj_bias), Pass { projected, weights, joined })
    }

    /// From x, what forward left, and dy (T, D) to the gradients of parameters and x.
    pub fn backward(&self, x: &Matrix, pass: &Pass, dy: &Matrix) -> (MultiheadAttention, Matrix) {
        let mut grad = self.clone();
        affine_backward(&mut grad.out_proj_weight, &mut grad.out_proj_bias, &pass.joined, dy);
        let mut dprojected = Matrix::zeros(x.rows, 3 * x.cols);
        for (head, weights) in pass.weights.iter().enumerate() {
            self.head_backward(head, pass, weights, dy, &mut dprojected);
        }
        affine_backward(&mut grad.in_proj_weight, &mut grad.in_proj_bias, x, &dprojected);
        let mut dx = Matrix::zeros(x.rows, x.cols);
        for t in 0..x.rows {
            dx.row_mut(t).copy_from_slice(&self.in_proj_weight.transposed_times(dprojected.row(t)));
        }
        (grad, dx)
    }

    /// Query, key and value of one head, each (T, D / heads).
    fn split(&self, projected: &Matrix, head: usize) -> [Matrix; 3] {
        let depth = projected.cols / 3;
        let size = depth / self.heads;
        std::array::from_fn(|part| {
            let at = part * depth + head * size;
            let rows = (0..projected.rows).flat_map(|t| &projected.row(t)[at..at + size]);
            Matrix::new(projected.rows, size, &rows.copied().collect::<Vec<_>>())
        })
    }

    fn head_backward(
        &self,
        head: usize,
        pass: &Pass,
        weights: &Matrix,
        dy: &Matrix,
        dprojected: &mut Matrix,
    ) {
        let [query, key, value] = self.split(&pass.projected, head);
        let (size, depth) = (query.cols, dy.cols);
        let (q_at, k_at, v_at) = (head * size, depth + head * size, 2 * depth + head * size);
        let scale = (size as f64).sqrt().recip();
        for t in 0..dy.rows {
            let djoined = self.out_proj_weight.transposed_times(dy.row(t));
            let dmixed = &djoined[head * size..][..size];
            let dweights = value.times(dmixed);
            let mean = dot(&dweights, weights.row(t)); // the softmax takes it off
            for s in 0..dy.rows {
                let w = weights[(t, s)];
                let dscore = scale * w * (dweights[s] - mean);
                add_scaled(&mut dprojected.row_mut(t)[q_at..q_at + size], dscore, key.row(s));
                add_scaled(&mut dprojected.row_mut(s)[k_at..k_at + size], dscore, query.row(t));
                add_scaled(&mut dprojected.row_mut(s)[v_at..v_at + size], w, dmixed);
            }
        }
    }
}

/// Overwrite `weight` and `bias` with their gradients: the sums over all rows of dy xᵀ and of dy.
fn affine_backward(weight: &mut Matrix, bias: &mut [f64], x: &Matrix, dy: &Matrix) {
    weight.data.fill(0.0);
    bias.fill(0.0);
    for t in 0..x.rows {
        weight.add_outer(dy.row(t), x.row(t));
        add_scaled(bias, 1.0, dy.row(t));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;

    #[test]
    fn equal_keys_get_equal_weights() {
        let (query, key) = (Matrix::new(1, 2, &[3.0, -1.0]), Matrix::new(4, 2, &[1.0; 8]));
        assert_eq!(attention_weights(&query, &key, false).data, [0.25; 4]);
    }

    #[test]
    fn nobody_sees_the_future() {
        let x = Matrix::uniform(3, 2, 1.0, &mut Rng::new(0));
        let weights = attention_weights(&x, &x, true);
        assert_eq!((weights[(0, 1)], weights[(0, 2)], weights[(1, 2)]), (0.0, 0.0, 0.0));
        assert!((0..3).all(|t| (weights.row(t).iter().sum::<f64>() - 1.0).abs() < 1e-12));
    }

    #[test]
    fn large_scores_do_not_overflow() {
        let x = Matrix::new(2, 1, &[1e3, -1e3]);
        assert_eq!(attention_weights(&x, &x, false).data, [1.0, 0.0, 0.0, 1.0]);
    }
}
