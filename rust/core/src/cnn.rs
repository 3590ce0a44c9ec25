//! A small convolutional network for one image of a digit; the twin of `dlcourse.reference.cnn`.

use crate::convolution::{Conv2d, Image, max_pool, max_pool_backward};
use crate::matrix::Matrix;

/// scores = W₄ relu(W₃ features + b₃) + b₄, features = pool(relu(conv₂(relu(conv₁(x))))).
///
/// No dropout: this is the network in evaluation mode. A gradient is held in the same struct.
/// Source: lecun1998. Chapter: 16_cnn.
#[derive(Clone, Debug, PartialEq)]
pub struct Cnn {
    pub convolutions: [Conv2d; 2],
    pub weights: [Matrix; 2],
    pub biases: [Vec<f64>; 2],
}

/// What a pass leaves behind for the way back.
pub struct Pass {
    images: [Image; 3],
    winners: Vec<usize>,
    features: Vec<f64>,
    hidden: Vec<f64>,
    pub scores: Vec<f64>,
}

impl Cnn {
    pub fn forward(&self, x: &Image) -> Pass {
        let first = relu(self.convolutions[0].forward(x));
        let second = relu(self.convolutions[1].forward(&first));
        let (pooled, winners) = max_pool(&second);
        let hidden: Vec<f64> = self.affine(0, &pooled.data).iter().map(|z| z.max(0.0)).collect();
        let scores = self.affine(1, &hidden);
        Pass { images: [x.clone(), first, second], winners, features: pooled.data, hidden, scores }
    }

    fn affine(&self, layer: usize, x: &[f64]) -> Vec<f64> {
        self.weights[layer].times(x).iter().zip(&self.biases[layer]).map(|(z, b)| z + b).collect()
    }

    /// From what forward left and the gradient of the scores to those of all parameters and of x.
    pub fn backward(&self, pass: &Pass, dscores: &[f64]) -> (Cnn, Image) {
        let mut grad = self.clone();
        let dhidden = grad.affine_backward(self, 1, &pass.hidden, dscores);
        let dz: Vec<f64> = dhidden.iter().zip(&pass.hidden).map(|(d, h)| d * slope(*h)).collect();
        let dfeatures = grad.affine_backward(self, 0, &pass.features, &dz);
        let [x, first, second] = &pass.images;
        let dpooled = Image::new(second.channels, second.height / 2, second.width / 2, &dfeatures);
        let dsecond = relu_backward(max_pool_backward(second, &pass.winners, &dpooled), second);
        let (second_grad, dfirst) = self.convolutions[1].backward(first, &dsecond);
        let (first_grad, dx) = self.convolutions[0].backward(x, &relu_backward(dfirst, first));
        grad.convolutions = [first_grad, second_grad];
        (grad, dx)
    }

    /// Write the gradients of one affine map into self, and return that of its input.
    fn affine_backward(&mut self, net: &Cnn, layer: usize, x: &[f64], dy: &[f64]) -> Vec<f64> {
        self.weights[layer].data.fill(0.0);
        self.weights[layer].add_outer(dy, x);
        self.biases[layer].copy_from_slice(dy);
        net.weights[layer].transposed_times(dy)
    }
}

fn relu(mut image: Image) -> Image {
    image.data.iter_mut().for_each(|v| *v = v.max(0.0));
    image
}

/// The slope of relu, told from its output.
fn slope(y: f64) -> f64 {
    if y > 0.0 { 1.0 } else { 0.0 }
}

fn relu_backward(mut dy: Image, y: &Image) -> Image {
    dy.data.iter_mut().zip(&y.data).for_each(|(d, y)| *d *= slope(*y));
    dy
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;

    fn net(rng: &mut Rng) -> Cnn {
        let mut conv = |o: usize, c: usize| Conv2d {
            kernel: 3,
            padding: 1,
            weight: Matrix::uniform(o, c * 9, 0.5, rng).data,
            bias: vec![0.1; o],
        };
        let convolutions = [conv(2, 1), conv(3, 2)];
        let weights = [Matrix::uniform(5, 12, 0.5, rng), Matrix::uniform(4, 5, 0.5, rng)];
        Cnn { convolutions, weights, biases: [vec![0.2; 5], vec![0.0; 4]] }
    }

    #[test]
    fn the_gradient_of_x_equals_central_differences() {
        let mut rng = Rng::new(5);
        let net = net(&mut rng);
        let x = Image::new(1, 4, 4, &Matrix::uniform(4, 4, 1.0, &mut rng).data);
        let dscores = [1.0, -2.0, 0.5, 3.0];
        let loss = |x: &Image| -> f64 { net.forward(x).scores.iter().zip(dscores).map(|(s, d)| s * d).sum() };
        let (_, dx) = net.backward(&net.forward(&x), &dscores);
        for i in 0..16 {
            let (mut up, mut down) = (x.clone(), x.clone());
            up.data[i] += 1e-6;
            down.data[i] -= 1e-6;
            assert!((dx.data[i] - (loss(&up) - loss(&down)) / 2e-6).abs() < 1e-7, "pixel {i}");
        }
    }
}
