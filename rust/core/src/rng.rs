//! A small seeded generator, so that a program of the standard library alone can be repeated exactly.

/// SplitMix64: a counter stepped by an odd constant, its bits mixed thoroughly.
///
/// Source: steele2014. Chapter: 08_forward_pass.
#[derive(Clone, Debug)]
pub struct Rng {
    state: u64,
}

impl Rng {
    /// The same seed gives the same numbers, on every machine.
    pub fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// The next 64 random bits.
    pub fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number from the uniform distribution on [low, high).
    pub fn uniform(&mut self, low: f64, high: f64) -> f64 {
        let unit = (self.next_u64() >> 11) as f64 / (1u64 << 53) as f64; // 53 bits: all that f64 holds
        low + (high - low) * unit
    }

    /// A number from the normal distribution N(0, 1), by the Box–Muller transform.
    ///
    /// z = √(-2 ln u) cos(2πv), with u in (0, 1] and v in [0, 1) uniform. Source: box1958.
    pub fn normal(&mut self) -> f64 {
        let (u, v) = (1.0 - self.uniform(0.0, 1.0), self.uniform(0.0, 1.0));
        (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()
    }
}

#[cfg(test)]
mod tests {
    use super::Rng;

    #[test]
    fn follows_the_published_sequence() {
        let mut rng = Rng::new(1234567);
        let got: Vec<u64> = (0..3).map(|_| rng.next_u64()).collect();
        assert_eq!(got, [6457827717110365317, 3203168211198807973, 9817491932198370423]);
    }

    #[test]
    fn normal_numbers_have_mean_0_and_variance_1() {
        let mut rng = Rng::new(0);
        let z: Vec<f64> = (0..100_000).map(|_| rng.normal()).collect();
        let mean = z.iter().sum::<f64>() / z.len() as f64;
        let variance = z.iter().map(|z| (z - mean).powi(2)).sum::<f64>() / z.len() as f64;
        assert!(mean.abs() < 0.01, "{mean}"); // three standard errors
        assert!((variance - 1.0).abs() < 0.015, "{variance}");
    }

    #[test]
    fn uniform_numbers_fill_their_interval() {
        let mut rng = Rng::new(7);
        let u: Vec<f64> = (0..10_000).map(|_| rng.uniform(-2.0, 3.0)).collect();
        assert!(u.iter().all(|u| (-2.0..3.0).contains(u)));
        assert!((u.iter().sum::<f64>() / 10_000.0 - 0.5).abs() < 0.05);
    }
}
