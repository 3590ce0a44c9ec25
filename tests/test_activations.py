"""Activations: by hand, at the extremes, against torch, against differences, and their mutants."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dlcourse import reference as ref
from dlcourse.reference.gradcheck import assert_gradients
from tests.mutants import Case, check_mutants
from tests.parity import DTYPES, assert_close, assert_like_torch

TWINS = {
    ref.Sigmoid: ((), torch.nn.Sigmoid()),
    ref.Tanh: ((), torch.nn.Tanh()),
    ref.ReLU: ((), torch.nn.ReLU()),
    ref.LeakyReLU: ((0.2,), torch.nn.LeakyReLU(0.2)),
    ref.Softplus: ((), torch.nn.Softplus()),
    ref.GELU: ((), torch.nn.GELU()),
    ref.Softmax: ((-1,), torch.nn.Softmax(-1)),
    ref.LogSoftmax: ((-1,), torch.nn.LogSoftmax(-1)),
}
KINDS = pytest.mark.parametrize("kind", TWINS, ids=lambda kind: kind.__name__)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def away_from_zero(rng, shape):
    """Central differences across a kink would measure half of each side."""
    x = rng.standard_normal(shape)
    return np.where(np.abs(x) < 1e-3, 0.5, x)


def test_by_hand():
    assert (ref.step([-1e-9, 0.0, 2.0]) == [0, 1, 1]).all()
    assert ref.sigmoid(0.0) == 0.5
    assert ref.sigmoid(math.log(3)) == pytest.approx(3 / 4, abs=1e-15)
    assert ref.softmax(np.log([1.0, 2.0, 5.0])) == pytest.approx([1 / 8, 2 / 8, 5 / 8], abs=1e-15)
    assert ref.log_softmax(np.log([1.0, 3.0])) == pytest.approx([math.log(1 / 4), math.log(3 / 4)])
    assert (ref.LeakyReLU(0.1)(np.array([-2.0, 3.0])) == [-0.2, 3]).all()
    assert ref.Softplus()(np.array([0.0])) == math.log(2)
    assert ref.GELU()(np.array([1.0])) == pytest.approx(0.8413447460685429)  # Φ(1)


def test_extremes_neither_overflow_nor_lose_digits():
    with np.errstate(all="raise", under="ignore"):
        assert ref.sigmoid(np.array([-800.0, 800.0])).tolist() == [0, 1]
        assert ref.sigmoid(-40.0) == pytest.approx(math.exp(-40), rel=1e-15)
        assert ref.softmax(np.array([1000.0, 0.0, -1000.0])).tolist() == [1, 0, 0]
        assert ref.log_softmax(np.array([1000.0, 0.0])).tolist() == [0, -1000]
        assert ref.Softplus()(np.array([-800.0, 800.0])).tolist() == [0, 800]
        assert ref.Softplus()(np.array([-40.0])) == pytest.approx(math.exp(-40), rel=1e-12)
        assert ref.GELU("tanh")(np.array([-1e3, 1e3])).tolist() == [0, 1e3]


@KINDS
@pytest.mark.parametrize("dtype", DTYPES)
def test_torch(kind, dtype, rng):
    arguments, twin = TWINS[kind]
    assert_like_torch(kind(*arguments), twin, 3 * rng.standard_normal((7, 5)), rng=rng, dtype=dtype)


@pytest.mark.parametrize("dtype", DTYPES)
def test_gelu_tanh(dtype, rng):
    layer, twin = ref.GELU("tanh"), torch.nn.GELU(approximate="tanh")
    assert_like_torch(layer, twin, 3 * rng.standard_normal((7, 5)), rng=rng, dtype=dtype)
    x = np.linspace(-6, 6, 1001)
    assert np.abs(layer(x) - ref.GELU()(x)).max() < 5e-4  # as its docstring says


@pytest.mark.parametrize("dim", [0, 1, 2, -1, -3])
@pytest.mark.parametrize("kind", [ref.Softmax, ref.LogSoftmax])
def test_softmax_along_any_axis(kind, dim, rng):
    x = rng.standard_normal((2, 3, 5))
    assert_like_torch(kind(dim), getattr(torch.nn, kind.__name__)(dim), x, rng=rng)


@given(st.sampled_from([(1,), (7,), (2, 3), (1, 5), (5, 1), (2, 1, 3)]), st.sampled_from(list(TWINS)))
def test_any_shape(shape, kind):
    arguments, twin = TWINS[kind]
    rng = np.random.default_rng(len(shape))
    x = away_from_zero(rng, shape[::-1]).T  # not contiguous
    assert_like_torch(kind(*arguments), twin, x, rng=rng)
    assert_gradients(kind(*arguments), x, rng=rng)


def test_relu_at_zero_is_torchs():
    layer, x = ref.ReLU(), torch.zeros(1, dtype=torch.float64, requires_grad=True)
    layer(np.zeros(1))
    torch.relu(x).backward()
    assert_close(layer.backward(np.ones(1)), x.grad)


@pytest.mark.parametrize("function", [ref.softmax, ref.log_softmax])
@pytest.mark.parametrize("number", [1.0, np.float64(1), np.ones(())])
def test_softmax_of_a_number_has_no_axis_to_go_along(function, number):
    with pytest.raises(
        ValueError, match=f"{function.__name__}: expected x with at least one axis, got a number"
    ):
        function(number)


@KINDS
def test_changing_the_output_leaves_the_gradient_alone(kind, rng):
    layer, x, dout = kind(*TWINS[kind][0]), rng.standard_normal((3, 5)), rng.standard_normal((3, 5))
    y = layer(x)
    before = layer.backward(dout)
    y[...] = 0
    assert (layer.backward(dout) == before).all()


@KINDS
def test_mutants(kind):
    def make(cls, rng):
        return (cls(), cls("tanh")) if kind is ref.GELU else cls(*TWINS[kind][0])

    where = ("backward", "sigmoid") if kind is ref.Softplus else ("backward",)
    check_mutants(Case(kind, make, lambda rng: (3 * away_from_zero(rng, (3, 3)),), where))


@KINDS
def test_bad_input(kind):
    layer = kind()
    with pytest.raises(TypeError, match="expected x of a floating-point dtype, got int64"):
        layer(np.arange(3))
    with pytest.raises(RuntimeError, match="backward needs a forward pass first"):
        layer.backward(np.zeros(3))
    layer(np.ones(3))
    with pytest.raises(ValueError, match=r"expected dout of shape \(3,\), got \(4,\)"):
        layer.backward(np.zeros(4))


def test_unknown_approximation():
    with pytest.raises(ValueError, match="expected approximate 'none' or 'tanh', got 'fast'"):
        ref.GELU("fast")
