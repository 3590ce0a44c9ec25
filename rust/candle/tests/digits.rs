//! PyTorch's weights give PyTorch's logits, and training from them ends where PyTorch's does.

use candle_core::{DType, Device, Result, Tensor};
use candle_nn::{Module, Sequential, VarBuilder, VarMap};
use dlcourse::fixture::Fixture;
use dlcourse_candle::{accuracy, cnn, mlp, train};

fn run(
    name: &str,
    shape: &[usize],
    epochs: usize,
    build: impl Fn(&VarBuilder) -> Result<Sequential>,
) -> Result<()> {
    let (fixture, mut vars) = (Fixture::load("digits"), VarMap::new());
    let net = build(&VarBuilder::from_varmap(&vars, DType::F32, &Device::Cpu))?;
    vars.load(format!("{}/{name}.safetensors", std::env::var("DLCOURSE_FIXTURES").unwrap()))?;
    let images = |key: &str| {
        let values = fixture.floats(key);
        Tensor::from_slice(&values, [&[values.len() / 64], shape].concat(), &Device::Cpu)
    };
    let classes = |key: &str| {
        let values: Vec<u32> = fixture.array(key).iter().map(|c| *c as u32).collect();
        Tensor::new(values, &Device::Cpu)
    };
    let logits = net.forward(&images("some_x")?)?.to_dtype(DType::F64)?.flatten_all()?;
    fixture.assert_close(&format!("{name}_logits"), &logits.to_vec1()?, 1e-5);
    train(&vars, &net, &images("train_x")?, &classes("train_y")?, epochs)?;
    println!("accuracy {name} {}", accuracy(&net, &images("test_x")?, &classes("test_y")?)?);
    Ok(())
}

#[test]
#[ignore = "needs fixtures"]
fn digits_mlp() -> Result<()> {
    run("mlp", &[64], 20, |vars| mlp(vars, &[64, 64, 10]))
}

#[test]
#[ignore = "needs fixtures"]
fn digits_cnn() -> Result<()> {
    run("cnn", &[1, 8, 8], 15, cnn)
}
