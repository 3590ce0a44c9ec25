//! The course's MLP and CNN for digits in burn, on its CPU backend, differentiated by its autodiff.
//!
//! burn stores the weight of an affine map as (in, out), PyTorch as (out, in): transpose when weights pass over.

use burn::module::Module;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::loss::CrossEntropyLossConfig;
use burn::nn::pool::MaxPool2dConfig;
use burn::nn::{Linear, LinearConfig, PaddingConfig2d};
use burn::optim::{AdamConfig, GradientsParams};
use burn::tensor::activation::relu;
use burn::tensor::{Device, Int, Tensor};

/// A network that gives every row of x (N, pixels) a score for each class: (N, classes).
pub trait Classifier: Module {
    fn scores(&self, x: Tensor<2>) -> Tensor<2>;
}

/// Affine maps with relu between them.
#[derive(Module, Debug)]
pub struct Mlp {
    pub layers: Vec<Linear>,
}

impl Mlp {
    pub fn new(sizes: &[usize], device: &Device) -> Self {
        Self {
            layers: sizes.windows(2).map(|size| LinearConfig::new(size[0], size[1]).init(device)).collect(),
        }
    }
}

impl Classifier for Mlp {
    fn scores(&self, x: Tensor<2>) -> Tensor<2> {
        let (last, hidden) = self.layers.split_last().expect("at least two sizes");
        last.forward(hidden.iter().fold(x, |x, layer| relu(layer.forward(x))))
    }
}

/// The network of chapter 16 for images of 8 by 8 pixels, without its dropout.
#[derive(Module, Debug)]
pub struct Cnn {
    pub features: Vec<Conv2d>,
    pub classifier: Mlp,
}

impl Cnn {
    pub fn new(device: &Device) -> Self {
        let conv = |from, to| {
            let same = PaddingConfig2d::Explicit(1, 1, 1, 1);
            Conv2dConfig::new([from, to], [3, 3]).with_padding(same).init(device)
        };
        Self { features: vec![conv(1, 8), conv(8, 16)], classifier: Mlp::new(&[256, 64, 10], device) }
    }
}

impl Classifier for Cnn {
    fn scores(&self, x: Tensor<2>) -> Tensor<2> {
        let images = x.reshape([-1, 1, 8, 8]);
        let maps = self.features.iter().fold(images, |x, conv| relu(conv.forward(x)));
        let pool = MaxPool2dConfig::new([2, 2]).init();
        self.classifier.scores(pool.forward(maps).flatten(1, 3))
    }
}

/// Adam on cross-entropy; the batches of 32 keep the order of the rows, epoch after epoch.
pub fn train<M: Classifier>(mut net: M, x: &Tensor<2>, y: &Tensor<1, Int>, epochs: usize) -> M {
    let mut adam = AdamConfig::new().with_epsilon(1e-8).init();
    let loss = CrossEntropyLossConfig::new().init(&x.device());
    for _ in 0..epochs {
        for (x, y) in x.clone().split(32, 0).into_iter().zip(y.clone().split(32, 0)) {
            let grads = loss.forward(net.scores(x), y).backward();
            let grads = GradientsParams::from_grads(grads, &net);
            net = adam.step(1e-3, net, grads);
        }
    }
    net
}

/// The share of rows whose highest score is the right one.
pub fn accuracy<M: Classifier>(net: &M, x: Tensor<2>, y: Tensor<1, Int>) -> f64 {
    let rows = y.dims()[0];
    let right = net.scores(x).argmax(1).reshape([rows]).equal(y).int().sum();
    right.into_scalar::<i64>() as f64 / rows as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reverse_mode_gives_the_gradient_of_the_chapters_example() {
        let device = Device::flex().autodiff();
        let v = |value: f32| Tensor::<1>::from_floats([value], &device).require_grad();
        let (a, b) = (v(1.0), v(2.0));
        let grads = (a.clone() * b.clone().sin() + b.clone().powi_scalar(2)).backward();
        let slope = |v: &Tensor<1>| v.grad(&grads).unwrap().into_scalar::<f32>();
        assert!((slope(&a) - 2f32.sin()).abs() < 1e-6 && (slope(&b) - (2f32.cos() + 4.0)).abs() < 1e-6);
    }

    #[test]
    fn weights_are_stored_in_by_out() {
        let net = Mlp::new(&[3, 5, 2], &Device::flex());
        assert_eq!(net.layers[0].weight.dims(), [3, 5]);
    }

    #[test]
    fn a_small_network_learns_xor() {
        let device = Device::flex().autodiff();
        device.seed(0);
        let x = Tensor::<2>::from_floats([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], &device);
        let y = Tensor::<1, Int>::from_ints([0, 1, 1, 0], &device);
        let net = train(Mlp::new(&[2, 16, 2], &device), &x, &y, 2000);
        assert_eq!(accuracy(&net, x, y), 1.0);
    }
}
