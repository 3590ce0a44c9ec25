//! Optimisers: how a gradient changes the parameters; the twin of `dlcourse.reference.optim`.
//!
//! Both take the parameters and their gradients in one fixed order, flattened, and remember what they need
//! for each. Defaults are torch's.

/// Stochastic gradient descent with momentum: v ← μv + g, p ← p - lr·v.
///
/// Source: goodfellow2016, section 8.3. Chapter: 06_losses_and_descent.
#[derive(Clone, Debug)]
pub struct Sgd {
    pub lr: f64,
    pub momentum: f64,
    velocity: Vec<f64>,
}

impl Sgd {
    pub fn new(lr: f64, momentum: f64) -> Self {
        Self { lr, momentum, velocity: Vec::new() }
    }

    /// One step. Panics if the number of gradients differs from the number of parameters.
    pub fn step<'a>(&mut self, params: impl IntoIterator<Item = &'a mut f64>, grads: &[f64]) {
        self.velocity.resize(grads.len(), 0.0);
        let mut seen = 0;
        for (p, (v, g)) in params.into_iter().zip(self.velocity.iter_mut().zip(grads)) {
            *v = self.momentum * *v + g;
            *p -= self.lr * *v;
            seen += 1;
        }
        assert_eq!(seen, grads.len(), "Sgd: expected one gradient for each parameter");
    }
}

/// Adam: the mean m and the mean square s of recent gradients, both freed of their bias towards 0.
///
/// m ← β₁m + (1-β₁)g, s ← β₂s + (1-β₂)g², p ← p - lr · m/(1-β₁ᵗ) / (√(s/(1-β₂ᵗ)) + ε).
///
/// Source: kingma2015. Chapter: 06_losses_and_descent.
#[derive(Clone, Debug)]
pub struct Adam {
    pub lr: f64,
    pub betas: (f64, f64),
    pub eps: f64,
    time: i32,
    moments: Vec<(f64, f64)>,
}

impl Adam {
    pub fn new(lr: f64) -> Self {
        Self { lr, betas: (0.9, 0.999), eps: 1e-8, time: 0, moments: Vec::new() }
    }

    /// One step. Panics if the number of gradients differs from the number of parameters.
    pub fn step<'a>(&mut self, params: impl IntoIterator<Item = &'a mut f64>, grads: &[f64]) {
        self.moments.resize(grads.len(), (0.0, 0.0));
        self.time += 1;
        let (b1, b2) = self.betas;
        let (fix1, fix2) = (1.0 - b1.powi(self.time), 1.0 - b2.powi(self.time));
        let mut seen = 0;
        for (p, ((m, s), g)) in params.into_iter().zip(self.moments.iter_mut().zip(grads)) {
            *m = b1 * *m + (1.0 - b1) * g;
            *s = b2 * *s + (1.0 - b2) * g * g;
            *p -= self.lr * (*m / fix1) / ((*s / fix2).sqrt() + self.eps);
            seen += 1;
        }
        assert_eq!(seen, grads.len(), "Adam: expected one gradient for each parameter");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn momentum_adds_up_old_gradients() {
        let (mut optimiser, mut p) = (Sgd::new(0.1, 0.5), vec![1.0]);
        optimiser.step(&mut p, &[2.0]);
        assert_eq!(p, [0.8]);
        optimiser.step(&mut p, &[2.0]); // v = 0.5 · 2 + 2 = 3
        assert!((p[0] - 0.5f64).abs() < 1e-15);
    }

    #[test]
    fn the_first_step_of_adam_has_length_lr() {
        for g in [1e-3, 1.0, -50.0] {
            let (mut optimiser, mut p) = (Adam::new(0.01), vec![0.0]);
            optimiser.step(&mut p, &[g]);
            assert!((p[0] + 0.01 * g.signum()).abs() < 1e-6, "{p:?}");
        }
    }

    #[test]
    fn both_descend_a_parabola() {
        let (mut sgd, mut adam) = (Sgd::new(0.1, 0.9), Adam::new(0.1));
        let (mut p, mut q) = (vec![3.0], vec![3.0]);
        for _ in 0..500 {
            let (gp, gq) = (2.0 * p[0], 2.0 * q[0]);
            sgd.step(&mut p, &[gp]);
            adam.step(&mut q, &[gq]);
        }
        assert!(p[0].abs() < 1e-6 && q[0].abs() < 1e-3, "{p:?} {q:?}");
    }

    #[test]
    #[should_panic(expected = "one gradient for each parameter")]
    fn a_missing_parameter_is_noticed() {
        Sgd::new(0.1, 0.0).step(&mut vec![1.0], &[1.0, 2.0]);
    }
}
