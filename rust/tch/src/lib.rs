//! The course's MLP and CNN for digits in tch, under PyTorch's parameter names, so that weights pass unchanged.

use tch::nn::{self, ConvConfig, Module, OptimizerConfig, Path, Sequential, VarStore};
use tch::{Kind, TchError, Tensor};

/// Affine maps with relu between them; parameters "0.weight", "0.bias", "2.weight", … as in torch.
pub fn mlp(path: &Path, sizes: &[i64]) -> Sequential {
    sizes.windows(2).enumerate().fold(nn::seq(), |net, (i, size)| {
        let net = if i > 0 { net.add_fn(|z| z.relu()) } else { net };
        net.add(nn::linear(path / (2 * i), size[0], size[1], Default::default()))
    })
}

/// The network of chapter 16: images (N, 1, 8, 8) to scores (N, 10), without its dropout.
pub fn cnn(path: &Path) -> Sequential {
    let (features, classifier) = (path / "features", path / "classifier");
    let same = || ConvConfig { padding: 1, ..Default::default() };
    nn::seq()
        .add(nn::conv2d(&features / 0, 1, 8, 3, same()))
        .add_fn(|z| z.relu())
        .add(nn::conv2d(&features / 2, 8, 16, 3, same()))
        .add_fn(|z| z.relu().max_pool2d_default(2).flatten(1, -1))
        .add(nn::linear(&classifier / 0, 256, 64, Default::default()))
        .add_fn(|z| z.relu())
        .add(nn::linear(&classifier / 2, 64, 10, Default::default()))
}

/// Adam on cross-entropy; the batches of 32 keep the order of the rows, epoch after epoch.
pub fn train(
    vars: &VarStore,
    net: &Sequential,
    x: &Tensor,
    y: &Tensor,
    epochs: usize,
) -> Result<(), TchError> {
    let mut adam = nn::Adam::default().build(vars, 1e-3)?;
    for _ in 0..epochs {
        for (x, y) in x.split(32, 0).iter().zip(y.split(32, 0)) {
            adam.backward_step(&net.forward(x).cross_entropy_for_logits(&y));
        }
    }
    Ok(())
}

/// The share of rows whose highest score is the right one.
pub fn accuracy(net: &Sequential, x: &Tensor, y: &Tensor) -> f64 {
    let right = tch::no_grad(|| net.forward(x).argmax(-1, false).eq_tensor(y));
    right.to_kind(Kind::Double).mean(Kind::Double).double_value(&[])
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::Device;

    #[test]
    fn reverse_mode_gives_the_gradient_of_the_chapters_example() {
        let v = Tensor::from_slice(&[1.0f64, 2.0]).set_requires_grad(true);
        let f = v.get(0) * v.get(1).sin() + v.get(1).square();
        f.backward();
        let grad: Vec<f64> = v.grad().try_into().unwrap();
        assert!((grad[0] - 2f64.sin()).abs() < 1e-12 && (grad[1] - (2f64.cos() + 4.0)).abs() < 1e-12);
    }

    #[test]
    fn parameters_have_the_names_of_torch() {
        let vars = VarStore::new(Device::Cpu);
        let _net = cnn(&vars.root());
        let mut names: Vec<String> = vars.variables().into_keys().collect();
        names.sort();
        let layers = ["classifier.0", "classifier.2", "features.0", "features.2"];
        let expected = layers.iter().flat_map(|l| [format!("{l}.bias"), format!("{l}.weight")]);
        assert_eq!(names, expected.collect::<Vec<_>>());
    }

    #[test]
    fn one_hot_and_wrong_shapes() {
        let one_hot = Tensor::from_slice(&[2i64, 0]).one_hot(3);
        assert_eq!(one_hot, Tensor::from_slice(&[0i64, 0, 1, 1, 0, 0]).view([2, 3]));
        let (a, b) = (
            Tensor::zeros([2, 3], (Kind::Float, Device::Cpu)),
            Tensor::zeros([2, 3], (Kind::Float, Device::Cpu)),
        );
        assert!(a.f_matmul(&b).unwrap_err().to_string().contains("cannot be multiplied"));
    }
}
