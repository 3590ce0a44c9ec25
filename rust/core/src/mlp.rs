//! The network with one hidden layer that learns XOR; the twin of `dlcourse.reference.mlp`.

use crate::matrix::dot;
use crate::optim::Sgd;
use crate::rng::Rng;

/// Two layers: a = tanh(W₁x + b₁), z = w₂·a + b₂, p = σ(z), trained by binary cross-entropy.
///
/// weight1 is (H, I), bias1 (H), weight2 (H), bias2 a number. A gradient has the same shape as the network,
/// so it is held in the same struct.
///
/// Source: rumelhart1986. Chapter: 07_perceptron_xor.
#[derive(Clone, Debug, PartialEq)]
pub struct Mlp {
    pub weight1: Vec<Vec<f64>>,
    pub bias1: Vec<f64>,
    pub weight2: Vec<f64>,
    pub bias2: f64,
}

/// A data set: points (N, I), and for each its class, 0 or 1.
pub type Data<'a> = (&'a [Vec<f64>], &'a [f64]);

/// σ(z) = 1 / (1 + e⁻ᶻ).
pub fn sigmoid(z: f64) -> f64 {
    1.0 / (1.0 + (-z).exp())
}

/// Binary cross-entropy of the logit z and the class t, -t ln σ(z) - (1-t) ln(1-σ(z)), safe for large |z|.
pub fn bce(z: f64, t: f64) -> f64 {
    z.max(0.0) - t * z + (-z.abs()).exp().ln_1p()
}

impl Mlp {
    /// Weights from N(0, 1), biases 0.
    pub fn new(inputs: usize, hidden: usize, rng: &mut Rng) -> Self {
        Self {
            weight1: (0..hidden).map(|_| (0..inputs).map(|_| rng.normal()).collect()).collect(),
            bias1: vec![0.0; hidden],
            weight2: (0..hidden).map(|_| rng.normal()).collect(),
            bias2: 0.0,
        }
    }

    /// The hidden activations a (H) and the logit z of one point.
    pub fn forward(&self, x: &[f64]) -> (Vec<f64>, f64) {
        let a: Vec<f64> =
            self.weight1.iter().zip(&self.bias1).map(|(row, b)| (dot(row, x) + b).tanh()).collect();
        let z = dot(&self.weight2, &a) + self.bias2;
        (a, z)
    }

    /// The probability of class 1.
    pub fn predict(&self, x: &[f64]) -> f64 {
        sigmoid(self.forward(x).1)
    }

    /// The mean loss over the data, and its gradient.
    pub fn gradient(&self, (points, targets): Data) -> (f64, Mlp) {
        let mut grad = self.zeros();
        let mut loss = 0.0;
        let n = points.len() as f64;
        for (x, t) in points.iter().zip(targets) {
            let (a, z) = self.forward(x);
            loss += bce(z, *t) / n;
            let dz = (sigmoid(z) - t) / n; // ∂L/∂z: sigmoid and cross-entropy cancel
            grad.bias2 += dz;
            for h in 0..a.len() {
                grad.weight2[h] += dz * a[h];
                let dh = dz * self.weight2[h] * (1.0 - a[h] * a[h]); // through tanh
                grad.bias1[h] += dh;
                for (g, x) in grad.weight1[h].iter_mut().zip(x) {
                    *g += dh * x;
                }
            }
        }
        (loss, grad)
    }

    /// Gradient descent on the whole data set; returns the loss before every step.
    pub fn fit(&mut self, data: Data, lr: f64, steps: usize) -> Vec<f64> {
        let mut optimiser = Sgd::new(lr, 0.0);
        let mut losses = Vec::with_capacity(steps);
        for _ in 0..steps {
            let (loss, grad) = self.gradient(data);
            optimiser.step(self.params_mut(), &grad.params());
            losses.push(loss);
        }
        losses
    }

    /// All parameters in one list: weight1 row by row, bias1, weight2, bias2.
    pub fn params(&self) -> Vec<f64> {
        let rows = self.weight1.iter().flatten();
        rows.chain(&self.bias1).chain(&self.weight2).chain([&self.bias2]).copied().collect()
    }

    /// The same parameters in the same order, to be changed.
    pub fn params_mut(&mut self) -> impl Iterator<Item = &mut f64> {
        let rows = self.weight1.iter_mut().flatten();
        rows.chain(&mut self.bias1).chain(&mut self.weight2).chain([&mut self.bias2])
    }

    fn zeros(&self) -> Self {
        let mut zeros = self.clone();
        zeros.params_mut().for_each(|p| *p = 0.0);
        zeros
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn xor() -> (Vec<Vec<f64>>, Vec<f64>) {
        let points = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]].map(|x| x.to_vec()).to_vec();
        (points, vec![0.0, 1.0, 1.0, 0.0])
    }

    #[test]
    fn the_gradient_equals_central_differences() {
        let (x, t) = xor();
        let mut net = Mlp::new(2, 5, &mut Rng::new(3));
        net.params_mut().enumerate().for_each(|(i, p)| *p += 0.1 * i as f64); // biases other than 0
        let (_, grad) = net.gradient((&x, &t));
        for (i, g) in grad.params().into_iter().enumerate() {
            let loss = |h: f64| {
                let mut moved = net.clone();
                *moved.params_mut().nth(i).unwrap() += h;
                moved.gradient((&x, &t)).0
            };
            let numeric = (loss(1e-5) - loss(-1e-5)) / 2e-5;
            assert!((g - numeric).abs() < 1e-9, "parameter {i}: {g} but {numeric}");
        }
    }

    #[test]
    fn eight_hidden_units_learn_xor_from_ten_seeds() {
        let (x, t) = xor();
        for seed in 0..10 {
            let mut net = Mlp::new(2, 8, &mut Rng::new(seed));
            let losses = net.fit((&x, &t), 0.5, 5000);
            let right = x.iter().zip(&t).all(|(x, t)| (net.predict(x) - t).abs() < 0.5);
            assert!(right && losses[4999] < 0.1 * losses[0], "seed {seed}: {}", losses[4999]);
        }
    }

    #[test]
    fn the_loss_is_finite_where_sigmoid_saturates() {
        assert_eq!(bce(1000.0, 0.0), 1000.0);
        assert_eq!(bce(-1000.0, 0.0), 0.0);
        assert!((bce(0.0, 1.0) - 2f64.ln()).abs() < 1e-15);
    }

    #[test]
    #[should_panic(expected = "vectors of one length")]
    fn a_point_of_the_wrong_length_is_refused() {
        Mlp::new(2, 3, &mut Rng::new(0)).predict(&[1.0]);
    }
}
