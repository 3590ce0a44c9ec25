//! A trained network that lives behind the border: made once, asked many times.

use crate::layer::affine;

struct Layer {
    weight: Vec<f64>,
    bias: Vec<f64>,
}

/// Affine maps with a ReLU between them; the last map's result is the scores.
pub struct Mlp {
    inputs: usize,
    layers: Vec<Layer>,
}

impl Mlp {
    /// From weights (O, I), row by row, and biases (O), first layer first; `inputs` is the first layer's I.
    pub fn new(inputs: usize, parts: Vec<(Vec<f64>, Vec<f64>)>) -> Result<Self, String> {
        let mut width = inputs;
        let mut layers = Vec::new();
        for (k, (weight, bias)) in parts.into_iter().enumerate() {
            if width == 0 || bias.is_empty() || weight.len() != width * bias.len() {
                let (got, o) = (weight.len(), bias.len());
                return Err(format!("mlp: layer {k}: expected weight ({o}, {width}), got {got} values"));
            }
            width = bias.len();
            layers.push(Layer { weight, bias });
        }
        if layers.is_empty() {
            return Err("mlp: expected at least one layer, got none".into());
        }
        Ok(Self { inputs, layers })
    }

    pub fn inputs(&self) -> usize {
        self.inputs
    }

    pub fn outputs(&self) -> usize {
        self.layers.last().map_or(0, |layer| layer.bias.len())
    }

    /// The scores (N, O) of inputs x (N, I).
    pub fn scores(&self, x: &[f64]) -> Result<Vec<f64>, String> {
        let rows = x.len() / self.inputs;
        let mut h = x.to_vec();
        for (k, layer) in self.layers.iter().enumerate() {
            if k > 0 {
                h.iter_mut().for_each(|z| *z = z.max(0.0));
            }
            let mut z = vec![0.0; rows * layer.bias.len()];
            affine(&h, &layer.weight, &layer.bias, &mut z)?;
            h = z;
        }
        Ok(h)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_checked_by_hand() {
        let first = (vec![1.0, 0.0, 0.0, -1.0], vec![0.0, 0.5]);
        let net = Mlp::new(2, vec![first, (vec![2.0, 3.0], vec![1.0])]).unwrap();
        // hidden (1, -1.5) and (0, 1.5), after the ReLU (1, 0) and (0, 1.5)
        assert_eq!(net.scores(&[1.0, 2.0, -1.0, -1.0]).unwrap(), [3.0, 5.5]);
        assert_eq!((net.inputs(), net.outputs()), (2, 1));
    }

    #[test]
    fn layers_that_do_not_fit_are_named() {
        let parts = || vec![(vec![1.0; 6], vec![0.0; 2]), (vec![1.0; 3], vec![0.0])];
        let said = Mlp::new(3, parts()).err().unwrap();
        assert_eq!(said, "mlp: layer 1: expected weight (1, 2), got 3 values");
        assert!(Mlp::new(3, vec![]).is_err() && Mlp::new(0, parts()).is_err());
    }
}
