//! The same numbers as `dlcourse.reference`: the test suite in Python writes the fixtures and runs these tests.

use dlcourse::attention::MultiheadAttention;
use dlcourse::cnn::Cnn;
use dlcourse::convolution::{Conv2d, Image, max_pool, max_pool_backward};
use dlcourse::dual::{Dual, gradient};
use dlcourse::fixture::Fixture;
use dlcourse::lstm::Lstm;
use dlcourse::matrix::Matrix;
use dlcourse::mlp::Mlp;
use dlcourse::optim::{Adam, Sgd};
use dlcourse::perceptron::Perceptron;
use dlcourse::rnn::Rnn;

const TOLERANCE: f64 = 1e-10;

fn assert_close(fixture: &Fixture, name: &str, got: &[f64]) {
    fixture.assert_close(name, got, TOLERANCE);
}

fn matrix(fixture: &Fixture, name: &str, cols: usize) -> Matrix {
    let values = fixture.array(name);
    Matrix::new(values.len() / cols, cols, values)
}

#[test]
#[ignore = "needs fixtures"]
fn perceptron() {
    let fixture = Fixture::load("perceptron");
    let points = fixture.rows("x", 3).into_iter().map(|row| <[f64; 3]>::try_from(row).unwrap());
    let data: Vec<_> = points.zip(fixture.array("target").iter().map(|t| *t as u8)).collect();
    let mut unit = Perceptron::new();
    let mistakes: Vec<f64> = (0..5).map(|_| unit.epoch(&data, 0.1) as f64).collect();
    assert_close(&fixture, "mistakes", &mistakes);
    assert_close(&fixture, "weight", &unit.weight);
    assert_close(&fixture, "bias", &[unit.bias]);
    let predicted: Vec<f64> = data.iter().map(|(x, _)| f64::from(unit.predict(x))).collect();
    assert_close(&fixture, "y", &predicted);
}

#[test]
#[ignore = "needs fixtures"]
fn mlp() {
    let fixture = Fixture::load("mlp");
    let mut net = Mlp {
        weight1: fixture.rows("0.weight", 2),
        bias1: fixture.array("0.bias").to_vec(),
        weight2: fixture.array("2.weight").to_vec(),
        bias2: fixture.array("2.bias")[0],
    };
    let (x, target) = (fixture.rows("x", 2), fixture.array("target"));
    let logits: Vec<f64> = x.iter().map(|x| net.forward(x).1).collect();
    assert_close(&fixture, "logits", &logits);
    let (loss, grad) = net.gradient((&x, target));
    assert_close(&fixture, "loss", &[loss]);
    assert_close(&fixture, "gradient", &grad.params());
    let losses = net.fit((&x, target), 0.5, 50);
    assert_close(&fixture, "losses", &losses);
    assert_close(&fixture, "trained", &net.params());
}

#[test]
#[ignore = "needs fixtures"]
fn optim() {
    let fixture = Fixture::load("optim");
    let start = fixture.array("start");
    let (mut sgd, mut adam) = (Sgd::new(0.05, 0.9), Adam::new(0.01));
    let (mut p, mut q) = (start.to_vec(), start.to_vec());
    for grads in fixture.rows("grads", start.len()) {
        sgd.step(&mut p, &grads);
        adam.step(&mut q, &grads);
    }
    assert_close(&fixture, "sgd", &p);
    assert_close(&fixture, "adam", &q);
}

#[test]
#[ignore = "needs fixtures"]
fn dual() {
    let fixture = Fixture::load("dual");
    let f = |v: &[Dual]| {
        let [x, y] = [v[0], v[1]];
        x * y.sin() + y.powi(2) * x.tanh().exp() - y.ln() / x + (x - y).relu() * x.cos()
    };
    let got: Vec<f64> = fixture.rows("points", 2).iter().flat_map(|point| gradient(f, point)).collect();
    assert_close(&fixture, "gradients", &got);
}

#[test]
#[ignore = "needs fixtures"]
fn convolution() {
    let fixture = Fixture::load("convolution");
    let x = Image::new(2, 6, 8, fixture.array("x"));
    let (weight, bias) = (fixture.array("weight").to_vec(), fixture.array("bias").to_vec());
    let conv = Conv2d { kernel: 3, padding: 1, weight, bias };
    let y = conv.forward(&x);
    assert_close(&fixture, "y", &y.data);
    let (grad, dx) = conv.backward(&x, &Image::new(3, 6, 8, fixture.array("dy")));
    assert_close(&fixture, "dweight", &grad.weight);
    assert_close(&fixture, "dbias", &grad.bias);
    assert_close(&fixture, "dx", &dx.data);
    let (pooled, winners) = max_pool(&y);
    assert_close(&fixture, "pooled", &pooled.data);
    let dy = max_pool_backward(&y, &winners, &Image::new(3, 3, 4, fixture.array("dpooled")));
    assert_close(&fixture, "dunpooled", &dy.data);
}

#[test]
#[ignore = "needs fixtures"]
fn cnn() {
    let fixture = Fixture::load("cnn");
    let vector = |name: &str| fixture.array(name).to_vec();
    let conv = |layer: &str| Conv2d {
        kernel: 3,
        padding: 1,
        weight: vector(&format!("features.{layer}.weight")),
        bias: vector(&format!("features.{layer}.bias")),
    };
    let net = Cnn {
        convolutions: [conv("0"), conv("2")],
        weights: [matrix(&fixture, "classifier.0.weight", 256), matrix(&fixture, "classifier.2.weight", 64)],
        biases: [vector("classifier.0.bias"), vector("classifier.2.bias")],
    };
    let pass = net.forward(&Image::new(1, 8, 8, fixture.array("x")));
    assert_close(&fixture, "scores", &pass.scores);
    let (grad, dx) = net.backward(&pass, fixture.array("dscores"));
    assert_close(&fixture, "dx", &dx.data);
    for (layer, conv) in ["0", "2"].into_iter().zip(&grad.convolutions) {
        assert_close(&fixture, &format!("d.features.{layer}.weight"), &conv.weight);
        assert_close(&fixture, &format!("d.features.{layer}.bias"), &conv.bias);
    }
    for (layer, (weight, bias)) in ["0", "2"].into_iter().zip(grad.weights.iter().zip(&grad.biases)) {
        assert_close(&fixture, &format!("d.classifier.{layer}.weight"), &weight.data);
        assert_close(&fixture, &format!("d.classifier.{layer}.bias"), bias);
    }
}

#[test]
#[ignore = "needs fixtures"]
fn rnn() {
    let fixture = Fixture::load("rnn");
    let net = Rnn {
        weight_ih: matrix(&fixture, "weight_ih_l0", 3),
        weight_hh: matrix(&fixture, "weight_hh_l0", 4),
        bias_ih: fixture.array("bias_ih_l0").to_vec(),
        bias_hh: fixture.array("bias_hh_l0").to_vec(),
    };
    let x = matrix(&fixture, "x", 3);
    let h = net.forward(&x, fixture.array("h0"));
    assert_close(&fixture, "y", &h.data[4..]);
    let (grad, dx) = net.backward(&x, &h, &matrix(&fixture, "dy", 4));
    assert_close(&fixture, "dx", &dx.data);
    assert_close(&fixture, "d.weight_ih_l0", &grad.weight_ih.data);
    assert_close(&fixture, "d.weight_hh_l0", &grad.weight_hh.data);
    assert_close(&fixture, "d.bias_ih_l0", &grad.bias_ih);
    assert_close(&fixture, "d.bias_hh_l0", &grad.bias_hh);
}

#[test]
#[ignore = "needs fixtures"]
fn lstm() {
    let fixture = Fixture::load("lstm");
    let net = Lstm {
        weight_ih: matrix(&fixture, "weight_ih_l0", 3),
        weight_hh: matrix(&fixture, "weight_hh_l0", 4),
        bias_ih: fixture.array("bias_ih_l0").to_vec(),
        bias_hh: fixture.array("bias_hh_l0").to_vec(),
    };
    let x = matrix(&fixture, "x", 3);
    let states = net.forward(&x, fixture.array("h0"), fixture.array("c0"));
    assert_close(&fixture, "y", &states.h.data[4..]);
    assert_close(&fixture, "c", states.c.row(states.c.rows - 1));
    let (grad, dx) = net.backward(&x, &states, &matrix(&fixture, "dy", 4));
    assert_close(&fixture, "dx", &dx.data);
    assert_close(&fixture, "d.weight_ih_l0", &grad.weight_ih.data);
    assert_close(&fixture, "d.weight_hh_l0", &grad.weight_hh.data);
    assert_close(&fixture, "d.bias_ih_l0", &grad.bias_ih);
    assert_close(&fixture, "d.bias_hh_l0", &grad.bias_hh);
}

#[test]
#[ignore = "needs fixtures"]
fn attention() {
    let fixture = Fixture::load("attention");
    for (causal, prefix) in [(false, "full"), (true, "causal")] {
        let net = MultiheadAttention {
            heads: 2,
            causal,
            in_proj_weight: matrix(&fixture, "in_proj_weight", 6),
            in_proj_bias: fixture.array("in_proj_bias").to_vec(),
            out_proj_weight: matrix(&fixture, "out_proj.weight", 6),
            out_proj_bias: fixture.array("out_proj.bias").to_vec(),
        };
        let x = matrix(&fixture, "x", 6);
        let (y, pass) = net.forward(&x);
        assert_close(&fixture, &format!("{prefix}.y"), &y.data);
        let weights: Vec<f64> = pass.weights.iter().flat_map(|w| w.data.clone()).collect();
        assert_close(&fixture, &format!("{prefix}.weights"), &weights);
        let (grad, dx) = net.backward(&x, &pass, &matrix(&fixture, "dy", 6));
        assert_close(&fixture, &format!("{prefix}.dx"), &dx.data);
        assert_close(&fixture, &format!("{prefix}.in_proj_weight"), &grad.in_proj_weight.data);
        assert_close(&fixture, &format!("{prefix}.in_proj_bias"), &grad.in_proj_bias);
        assert_close(&fixture, &format!("{prefix}.out_proj.weight"), &grad.out_proj_weight.data);
        assert_close(&fixture, &format!("{prefix}.out_proj.bias"), &grad.out_proj_bias);
    }
}
