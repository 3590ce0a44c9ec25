"""The gradient check itself: what it must see, and what an all-ones check would miss."""

import numpy as np
import pytest

from dlcourse import reference as ref
from dlcourse.reference.gradcheck import assert_gradients, gradient_errors, numerical_gradient


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_by_hand():
    x = np.array([[3.0, -1.0]])
    assert numerical_gradient(lambda: (x**2).sum(), x) == pytest.approx(np.array([[6.0, -2.0]]), abs=1e-8)
    assert (x == [[3, -1]]).all()  # restored


def test_names_every_parameter_of_nested_layers(rng):
    errors = gradient_errors(ref.MLP((2, 3, 1), "tanh", rng=rng), rng.standard_normal((5, 2)), rng=rng)
    assert list(errors) == ["input 0", "0.weight", "0.bias", "2.weight", "2.bias"]
    assert max(errors.values()) < 1e-8


class Forgetful(ref.Linear):
    def backward(self, dout):
        dx = super().backward(dout)
        del self.grads["bias"]
        return dx


class Accumulating(ref.Linear):
    def backward(self, dout):
        before = self.grads.get("weight", 0)
        dx = super().backward(dout)
        self.grads["weight"] += before
        return dx


class Vain(ref.Softmax):
    """Right whenever the gradient from above is constant, which is what a check with ones would use."""

    def backward(self, dout):
        return np.zeros_like(dout)


def test_a_missing_gradient_is_named(rng):
    with pytest.raises(
        AssertionError, match=r"Linear\(2, 3\): relative gradient error above 1e-06: bias inf"
    ):
        assert_gradients(Forgetful(2, 3, rng=rng), rng.standard_normal((5, 2)), rng=rng)


def test_leftovers_from_an_earlier_pass_show(rng):
    errors = gradient_errors(Accumulating(2, 3, rng=rng), rng.standard_normal((5, 2)), rng=rng)
    assert errors["weight"] > 0.1 > errors["bias"]


def test_random_upstream_sees_what_ones_do_not(rng):
    layer, x = Vain(), rng.standard_normal((3, 5))
    y, ones = layer(x), np.ones((3, 5))
    true = y * (ones - (ones * y).sum(axis=-1, keepdims=True))
    assert np.abs(layer.backward(ones) - true).max() < 1e-15
    assert gradient_errors(layer, x, rng=rng)["input 0"] > 0.5


def test_inputs_in_float32_are_checked_in_float64(rng):
    x = rng.standard_normal((5, 2)).astype(np.float32)
    errors = gradient_errors(ref.Linear(2, 3, rng=rng), x, rng=rng)
    assert max(errors.values()) < 1e-8 and x.dtype == np.float32


@pytest.mark.parametrize("x, kind", [(np.ones(2, np.float32), "float32"), ([1.0], "list")])
def test_differences_refuse_what_they_cannot_change(x, kind):
    with pytest.raises(TypeError, match=f"expected x, a float64 array that can be changed, got {kind}"):
        numerical_gradient(lambda: 0.0, x)


def test_refuses_float32(rng):
    with pytest.raises(TypeError, match="differences need float64, but weight is float32"):
        gradient_errors(ref.Linear(2, 3, rng=rng, dtype=np.float32), np.zeros((1, 2)), rng=rng)
