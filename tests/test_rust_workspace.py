"""The cargo workspace: formatted, free of lints, its own tests pass, and it computes what NumPy computes."""

import os
import re
import shutil
import subprocess

import numpy as np
import pytest
import torch

from dlcourse.course.rust import crates, toolchain
from dlcourse.reference.attention import MultiheadAttention
from dlcourse.reference.cnn import CNN
from dlcourse.reference.convolution import Conv2d
from dlcourse.reference.linear import Linear
from dlcourse.reference.losses import BCEWithLogitsLoss
from dlcourse.reference.lstm import LSTM
from dlcourse.reference.mlp import MLP
from dlcourse.reference.optim import SGD, Adam
from dlcourse.reference.perceptron import Perceptron
from dlcourse.reference.pooling import MaxPool2d
from dlcourse.reference.rnn import RNN

needs_cargo = pytest.mark.skipif(
    not shutil.which("cargo") and not os.environ.get("CI"), reason=toolchain.HOW_TO_GET_RUST
)
pytestmark = needs_cargo

LIGHT = ["core", "arrays", "ffi"]  # two minutes of one core to build; the others: test_rust_frameworks.py


def cargo(*arguments, **environment):
    """Run cargo in the workspace, and return what it prints; fails with cargo's own words."""
    rust = toolchain.toolchain()
    environment = crates.cargo_environment(rust, *crates.members()) | environment
    done = subprocess.run(
        [rust.cargo, *arguments],
        cwd=crates.WORKSPACE,
        env=environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def packages(members):
    return [word for member in members for word in ("-p", f"dlcourse-{member}")]


def test_the_pinned_rust_is_the_one_that_cells_expect():
    pinned = (crates.WORKSPACE / "rust-toolchain.toml").read_text()
    assert f'channel = "{toolchain.PINNED}.' in pinned


def test_formatted():
    cargo("fmt", "--all", "--check")


def test_no_lints():
    cargo("clippy", "--locked", "--all-targets", *packages(LIGHT), "--", "-D", "warnings")


@pytest.mark.parametrize("member", LIGHT)
def test_the_members_own_tests_pass(member):
    passed = re.findall(r"(\d+) passed", cargo("test", "--release", "--locked", *packages([member])))
    assert sum(map(int, passed)) >= 4


# Parity: fixtures made by dlcourse.reference, compared by rust/core/tests/parity.rs


def perceptron(rng):
    unit = Perceptron(3)
    x, target = rng.normal(size=(20, 3)), rng.integers(0, 2, 20)
    mistakes = [unit.update(x, target, 0.1) for _ in range(5)]
    return {"x": x, "target": target, "mistakes": mistakes, "y": unit(x), **unit.params}


def mlp(rng):
    net, loss = MLP((2, 8, 1), "tanh", rng=rng), BCEWithLogitsLoss()
    x, target = rng.normal(size=(7, 2)), rng.integers(0, 2, (7, 1)).astype(float)
    fixture = {"x": x, "target": target, "logits": net(x), **net.state_dict()}
    optimiser, losses = SGD(net, lr=0.5), []
    for _ in range(50):
        losses.append(loss(net(x), target))
        net.backward(loss.backward())
        fixture.setdefault("gradient", flat(net.grads[name] for name in net.params))
        optimiser.step()
    return fixture | {"loss": losses[0], "losses": losses, "trained": flat(net.params.values())}


def optim(rng):
    grads = rng.normal(size=(30, 6))
    fixture = {"grads": grads, "start": rng.normal(size=6)}
    for name, make in {"sgd": lambda m: SGD(m, 0.05, 0.9), "adam": lambda m: Adam(m, 0.01)}.items():
        model = Linear(6, 1, bias=False, rng=rng)
        model.params["weight"][:] = fixture["start"]
        optimiser = make(model)
        for g in grads:
            model.grads["weight"] = g[None].copy()
            optimiser.step()
        fixture[name] = model.params["weight"]
    return fixture


def dual(rng):
    points = torch.tensor(rng.uniform(0.3, 2.0, (5, 2)), requires_grad=True)
    x, y = points.T
    f = x * y.sin() + y**2 * x.tanh().exp() - y.log() / x + (x - y).relu() * x.cos()
    (gradients,) = torch.autograd.grad(f.sum(), points)
    return {"points": points.detach(), "gradients": gradients}


def convolution(rng):
    conv, pool = Conv2d(2, 3, 3, padding=1, rng=rng), MaxPool2d(2)
    x, dy, dpooled = (
        rng.normal(size=(1, 2, 6, 8)),
        rng.normal(size=(1, 3, 6, 8)),
        rng.normal(size=(1, 3, 3, 4)),
    )
    y = conv(x)
    fixture = {"x": x, "y": y, "dy": dy, "dx": conv.backward(dy), "pooled": pool(y), "dpooled": dpooled}
    fixture["dunpooled"] = pool.backward(dpooled)
    return fixture | conv.params | {f"d{name}": grad for name, grad in conv.grads.items()}


def cnn(rng):
    return backward_of(CNN(rng=rng).eval(), "x", "scores", rng.normal(size=(1, 1, 8, 8)), rng)


def rnn(rng):
    state = rng.normal(size=(1, 4))
    return {"h0": state} | backward_of(RNN(3, 4, rng=rng), "x", "y", rng.normal(size=(1, 5, 3)), rng, state)


def lstm(rng):
    net, state = LSTM(3, 4, rng=rng), (rng.normal(size=(1, 4)), rng.normal(size=(1, 4)))
    x = rng.normal(size=(1, 5, 3))
    fixture = {"h0": state[0], "c0": state[1], "c": net(x, state)[1][1]}
    return fixture | backward_of(net, "x", "y", x, rng, state)


def attention(rng):
    net = MultiheadAttention(6, 2, rng=rng)
    for name in ("in_proj_bias", "out_proj.bias"):  # zeros would hide an error
        net.params[name][:] = rng.normal(size=net.params[name].shape)
    x, dy = rng.normal(size=(1, 5, 6)), rng.normal(size=(1, 5, 6))
    fixture = {"x": x, "dy": dy} | net.state_dict()
    for prefix in ("full", "causal"):
        fixture[f"{prefix}.y"] = net.forward(x, is_causal=prefix == "causal")
        fixture |= {f"{prefix}.weights": net.weights, f"{prefix}.dx": net.backward(dy)}
        fixture |= {f"{prefix}.{name}": grad for name, grad in net.grads.items()}
    return fixture


def backward_of(net, inputs, outputs, x, rng, *state):
    """One pass there and back: input, output, a random upstream gradient, parameters and all gradients."""
    y = net.forward(x, *state)
    y = y[0] if isinstance(y, tuple) else y
    dy = rng.normal(size=y.shape)
    fixture = {inputs: x, outputs: y, f"d{outputs}": dy, f"d{inputs}": net.backward(dy)}
    return fixture | net.state_dict() | {f"d.{name}": grad for name, grad in net.grads.items()}


def flat(arrays):
    return np.concatenate([np.ravel(array) for array in arrays])


def write_fixture(path, arrays):
    """Write named arrays as dlcourse::fixture reads them: one a line, the name, then the values."""
    lines = [" ".join([name, *map(repr, map(float, np.ravel(array)))]) for name, array in arrays.items()]
    path.write_text("\n".join(lines))


FIXTURES = [perceptron, mlp, optim, dual, convolution, cnn, rnn, lstm, attention]


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    """{name: "ok" or "FAILED"} of the Rust tests, after the fixtures of all concepts were written."""
    folder = tmp_path_factory.mktemp("fixtures")
    for make in FIXTURES:
        arrays = make(np.random.default_rng(7))
        write_fixture(folder / f"{make.__name__}.txt", arrays)
    words = ["test", "--release", "--locked", *packages(["core"]), "--test", "parity", "--no-fail-fast"]
    printed = cargo(*words, "--", "--ignored", DLCOURSE_FIXTURES=str(folder))
    return dict(re.findall(r"^test (\w+) \.\.\. (\w+)", printed, re.M))


@pytest.mark.parametrize("concept", [make.__name__ for make in FIXTURES])
def test_rust_computes_what_numpy_computes(compared, concept):
    assert compared[concept] == "ok"


def test_every_parity_test_has_its_fixture(compared):
    assert compared.keys() == {make.__name__ for make in FIXTURES}
