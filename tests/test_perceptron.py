"""The perceptron: gates by hand, learning that ends and learning that cannot, and its PyTorch twin."""

import numpy as np
import pytest
import torch

from dlcourse import pytorch as pt
from dlcourse import reference as ref
from dlcourse.data import clusters, gates, iris

PACKAGES = pytest.mark.parametrize("package", [ref, pt], ids=["numpy", "torch"])


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def prepare(package, *arrays):
    return [torch.from_numpy(a) for a in arrays] if package is pt else arrays


def make(package, inputs, **arguments):
    dtype = {"dtype": torch.float64} if package is pt else {}
    return package.Perceptron(inputs, **dtype, **arguments)


def epochs_to_learn(unit, x, t, lr=0.1, limit=100):
    """The epoch whose pass makes no mistake, or None."""
    return next((epoch for epoch in range(1, limit + 1) if unit.update(x, t, lr) == 0), None)


@PACKAGES
@pytest.mark.parametrize(
    "gate, weight, bias", [("AND", [1, 1], -1.5), ("OR", [1, 1], -0.5), ("NOT", [-1], 0.5)]
)
def test_gates_by_hand(package, gate, weight, bias):
    x, t = prepare(package, *gates.gate(gate))
    unit = make(package, len(weight))
    state = {"weight": np.array([weight], dtype=float), "bias": np.array([bias])}
    unit.load_state_dict(dict(zip(state, prepare(package, *state.values()))))
    assert unit(x).tolist() == t.tolist()


@PACKAGES
def test_learns_and_and_or_in_four_epochs_but_never_xor(package):
    for name in ("AND", "OR"):
        x, t = prepare(package, *gates.gate(name))
        unit = make(package, 2)
        assert epochs_to_learn(unit, x, t) == 4
        assert unit(x).tolist() == t.tolist()
    assert epochs_to_learn(make(package, 2), *prepare(package, *gates.gate("XOR"))) is None


def test_one_update_by_hand():
    unit = ref.Perceptron(2)  # all zero, so it says 1 everywhere
    assert unit.update(np.array([[2.0, -1.0]]), np.array([0.0]), 0.5) == 1
    assert unit.params["weight"].tolist() == [[-1, 0.5]]
    assert unit.params["bias"].tolist() == [-0.5]
    assert unit.update(np.array([[2.0, -1.0]]), np.array([0.0]), 0.5) == 0


@PACKAGES
def test_iris(package):
    assert epochs_to_learn(make(package, 4), *prepare(package, *iris.iris_pair("setosa", "versicolor"))) < 10
    x, t = prepare(package, *iris.iris_pair("versicolor", "virginica"))
    assert epochs_to_learn(make(package, 4), x, t, limit=20) is None


def test_twins_learn_alike(rng):
    x, t = clusters.two_clusters(rng=rng)
    a, b = make(ref, 2, rng=np.random.default_rng(1)), make(pt, 2, rng=np.random.default_rng(1))
    for _ in range(5):
        assert a.update(x, t, 0.1) == b.update(torch.from_numpy(x), torch.from_numpy(t), 0.1)
        for name, tensor in b.state_dict().items():
            assert np.abs(a.params[name] - tensor.numpy()).max() < 1e-12


def test_bad_input():
    unit = ref.Perceptron(2)
    with pytest.raises(ValueError, match=r"Perceptron\(2\): expected x of shape \(N, 2\), got \(2,\)"):
        unit(np.zeros(2))
    with pytest.raises(ValueError, match=r"Perceptron\(2\): expected x of shape \(N, 2\), got \(4,\)"):
        unit.update(np.zeros(4), np.zeros(4), 0.1)
    with pytest.raises(ValueError, match=r"expected target of shape \(4,\), got \(4, 1\)"):
        unit.update(np.zeros((4, 2)), np.zeros((4, 1)), 0.1)
    with pytest.raises(ValueError, match="expected target 0 or 1, got -1.0"):
        unit.update(np.zeros((2, 2)), np.array([1, -1]), 0.1)
