"""Dropout: mean and share, modes, replay of its mask, differences, mutants."""

import numpy as np
import pytest
import torch

from dlcourse import reference as ref
from dlcourse.reference.gradcheck import assert_gradients
from tests.mutants import Case, check_mutants
from tests.parity import DTYPES, assert_like_torch


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_share_and_mean(rng):
    x = np.full((100, 1000), 2.0)
    y = ref.Dropout(0.3, rng=rng)(x)
    assert set(np.unique(y)) == {0, 2 / 0.7}
    assert (y == 0).mean() == pytest.approx(0.3, abs=0.01)
    assert y.mean() == pytest.approx(2, abs=0.02)


def test_evaluation_changes_nothing_and_draws_nothing(rng):
    layer, x = ref.Dropout(0.3, rng=rng).eval(), rng.standard_normal((3, 5))
    before = rng.bit_generator.state
    y, dx = layer(x), layer.backward(x)
    assert (y == x).all() and (dx == x).all()
    assert rng.bit_generator.state == before
    y[...] = dx[...] = 0
    assert x.any()  # not views


def test_equal_generators_drop_alike_and_each_call_anew():
    a, b = (ref.Dropout(rng=np.random.default_rng(3)) for _ in range(2))
    x = np.ones((7, 5))
    first = a(x)
    assert (first == b(x)).all()
    assert (first != a(x)).any()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(1,), (7, 5), (2, 3, 5), (0, 3)])
def test_torch(shape, dtype):
    mask = np.random.default_rng(4).random(shape, dtype=np.float32) >= 0.25
    layer, rng = ref.Dropout(0.25, rng=np.random.default_rng(4)), np.random.default_rng(0)
    assert_like_torch(
        layer, lambda x: x * torch.from_numpy(mask) / 0.75, rng.standard_normal(shape), rng=rng, dtype=dtype
    )


@pytest.mark.parametrize("training", [True, False])
def test_differences(rng, training):
    assert_gradients(ref.Dropout(0.4, rng=rng).train(training), rng.standard_normal((5, 7)), rng=rng)


def test_mutants():
    def make(cls, rng):
        return cls(0.4, rng=rng), cls(0.4, rng=rng).eval()

    check_mutants(Case(ref.Dropout, make, lambda rng: (rng.standard_normal((5, 5)),)))


def test_bad_input(rng):
    for p in (1, -0.1, float("nan")):
        with pytest.raises(ValueError, match=f"Dropout: expected 0 ≤ p < 1, got {p}"):
            ref.Dropout(p, rng=rng)
    layer = ref.Dropout(rng=rng)
    with pytest.raises(TypeError, match="expected x of a floating-point dtype, got int64"):
        layer(np.arange(3))
    with pytest.raises(RuntimeError, match=r"Dropout\(0.5\): backward needs a forward pass first"):
        layer.backward(np.ones(3))
