"""tch, candle and burn: PyTorch's weights give PyTorch's logits, and training ends at PyTorch's accuracy."""

import re

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from sklearn.datasets import load_digits

from dlcourse.course import rust
from tests.test_rust_workspace import cargo, needs_cargo, packages, write_fixture

pytestmark = [needs_cargo, pytest.mark.slow]

MEMBERS = ["tch", "candle", "burn"]  # together about 12 minutes of one core to build, once
EPOCHS = {"mlp": 20, "cnn": 15}


class CNN(torch.nn.Module):
    """The network of chapter 16 without its dropout, so that all four frameworks train the same."""

    def __init__(self):
        super().__init__()
        nn = torch.nn
        self.features = nn.Sequential(
            nn.Conv2d(1, 8, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(8, 16, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
        )
        self.classifier = nn.Sequential(nn.Linear(256, 64), nn.ReLU(), nn.Linear(64, 10))

    def forward(self, x):
        return self.classifier(self.features(x.reshape(-1, 1, 8, 8)).flatten(1))


def mlp():
    return torch.nn.Sequential(torch.nn.Linear(64, 64), torch.nn.ReLU(), torch.nn.Linear(64, 10))


def initialise(net, rng):
    """U(-1/√fan_in, 1/√fan_in) from a generator of ours; float32, as all four frameworks compute."""
    with torch.no_grad():
        for name, param in net.named_parameters():
            fan_in = net.get_submodule(name.rpartition(".")[0]).weight[0].numel()
            param.copy_(torch.from_numpy(rng.uniform(-1, 1, param.shape) * fan_in**-0.5))
    return net


def train(net, x, y, epochs):
    adam, loss = torch.optim.Adam(net.parameters(), lr=1e-3), torch.nn.CrossEntropyLoss()
    for _ in range(epochs):
        for rows, classes in zip(x.split(32), y.split(32)):
            adam.zero_grad()
            loss(net(rows), classes).backward()
            adam.step()


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    """The folder of the fixtures, and PyTorch's accuracies {"mlp": …, "cnn": …}."""
    folder, rng = tmp_path_factory.mktemp("digits"), np.random.default_rng(0)
    x, y = load_digits(return_X_y=True)
    order = rng.permutation(len(y))
    x, y = torch.from_numpy((x[order] / 16).astype("float32")), torch.from_numpy(y[order])
    arrays = {
        "train_x": x[:1437],
        "train_y": y[:1437],
        "test_x": x[1437:],
        "test_y": y[1437:],
        "some_x": x[:20],
    }
    accuracies = {}
    for name, net in {"mlp": initialise(mlp(), rng), "cnn": initialise(CNN(), rng)}.items():
        weights = net.state_dict()
        save_file(weights, folder / f"{name}.safetensors")
        arrays |= {f"{name}.{key}": weight.clone() for key, weight in weights.items()}
        arrays[f"{name}_logits"] = net(x[:20]).detach()
        train(net, x[:1437], y[:1437], EPOCHS[name])
        accuracies[name] = float((net(x[1437:]).argmax(1) == y[1437:]).float().mean())
    write_fixture(folder / "digits.txt", arrays)
    return folder, accuracies


@pytest.mark.parametrize("member", [*MEMBERS, "gpu"])  # gpu: on any Vulkan device, a software one included
def test_a_members_own_tests_pass(member):
    passed = re.findall(r"(\d+) passed", cargo("test", "--release", "--locked", *packages([member])))
    assert sum(map(int, passed)) >= 3


@pytest.mark.parametrize("member", MEMBERS)
def test_digits_as_in_pytorch(member, digits):
    folder, expected = digits
    words = ["test", "--release", "--locked", *packages([member]), "--test", "digits", "--", "--ignored"]
    printed = cargo(*words, "--nocapture", DLCOURSE_FIXTURES=str(folder))
    got = {name: float(value) for name, value in re.findall(r"accuracy (\w+) (\S+)", printed)}
    assert got.keys() == expected.keys()
    assert min(expected.values()) > 0.93, expected  # the comparison is between networks that have learned
    assert all(abs(got[name] - expected[name]) <= 0.015 for name in got), (got, expected)


CELLS = {
    "tch": 'let t = tch::Tensor::from_slice(&[1.0f64, 2.0]); println!("{}", t.dot(&t).double_value(&[]));',
    "candle": "let t = candle_core::Tensor::new(&[1.0f64, 2.0], &candle_core::Device::Cpu).unwrap();"
    ' println!("{}", t.sqr().unwrap().sum_all().unwrap().to_scalar::<f64>().unwrap());',
    "burn": "let t = burn::tensor::Tensor::<1>::from_floats([1.0, 2.0], &burn::tensor::Device::flex());"
    ' println!("{}", (t.clone() * t).sum().into_scalar::<f32>());',
}


@pytest.mark.parametrize("member", MEMBERS)
def test_a_cell_finds_the_members_crates(member):
    result = rust.compile_and_run(f"fn main() {{ {CELLS[member]} }}", member=member, timeout=60)
    assert (result.returncode, result.stdout) == (0, "5\n"), result.stderr
