"""Pooling: by hand, ties as in torch, against torch and differences, and its mutants."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dlcourse.reference.gradcheck import assert_gradients
from dlcourse.reference.pooling import AvgPool2d, MaxPool2d
from tests.mutants import Case, check_mutants
from tests.parity import DTYPES, assert_like_torch

TWINS = {MaxPool2d: torch.nn.functional.max_pool2d, AvgPool2d: torch.nn.functional.avg_pool2d}


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_by_hand():
    x = np.array([[[[1.0, 3, 0, 0, 9], [2, 3, 0, 0, 9]]]])  # the last column is left over
    dout = np.array([[[[10.0, 20]]]])
    largest, mean = MaxPool2d(2), AvgPool2d(2)
    assert (largest(x) == [[[[3, 0]]]]).all()
    assert (largest.backward(dout) == [[[[0, 10, 20, 0, 0], [0, 0, 0, 0, 0]]]]).all()  # the first of equals
    assert (mean(x) == [[[[9 / 4, 0]]]]).all()
    assert (mean.backward(dout) == [[[[2.5, 2.5, 5, 5, 0], [2.5, 2.5, 5, 5, 0]]]]).all()


@pytest.mark.parametrize("dtype", DTYPES)
def test_ties_after_relu_go_where_torch_sends_them(rng, dtype):
    x = np.maximum(rng.standard_normal((7, 5, 12, 14)), 0)
    patches = x.reshape(7, 5, 6, 2, 7, 2)
    assert (patches.max(axis=(3, 5)) == 0).any()  # whole patches of zeros, or the test shows nothing
    errors = assert_like_torch(MaxPool2d(2), lambda x: TWINS[MaxPool2d](x, 2), x, rng=rng, dtype=dtype)
    assert set(errors.values()) == {0}


@settings(deadline=None)
@given(
    st.sampled_from([MaxPool2d, AvgPool2d]),
    st.integers(1, 4),
    st.sampled_from([None, 1, 2, 3, 5]),
    st.tuples(*[st.integers(0, 7)] * 2),
    st.sampled_from([1, 3]),
    st.sampled_from(DTYPES),
)
def test_any_geometry(cls, kernel, stride, more, channels, dtype):
    rng = np.random.default_rng(0)
    x = rng.integers(-2, 3, (kernel + more[1], kernel + more[0], channels, 2)).T.astype(float)  # many ties
    assert_like_torch(cls(kernel, stride), lambda x: TWINS[cls](x, kernel, stride), x, rng=rng, dtype=dtype)


@pytest.mark.parametrize("cls", TWINS)
def test_gradients(cls, rng):
    assert_gradients(cls(2), rng.standard_normal((2, 3, 5, 4)), rng=rng)
    assert_gradients(cls(3, stride=2), rng.standard_normal((2, 1, 7, 6)), rng=rng)  # patches overlap


def test_output_may_be_changed_before_backward(rng):
    x, dout = rng.standard_normal((1, 1, 4, 4)), rng.standard_normal((1, 1, 2, 2))
    layer = MaxPool2d(2)
    layer(x)
    dx = layer.backward(dout)
    layer(x)[...] = 0
    assert (layer.backward(dout) == dx).all()


@pytest.mark.parametrize("cls", TWINS)
def test_mutants(cls):
    def make(cls, rng):
        return cls(2), cls(3, stride=2)

    def inputs(rng):
        return (rng.permutation(140).reshape(2, 2, 7, 5) / 10,)  # no ties, where differences do not exist

    # the mean remembers shapes only, and these are the same for every input
    harmless = ("stale: cache",) if cls is AvgPool2d else ()
    check_mutants(Case(cls, make, inputs, harmless=harmless))


@pytest.mark.parametrize("cls", TWINS)
def test_bad_input(cls):
    layer = cls(3)
    with pytest.raises(
        ValueError, match=r"Pool2d\(kernel_size=3, stride=3\): expected x of shape \(N, C, H, W\)"
    ):
        layer(np.zeros((4, 4)))
    with pytest.raises(ValueError, match=r"at least as large as the kernel, got x of shape \(1, 1, 2, 9\)"):
        layer(np.zeros((1, 1, 2, 9)))
    with pytest.raises(TypeError, match="floating-point dtype"):
        layer(np.zeros((1, 1, 4, 4), int))
    with pytest.raises(RuntimeError, match="backward needs a forward pass first"):
        layer.backward(np.zeros((1, 1, 1, 1)))
    layer(np.zeros((1, 1, 4, 4)))
    with pytest.raises(ValueError, match=r"expected dout of shape \(1, 1, 1, 1\), got \(1, 1, 2, 2\)"):
        layer.backward(np.zeros((1, 1, 2, 2)))
    with pytest.raises(ValueError, match="expected kernel_size ≥ 1, got 0"):
        cls(0)
