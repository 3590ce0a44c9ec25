"""Linear: by hand, against torch, against differences, and its mutants."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dlcourse import reference as ref
from dlcourse.reference.gradcheck import assert_gradients
from tests.mutants import Case, check_mutants
from tests.parity import DTYPES, assert_like_torch

CASE = Case(ref.Linear, lambda cls, rng: cls(3, 3, rng=rng), lambda rng: (rng.standard_normal((3, 3)),))


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_by_hand(rng):
    layer = ref.Linear(2, 1, rng=rng)
    layer.load_state_dict({"weight": np.array([[2.0, -1.0]]), "bias": np.array([0.5])})
    assert layer(np.array([[3.0, 4.0]])) == [[2 * 3 - 4 + 0.5]]
    assert (layer.backward(np.array([[10.0]])) == [[20, -10]]).all()
    assert (layer.grads["weight"] == [[30, 40]]).all()
    assert layer.grads["bias"] == [10]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("bias", [True, False])
def test_torch(rng, dtype, bias):
    layer, twin = ref.Linear(5, 3, bias=bias, rng=rng), torch.nn.Linear(5, 3, bias=bias)
    assert_like_torch(layer, twin, rng.standard_normal((7, 5)), rng=rng, dtype=dtype)


@given(st.sampled_from([(), (1,), (7,), (2, 3), (1, 11), (0,), (2, 1, 3)]), st.integers(0, 99))
def test_any_leading_axes(leading, seed):
    rng = np.random.default_rng(seed)
    layer, twin = ref.Linear(5, 2, rng=rng), torch.nn.Linear(5, 2)
    x = rng.standard_normal((5, *leading[::-1])).T  # not contiguous
    assert_like_torch(layer, twin, x, rng=rng)
    assert_gradients(layer, x, rng=rng)


def test_the_first_layer_can_save_the_gradient_of_its_input(rng):
    model = ref.Sequential(ref.Linear(5, 3, rng=rng), ref.ReLU(), ref.Linear(3, 2, rng=rng))
    x, dout = rng.standard_normal((7, 5)), rng.standard_normal((7, 2))
    model(x)
    assert model.backward(dout).shape == x.shape
    whole = model.grads
    model[0].needs_dx = False
    assert model.backward(dout) is None
    assert all((model.grads[name] == gradient).all() for name, gradient in whole.items())


def test_mutants():
    check_mutants(CASE)


def test_starts_within_torch_bounds(rng):
    layer = ref.Linear(100, 50, rng=rng)
    for array in layer.params.values():
        assert 0.09 < np.abs(array).max() <= 0.1


def test_bad_input(rng):
    layer = ref.Linear(784, 128, rng=rng)
    with pytest.raises(ValueError, match=r"Linear\(784, 128\): expected x of shape \(..., 784\), got \(3,\)"):
        layer(np.zeros(3))
    with pytest.raises(TypeError, match="expected x of a floating-point dtype, got int64"):
        layer(np.zeros((2, 784), int))
    with pytest.raises(RuntimeError, match="backward needs a forward pass first"):
        layer.backward(np.zeros((2, 128)))
    layer(np.zeros((2, 784)))
    with pytest.raises(ValueError, match=r"expected dout of shape \(2, 128\), got \(3, 128\)"):
        layer.backward(np.zeros((3, 128)))
