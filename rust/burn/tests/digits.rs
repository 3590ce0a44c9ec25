//! PyTorch's weights give PyTorch's logits, and training from them ends where PyTorch's does.

use burn::module::Param;
use burn::nn::Linear;
use burn::nn::conv::Conv2d;
use burn::tensor::{Device, Int, Tensor, TensorData};
use dlcourse::fixture::Fixture;
use dlcourse_burn::{Classifier, Cnn, Mlp, accuracy, train};

fn tensor<const D: usize>(
    fixture: &Fixture,
    name: &str,
    shape: [usize; D],
    device: &Device,
) -> Param<Tensor<D>> {
    Param::from_tensor(Tensor::from_data(TensorData::new(fixture.floats(name), shape), device))
}

/// PyTorch's (out, in) becomes burn's (in, out).
fn load_linear(layer: &mut Linear, fixture: &Fixture, name: &str, device: &Device) {
    let [inputs, outputs] = layer.weight.dims();
    let weight = tensor(fixture, &format!("{name}.weight"), [outputs, inputs], device).val();
    layer.weight = Param::from_tensor(weight.transpose().detach());
    layer.bias = Some(tensor(fixture, &format!("{name}.bias"), [outputs], device));
}

fn load_conv(layer: &mut Conv2d, fixture: &Fixture, name: &str, device: &Device) {
    layer.weight = tensor(fixture, &format!("{name}.weight"), layer.weight.dims(), device);
    layer.bias = Some(tensor(fixture, &format!("{name}.bias"), [layer.weight.dims()[0]], device));
}

fn run<M: Classifier>(name: &str, net: M, fixture: &Fixture, epochs: usize, device: &Device) {
    let images = |key: &str| {
        let values = fixture.floats(key);
        let shape = [values.len() / 64, 64];
        Tensor::<2>::from_data(TensorData::new(values, shape), device)
    };
    let classes = |key: &str| {
        let values: Vec<i64> = fixture.array(key).iter().map(|c| *c as i64).collect();
        let shape = [values.len()];
        Tensor::<1, Int>::from_data(TensorData::new(values, shape), device)
    };
    let logits: Vec<f32> = net.scores(images("some_x")).into_data().try_to_vec().unwrap();
    let logits: Vec<f64> = logits.into_iter().map(f64::from).collect();
    fixture.assert_close(&format!("{name}_logits"), &logits, 1e-5);
    let net = train(net, &images("train_x"), &classes("train_y"), epochs);
    println!("accuracy {name} {}", accuracy(&net, images("test_x"), classes("test_y")));
}

#[test]
#[ignore = "needs fixtures"]
fn digits_mlp() {
    let (fixture, device) = (Fixture::load("digits"), Device::flex().autodiff());
    let mut net = Mlp::new(&[64, 64, 10], &device);
    for (layer, name) in net.layers.iter_mut().zip(["mlp.0", "mlp.2"]) {
        load_linear(layer, &fixture, name, &device);
    }
    run("mlp", net, &fixture, 20, &device);
}

#[test]
#[ignore = "needs fixtures"]
fn digits_cnn() {
    let (fixture, device) = (Fixture::load("digits"), Device::flex().autodiff());
    let mut net = Cnn::new(&device);
    for (layer, name) in net.features.iter_mut().zip(["cnn.features.0", "cnn.features.2"]) {
        load_conv(layer, &fixture, name, &device);
    }
    for (layer, name) in net.classifier.layers.iter_mut().zip(["cnn.classifier.0", "cnn.classifier.2"]) {
        load_linear(layer, &fixture, name, &device);
    }
    run("cnn", net, &fixture, 15, &device);
}
