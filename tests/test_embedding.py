"""Embedding: by hand, against torch with many repeats, differences, mutants."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dlcourse import reference as ref
from dlcourse.reference.gradcheck import assert_gradients
from tests.mutants import Case, check_mutants
from tests.parity import DTYPES, assert_like_torch


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_by_hand(rng):
    layer = ref.Embedding(3, 2, rng=rng)
    layer.load_state_dict({"weight": np.array([[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]])})
    assert layer(np.array([2, 0, 2])).tolist() == [[4, 5], [0, 1], [4, 5]]
    assert layer.backward(np.array([[1.0, 2.0], [10.0, 20.0], [100.0, 200.0]])) is None
    assert layer.grads["weight"].tolist() == [[10, 20], [0, 0], [101, 202]]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("padding", [None, 0, 2])
def test_torch(rng, dtype, padding):
    x = np.minimum((3 * rng.pareto(1.1, (32, 11))).astype(int), 96)  # many repeats
    x[0, 0] = 2
    layer, twin = ref.Embedding(97, 5, padding, rng=rng), torch.nn.Embedding(97, 5, padding)
    assert_like_torch(layer, twin, x, rng=rng, dtype=dtype)
    if padding is not None:
        assert not layer.params["weight"][padding].any() and not layer.grads["weight"][padding].any()


@given(
    st.sampled_from([(), (1,), (7,), (2, 3), (1, 5), (0, 3), (2, 3, 5)]),
    st.integers(1, 7),
    st.integers(0, 99),
)
def test_any_shape(shape, size, seed):
    rng = np.random.default_rng(seed)
    layer, x = ref.Embedding(size, 3, rng=rng), rng.integers(0, size, shape[::-1]).T
    assert_like_torch(layer, torch.nn.Embedding(size, 3), x, rng=rng)
    assert_gradients(layer, x, rng=rng)


def test_mutants():
    x = np.array([[1, 2, 3], [3, 3, 1]])
    check_mutants(Case(ref.Embedding, lambda cls, rng: cls(4, 3, rng=rng), lambda rng: (x,)))


def test_starts_normal(rng):
    weight = ref.Embedding(300, 50, rng=rng).params["weight"]
    assert weight.std() == pytest.approx(1, abs=0.02) and abs(weight.mean()) < 0.02


def test_bad_input(rng):
    layer = ref.Embedding(5, 2, rng=rng)
    for wrong in (5, -1):
        with pytest.raises(
            ValueError, match=rf"Embedding\(5, 2\): expected x in 0 … 4, got {wrong} at \(0, 1\)"
        ):
            layer(np.array([[0, wrong]]))
    with pytest.raises(TypeError, match="expected x of an integer dtype, got float64"):
        layer(np.zeros(3))
    with pytest.raises(RuntimeError, match="backward needs a forward pass first"):
        layer.backward(np.zeros((3, 2)))
    layer(np.array([1, 2]))
    with pytest.raises(ValueError, match=r"expected dout of shape \(2, 2\), got \(2, 3\)"):
        layer.backward(np.zeros((2, 3)))
