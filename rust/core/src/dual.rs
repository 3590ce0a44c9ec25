//! Forward-mode differentiation: numbers that carry their derivative; the twin of `dlcourse.autodiff.dual`.

use std::ops::{Add, Div, Mul, Neg, Sub};

/// x + x'ε with ε² = 0: a value and its derivative with respect to one chosen input.
///
/// Source: griewank2008. Chapter: 09_autodiff.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dual {
    pub value: f64,
    pub slope: f64,
}

impl Dual {
    /// The input that derivatives are taken with respect to: its slope is 1.
    pub fn variable(value: f64) -> Self {
        Self { value, slope: 1.0 }
    }

    /// Anything that does not depend on that input: its slope is 0.
    pub fn constant(value: f64) -> Self {
        Self { value, slope: 0.0 }
    }

    /// f(x) + f'(x) x'ε: what every function of one argument does.
    fn chain(self, value: f64, derivative: f64) -> Self {
        Self { value, slope: derivative * self.slope }
    }

    pub fn sin(self) -> Self {
        self.chain(self.value.sin(), self.value.cos())
    }

    pub fn cos(self) -> Self {
        self.chain(self.value.cos(), -self.value.sin())
    }

    pub fn exp(self) -> Self {
        self.chain(self.value.exp(), self.value.exp())
    }

    pub fn ln(self) -> Self {
        self.chain(self.value.ln(), 1.0 / self.value)
    }

    pub fn tanh(self) -> Self {
        let y = self.value.tanh();
        self.chain(y, 1.0 - y * y)
    }

    pub fn powi(self, n: i32) -> Self {
        self.chain(self.value.powi(n), f64::from(n) * self.value.powi(n - 1))
    }

    /// max(0, x), with slope 0 at 0.
    pub fn relu(self) -> Self {
        self.chain(self.value.max(0.0), if self.value > 0.0 { 1.0 } else { 0.0 })
    }
}

impl Add for Dual {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self { value: self.value + other.value, slope: self.slope + other.slope }
    }
}

impl Sub for Dual {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self { value: self.value - other.value, slope: self.slope - other.slope }
    }
}

impl Mul for Dual {
    type Output = Self;
    fn mul(self, other: Self) -> Self {
        let slope = self.slope * other.value + self.value * other.slope; // the product rule
        Self { value: self.value * other.value, slope }
    }
}

impl Div for Dual {
    type Output = Self;
    fn div(self, other: Self) -> Self {
        let slope = (self.slope * other.value - self.value * other.slope) / (other.value * other.value);
        Self { value: self.value / other.value, slope }
    }
}

impl Neg for Dual {
    type Output = Self;
    fn neg(self) -> Self {
        Self { value: -self.value, slope: -self.slope }
    }
}

/// The gradient of f at x, one pass for each input.
pub fn gradient(f: impl Fn(&[Dual]) -> Dual, x: &[f64]) -> Vec<f64> {
    let seeded = |i: usize| -> Vec<Dual> {
        let slope = |j| if i == j { 1.0 } else { 0.0 };
        x.iter().enumerate().map(|(j, &value)| Dual { value, slope: slope(j) }).collect()
    };
    (0..x.len()).map(|i| f(&seeded(i)).slope).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gradient_of_the_chapters_example() {
        let f = |v: &[Dual]| v[0] * v[1].sin() + v[1].powi(2);
        let got = gradient(f, &[1.0, 2.0]);
        assert_eq!(got, [2f64.sin(), 2f64.cos() + 4.0]);
    }

    #[test]
    fn every_rule_agrees_with_central_differences() {
        type Rule = (&'static str, fn(Dual) -> Dual);
        let rules: [Rule; 10] = [
            ("sin", |x| x.sin()),
            ("cos", |x| x.cos()),
            ("exp", |x| x.exp()),
            ("ln", |x| x.ln()),
            ("tanh", |x| x.tanh()),
            ("powi", |x| x.powi(3)),
            ("relu", |x| x.relu()),
            ("neg", |x| -x),
            ("quotient", |x| x.sin() / (x + Dual::constant(2.0))),
            ("difference of products", |x| x * x * x - Dual::constant(5.0) * x),
        ];
        for (name, f) in rules {
            let at = |x: f64| f(Dual::constant(x)).value;
            let numeric = (at(0.7 + 1e-6) - at(0.7 - 1e-6)) / 2e-6;
            assert!((f(Dual::variable(0.7)).slope - numeric).abs() < 1e-8, "{name}");
        }
    }

    #[test]
    fn a_constant_scales_value_and_slope() {
        let x = Dual { value: 3.0, slope: 1.0 };
        assert_eq!(x * Dual::constant(5.0), Dual { value: 15.0, slope: 5.0 });
    }
}
