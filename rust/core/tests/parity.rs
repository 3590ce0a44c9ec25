//! The same numbers as `dlcourse.reference`: the test suite in Python writes the fixtures and runs these tests.
//!
//! A fixture is a text file in the folder DLCOURSE_FIXTURES, one array a line: its name, then its values.

use std::collections::HashMap;

use dlcourse::mlp::Mlp;
use dlcourse::optim::{Adam, Sgd};
use dlcourse::perceptron::Perceptron;

struct Fixture(HashMap<String, Vec<f64>>);

impl Fixture {
    fn load(name: &str) -> Self {
        let folder = std::env::var("DLCOURSE_FIXTURES").expect("the folder that holds the fixtures");
        let text = std::fs::read_to_string(format!("{folder}/{name}.txt")).expect("a fixture of this name");
        let parse = |line: &str| {
            let (name, values) = line.split_once(' ').expect("a name and values");
            let values = values.split(' ').map(|v| v.parse().expect("a number"));
            (name.to_string(), values.collect())
        };
        Self(text.lines().map(parse).collect())
    }

    fn array(&self, name: &str) -> &[f64] {
        self.0.get(name).unwrap_or_else(|| panic!("no array {name} in the fixture"))
    }

    fn rows(&self, name: &str, width: usize) -> Vec<Vec<f64>> {
        self.array(name).chunks(width).map(<[f64]>::to_vec).collect()
    }

    /// Compare within 1e-10, relative to the largest value.
    fn assert_close(&self, name: &str, got: &[f64]) {
        let wanted = self.array(name);
        assert_eq!(got.len(), wanted.len(), "{name}: number of values");
        let scale = wanted.iter().fold(1e-300f64, |m, w| m.max(w.abs()));
        for (g, w) in got.iter().zip(wanted) {
            assert!((g - w).abs() <= 1e-10 * scale, "{name}: got {g:e}, expected {w:e}");
        }
    }
}

#[test]
#[ignore = "needs fixtures"]
fn perceptron() {
    let fixture = Fixture::load("perceptron");
    let points = fixture.rows("x", 3).into_iter().map(|row| <[f64; 3]>::try_from(row).unwrap());
    let data: Vec<_> = points.zip(fixture.array("target").iter().map(|t| *t as u8)).collect();
    let mut unit = Perceptron::new();
    let mistakes: Vec<f64> = (0..5).map(|_| unit.epoch(&data, 0.1) as f64).collect();
    fixture.assert_close("mistakes", &mistakes);
    fixture.assert_close("weight", &unit.weight);
    fixture.assert_close("bias", &[unit.bias]);
    let predicted: Vec<f64> = data.iter().map(|(x, _)| f64::from(unit.predict(x))).collect();
    fixture.assert_close("y", &predicted);
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
    fixture.assert_close("logits", &logits);
    let (loss, grad) = net.gradient((&x, target));
    fixture.assert_close("loss", &[loss]);
    fixture.assert_close("gradient", &grad.params());
    let losses = net.fit((&x, target), 0.5, 50);
    fixture.assert_close("losses", &losses);
    fixture.assert_close("trained", &net.params());
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
    fixture.assert_close("sgd", &p);
    fixture.assert_close("adam", &q);
}
