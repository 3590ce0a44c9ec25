//! PyTorch's weights give PyTorch's logits, and training from them ends where PyTorch's does.

use dlcourse::fixture::Fixture;
use dlcourse_tch::{accuracy, cnn, mlp, train};
use tch::nn::{Module, Sequential, VarStore};
use tch::{Device, Tensor};

fn run(name: &str, shape: &[i64], epochs: usize, build: impl Fn(&VarStore) -> Sequential) {
    let fixture = Fixture::load("digits");
    let mut vars = VarStore::new(Device::Cpu);
    let net = build(&vars);
    vars.load(format!("{}/{name}.safetensors", std::env::var("DLCOURSE_FIXTURES").unwrap())).unwrap();
    let images = |key: &str| Tensor::from_slice(&fixture.floats(key)).view(shape);
    let classes =
        |key: &str| Tensor::from_slice(&fixture.array(key).iter().map(|c| *c as i64).collect::<Vec<_>>());
    let logits: Vec<f32> = net.forward(&images("some_x")).flatten(0, -1).try_into().unwrap();
    fixture.assert_close(
        &format!("{name}_logits"),
        &logits.iter().map(|z| f64::from(*z)).collect::<Vec<_>>(),
        1e-5,
    );
    train(&vars, &net, &images("train_x"), &classes("train_y"), epochs).unwrap();
    println!("accuracy {name} {}", accuracy(&net, &images("test_x"), &classes("test_y")));
}

#[test]
#[ignore = "needs fixtures"]
fn digits_mlp() {
    run("mlp", &[-1, 64], 20, |vars| mlp(&vars.root(), &[64, 64, 10]));
}

#[test]
#[ignore = "needs fixtures"]
fn digits_cnn() {
    run("cnn", &[-1, 1, 8, 8], 15, |vars| cnn(&vars.root()));
}
