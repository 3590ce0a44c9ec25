"""Activation functions, as plain functions and as layers.

Every layer here keeps the shape of its input: x, y and dout are (...). Chapter: 06_losses_and_descent.
"""

import math

import numpy as np

from dlcourse.checks import expect_counts, expect_floats, expect_number, expect_reals
from dlcourse.reference.layer import Layer


def step(x):
    """1 where x ≥ 0, else 0: the decision of a perceptron (rosenblatt1958)."""
    return (expect_reals("step", "x", x, ...) >= 0) * 1.0


def sigmoid(x):
    """1 / (1 + exp(-x))."""
    x = expect_reals("sigmoid", "x", x, ...)
    with np.errstate(over="ignore"):  # exp(-x) = inf gives the right answer, 0
        return 1 / (1 + np.exp(-x))


def softmax(x, axis=-1):
    """exp(x) divided by its sum along axis; the maximum is subtracted first, so that exp cannot overflow."""
    x = _along("softmax", x, axis)
    z = np.exp(x - np.max(x, axis=axis, keepdims=True))
    z /= z.sum(axis=axis, keepdims=True)
    return z


def log_softmax(x, axis=-1):
    """x - log Σ exp(x) along axis: the logarithm of softmax, finite even where softmax underflows to 0."""
    x = _along("log_softmax", x, axis)
    z = x - np.max(x, axis=axis, keepdims=True)
    return z - np.log(np.exp(z).sum(axis=axis, keepdims=True))


def _along(name, x, axis):
    """Return x as real numbers that have this axis, with something along it."""
    x = expect_reals(name, "x", x, ...)
    if x.ndim == 0:
        raise ValueError(f"{name}: expected x with at least one axis, got a number, of shape ()")
    expect_counts(name, -x.ndim, axis=axis)
    if axis >= x.ndim or x.shape[axis] == 0:
        raise ValueError(f"{name}: expected numbers along axis {axis}, got x of shape {x.shape}")
    return x


def normal_cdf(x):
    """Φ(x), the distribution function of N(0, 1), to the last digit.

    NumPy has no error function. A table holds Φ(a) and its derivative φ(a) at every a = k / 256; from the
    nearest a, four terms of the Taylor series in d = x - a do, as |d| ≤ 1/512:
    Φ(a) + φ(a) (d - a d²/2 + (a² - 1) d³/6 - (a³ - 3a) d⁴/24).
    """
    x = np.asarray(x)
    k = np.rint(np.clip(x, -REACH, REACH) * 256).astype(np.intp)
    a = (k / 256).astype(x.dtype)
    d = np.clip(x, -REACH, REACH) - a
    series = d * (1 - d / 2 * (a - d / 3 * (a * a - 1 - d / 4 * a * (a * a - 3))))
    k += REACH * 256
    return CDF.astype(x.dtype)[k] + PDF.astype(x.dtype)[k] * series


REACH = 9  # beyond it Φ is 1 in float64
_GRID = np.arange(-REACH * 256, REACH * 256 + 1) / 256
CDF = np.array([math.erfc(-a * math.sqrt(0.5)) / 2 for a in _GRID])
PDF = np.exp(-_GRID * _GRID / 2) / math.sqrt(2 * math.pi)


class Activation(Layer):
    """A layer without parameters whose output has the shape of its input."""

    def _input(self, x):
        return expect_floats(self, "x", x, ...)

    def _upstream(self, dout, like):
        return expect_floats(self, "dout", dout, *like.shape)


class Sigmoid(Activation):
    """y = 1 / (1 + exp(-x)), with dx = dout y (1 - y). Source: goodfellow2016, section 3.10."""

    def forward(self, x):
        self.cache = y = sigmoid(self._input(x))
        return y.copy()  # the caller may change it

    def backward(self, dout):
        y = self.recall()
        return self._upstream(dout, y) * y * (1 - y)


class Tanh(Activation):
    """y = tanh(x), with dx = dout (1 - y²). Source: goodfellow2016, section 6.3."""

    def forward(self, x):
        self.cache = y = np.tanh(self._input(x))
        return y.copy()

    def backward(self, dout):
        y = self.recall()
        return self._upstream(dout, y) * (1 - y * y)


class ReLU(Activation):
    """y = max(x, 0); its derivative is 1 where x > 0, else 0, at x = 0 too, as in torch (glorot2011)."""

    def forward(self, x):
        x = self._input(x)
        self.cache = x > 0
        return np.maximum(x, 0)

    def backward(self, dout):
        positive = self.recall()
        return self._upstream(dout, positive) * positive


class LeakyReLU(Activation):
    """y = x where x > 0, else negative_slope · x, so that no unit stays dead (maas2013)."""

    def __init__(self, negative_slope=0.01):
        super().__init__()
        self.negative_slope = expect_number("LeakyReLU", "negative_slope", negative_slope)

    def __repr__(self):
        return f"LeakyReLU({self.negative_slope})"

    def forward(self, x):
        self.cache = x = self._input(x)
        return np.where(x > 0, x, self.negative_slope * x)

    def backward(self, dout):
        x = self.recall()
        dout = self._upstream(dout, x)
        return np.where(x > 0, dout, self.negative_slope * dout)


class Softplus(Activation):
    """y = log(1 + exp(x)), a smooth ReLU, with dx = dout · sigmoid(x) (dugas2001)."""

    def forward(self, x):
        self.cache = x = self._input(x)
        return np.logaddexp(0, x)  # neither overflows nor loses small values

    def backward(self, dout):
        x = self.recall()
        return self._upstream(dout, x) * sigmoid(x)


class GELU(Activation):
    """y = x Φ(x), Φ the distribution function of N(0, 1) (hendrycks2016).

    approximate="none"  Φ(x) = (1 + erf(x / √2)) / 2
    approximate="tanh"  Φ(x) ≈ (1 + tanh(√(2/π) (x + 0.044715 x³))) / 2, y within 5e-4, and much faster

    Chapter: 21_sum_mod.
    """

    def __init__(self, approximate="none"):
        super().__init__()
        if approximate not in ("none", "tanh"):
            raise ValueError(f"GELU: expected approximate 'none' or 'tanh', got {approximate!r}")
        self.approximate = approximate

    def __repr__(self):
        return f"GELU({self.approximate!r})"

    def forward(self, x):
        x = self._input(x)
        if self.approximate == "tanh":
            phi = np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x * x * x)) / 2 + 0.5
        else:
            phi = normal_cdf(x)
        self.cache = x, phi
        return x * phi

    def backward(self, dout):
        x, phi = self.recall()
        if self.approximate == "tanh":
            slope = math.sqrt(8 / math.pi) * phi * (1 - phi) * (1 + 0.134145 * x * x)  # 3 · 0.044715
        else:
            slope = np.exp(-x * x / 2) / math.sqrt(2 * math.pi)
        return self._upstream(dout, x) * (phi + x * slope)


class Softmax(Activation):
    """y = exp(x) / Σ exp(x) along dim, with dx = y (dout - Σ dout y). Source: goodfellow2016, section 6.2."""

    def __init__(self, dim=-1):
        super().__init__()
        self.dim = dim

    def __repr__(self):
        return f"{type(self).__name__}({self.dim})"

    def forward(self, x):
        self.cache = y = softmax(self._input(x), self.dim)
        return y.copy()

    def backward(self, dout):
        y = self.recall()
        dout = self._upstream(dout, y)
        return y * (dout - (dout * y).sum(axis=self.dim, keepdims=True))


class LogSoftmax(Activation):
    """y = x - log Σ exp(x) along dim, with dx = dout - exp(y) Σ dout. Source: goodfellow2016, section 6.2."""

    def __init__(self, dim=-1):
        super().__init__()
        self.dim = dim

    def __repr__(self):
        return f"{type(self).__name__}({self.dim})"

    def forward(self, x):
        self.cache = y = log_softmax(self._input(x), self.dim)
        return y.copy()

    def backward(self, dout):
        y = self.recall()
        dout = self._upstream(dout, y)
        return dout - np.exp(y) * dout.sum(axis=self.dim, keepdims=True)
