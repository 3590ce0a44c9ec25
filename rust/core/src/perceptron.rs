//! One unit: a weighted sum and a threshold; the twin of `dlcourse.reference.perceptron`.

/// 1 for z ≥ 0, else 0.
pub fn step(z: f64) -> u8 {
    u8::from(z >= 0.0)
}

/// A threshold unit: y = step(w·x + b).
///
/// Source: rosenblatt1958. Chapter: 07_perceptron_xor.
#[derive(Clone, Debug, PartialEq)]
pub struct Perceptron<const D: usize> {
    pub weight: [f64; D],
    pub bias: f64,
}

impl<const D: usize> Perceptron<D> {
    /// A unit with all weights 0: it says 1 to everything until it has learned.
    pub fn new() -> Self {
        Self { weight: [0.0; D], bias: 0.0 }
    }

    /// The unit's answer for one point.
    pub fn predict(&self, x: &[f64; D]) -> u8 {
        let sum: f64 = self.weight.iter().zip(x).map(|(w, x)| w * x).sum();
        step(sum + self.bias)
    }

    /// One pass over the data, w += lr (t - y) x and b += lr (t - y) after every point; returns the mistakes.
    pub fn epoch(&mut self, data: &[([f64; D], u8)], lr: f64) -> usize {
        let mut mistakes = 0;
        for (x, target) in data {
            let error = f64::from(*target) - f64::from(self.predict(x));
            for (w, x) in self.weight.iter_mut().zip(x) {
                *w += lr * error * x;
            }
            self.bias += lr * error;
            mistakes += usize::from(error != 0.0);
        }
        mistakes
    }

    /// Repeat epochs until one is free of mistakes; returns their number, None if `most` were not enough.
    pub fn fit(&mut self, data: &[([f64; D], u8)], lr: f64, most: usize) -> Option<usize> {
        (1..=most).find(|_| self.epoch(data, lr) == 0)
    }
}

impl<const D: usize> Default for Perceptron<D> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INPUTS: [[f64; 2]; 4] = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]];

    fn table(targets: [u8; 4]) -> [([f64; 2], u8); 4] {
        std::array::from_fn(|i| (INPUTS[i], targets[i]))
    }

    #[test]
    fn hand_set_gates() {
        let and = Perceptron { weight: [1.0, 1.0], bias: -1.5 };
        let or = Perceptron { weight: [1.0, 1.0], bias: -0.5 };
        let not = Perceptron { weight: [-1.0], bias: 0.5 };
        assert_eq!(INPUTS.map(|x| and.predict(&x)), [0, 0, 0, 1]);
        assert_eq!(INPUTS.map(|x| or.predict(&x)), [0, 1, 1, 1]);
        assert_eq!([not.predict(&[0.0]), not.predict(&[1.0])], [1, 0]);
    }

    #[test]
    fn learns_and_and_or_in_four_epochs() {
        for targets in [[0, 0, 0, 1], [0, 1, 1, 1]] {
            let mut unit = Perceptron::new();
            assert_eq!(unit.fit(&table(targets), 0.1, 100), Some(4));
            assert_eq!(INPUTS.map(|x| unit.predict(&x)), targets);
        }
    }

    #[test]
    fn never_learns_xor() {
        assert_eq!(Perceptron::new().fit(&table([0, 1, 1, 0]), 0.1, 10_000), None);
    }
}
