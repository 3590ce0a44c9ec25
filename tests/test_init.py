"""Initialisation: the spread that each formula promises, and orthogonality."""

import math

import numpy as np
import pytest
import torch

from dlcourse import reference as ref
from dlcourse.reference import init

SHAPE = (60, 20, 3, 3)  # fan_in 180, fan_out 540


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_fans_are_torchs():
    for shape in [(3, 5), (7, 2, 3), SHAPE]:
        assert init.fans(shape) == torch.nn.init._calculate_fan_in_and_fan_out(torch.empty(shape))
    with pytest.raises(ValueError, match=r"expected a weight shape \(out, in, ...\), got \(5,\)"):
        init.fans((5,))


@pytest.mark.parametrize(
    "make, bound",
    [
        (init.xavier_uniform, math.sqrt(6 / 720)),
        (init.kaiming_uniform, math.sqrt(6 / 180)),
        (lambda *a, **k: init.kaiming_uniform(*a, gain=1, **k), math.sqrt(3 / 180)),
        (lambda *a, **k: init.uniform(*a, -0.5, 0.5, **k), 0.5),
    ],
)
def test_uniform(make, bound, rng):
    x = make(SHAPE, rng=rng)
    assert 0.999 * bound < np.abs(x).max() <= bound
    assert x.std() == pytest.approx(bound / math.sqrt(3), rel=0.02)
    assert abs(x.mean()) < 0.02 * bound


@pytest.mark.parametrize(
    "make, std",
    [
        (init.xavier_normal, math.sqrt(2 / 720)),
        (init.kaiming_normal, math.sqrt(2 / 180)),
        (lambda *a, **k: init.normal(*a, 0.0, 3.0, **k), 3.0),
    ],
)
def test_normal(make, std, rng):
    x = make(SHAPE, rng=rng)
    assert x.std() == pytest.approx(std, rel=0.02)
    assert np.abs(x).max() > 3.5 * std  # no uniform distribution reaches so far


@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (4, 4), (4, 2, 3), (1, 7)])
def test_orthogonal(shape, rng):
    x = init.orthogonal(shape, gain=2, rng=rng)
    assert x.shape == shape and x.flags.c_contiguous
    flat = x.reshape(shape[0], -1) / 2
    flat = flat if flat.shape[0] <= flat.shape[1] else flat.T
    assert np.abs(flat @ flat.T - np.eye(len(flat))).max() < 1e-14


def test_orthogonal_is_uniform(rng):
    """Without the signs, the first entry of Q would never be positive."""
    signs = [init.orthogonal((2, 2), rng=rng)[0, 0] > 0 for _ in range(200)]
    assert 70 < sum(signs) < 130


@pytest.mark.parametrize("name", ["uniform", "normal", "xavier_uniform", "xavier_normal", "kaiming_uniform"])
def test_seed_and_dtype(name):
    make = getattr(init, name)
    a, b = (make((3, 5), rng=np.random.default_rng(7), dtype=np.float32) for _ in range(2))
    assert a.dtype == np.float32
    assert (a == b).all()


def test_tch_defaults(rng):
    net = ref.MLP((200, 300, 10), rng=rng)
    init.tch_defaults(net, rng=rng)
    for name, bound in {
        "0.weight": math.sqrt(6 / 200),
        "0.bias": 1 / math.sqrt(200),
        "2.weight": math.sqrt(6 / 300),
    }.items():
        assert 0.97 * bound < np.abs(net.params[name]).max() <= bound
