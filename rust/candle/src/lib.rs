//! The course's MLP and CNN for digits in candle, under PyTorch's parameter names, so that weights pass unchanged.

use candle_core::{D, DType, Result, Tensor};
use candle_nn::{
    AdamW, Conv2dConfig, Module, Optimizer, ParamsAdamW, Sequential, VarBuilder, VarMap, conv2d, linear,
    loss, seq,
};

/// Affine maps with relu between them; parameters "0.weight", "0.bias", "2.weight", … as in torch.
pub fn mlp(vars: &VarBuilder, sizes: &[usize]) -> Result<Sequential> {
    sizes.windows(2).enumerate().try_fold(seq(), |net, (i, size)| {
        let net = if i > 0 { net.add_fn(|z| z.relu()) } else { net };
        Ok(net.add(linear(size[0], size[1], vars.pp(2 * i))?))
    })
}

/// The network of chapter 16: images (N, 1, 8, 8) to scores (N, 10), without its dropout.
pub fn cnn(vars: &VarBuilder) -> Result<Sequential> {
    let (features, classifier) = (vars.pp("features"), vars.pp("classifier"));
    let same = Conv2dConfig { padding: 1, ..Default::default() };
    Ok(seq()
        .add(conv2d(1, 8, 3, same, features.pp(0))?)
        .add_fn(|z| z.relu())
        .add(conv2d(8, 16, 3, same, features.pp(2))?)
        .add_fn(|z| z.relu()?.max_pool2d(2)?.flatten_from(1))
        .add(linear(256, 64, classifier.pp(0))?)
        .add_fn(|z| z.relu())
        .add(linear(64, 10, classifier.pp(2))?))
}

/// Adam on cross-entropy; the batches of 32 keep the order of the rows, epoch after epoch.
pub fn train(vars: &VarMap, net: &Sequential, x: &Tensor, y: &Tensor, epochs: usize) -> Result<()> {
    let adam = ParamsAdamW { lr: 1e-3, weight_decay: 0.0, ..Default::default() };
    let (mut adam, rows) = (AdamW::new(vars.all_vars(), adam)?, x.dim(0)?);
    for start in (0..epochs).flat_map(|_| (0..rows).step_by(32)) {
        let size = 32.min(rows - start);
        let scores = net.forward(&x.narrow(0, start, size)?)?;
        adam.backward_step(&loss::cross_entropy(&scores, &y.narrow(0, start, size)?)?)?;
    }
    Ok(())
}

/// The share of rows whose highest score is the right one; y holds classes as u32.
pub fn accuracy(net: &Sequential, x: &Tensor, y: &Tensor) -> Result<f64> {
    let right = net.forward(x)?.argmax(D::Minus1)?.eq(y)?;
    right.to_dtype(DType::F64)?.mean_all()?.to_scalar()
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{Device, Var};

    #[test]
    fn reverse_mode_gives_the_gradient_of_the_chapters_example() -> Result<()> {
        let (a, b) = (Var::new(1f64, &Device::Cpu)?, Var::new(2f64, &Device::Cpu)?);
        let grads = ((a.as_tensor() * b.sin()?)? + b.sqr()?)?.backward()?;
        let slope = |v: &Var| grads.get(v).unwrap().to_scalar::<f64>();
        assert!((slope(&a)? - 2f64.sin()).abs() < 1e-12 && (slope(&b)? - (2f64.cos() + 4.0)).abs() < 1e-12);
        Ok(())
    }

    #[test]
    fn safetensors_keep_every_bit() -> std::result::Result<(), Box<dyn std::error::Error>> {
        let values = [1.0f32, -0.0, f32::MIN_POSITIVE, 1e-45, 0.1];
        let weight = Tensor::new(&values, &Device::Cpu)?;
        let bytes = safetensors::serialize([("weight", &weight)], None)?;
        let back = candle_core::safetensors::load_buffer(&bytes, &Device::Cpu)?;
        let bits = |v: Vec<f32>| v.into_iter().map(f32::to_bits).collect::<Vec<_>>();
        assert_eq!(bits(back["weight"].to_vec1()?), bits(values.to_vec()));
        Ok(())
    }

    #[test]
    fn wrong_shapes_are_an_error_not_a_panic() -> Result<()> {
        let a = Tensor::zeros((2, 3), DType::F32, &Device::Cpu)?;
        assert!(a.matmul(&a).unwrap_err().to_string().contains("shape mismatch in matmul"));
        Ok(())
    }
}
