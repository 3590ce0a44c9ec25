"""Forward mode: every number carries its derivative along."""

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from dlcourse.autodiff.rules import applied, expect_some, operand, rule
from dlcourse.checks import expect_axes, expect_index, expect_new_shape, expect_reals


class Dual(NDArrayOperatorsMixin):
    """x + x' ε with ε² = 0: a value and its tangent, the derivative in a chosen direction.

    value    (...)  a number or an array
    tangent  (...)  the same shape; 0 for a constant

    Every elementary function does f(x + x' ε) = f(x) + f'(x) x' ε; two arguments add their parts. Operators
    and NumPy's functions (np.sin, np.maximum, ...) work as on arrays; those without a rule raise TypeError.
    Source: griewank2008, chapter 3. Chapter: 09_autodiff.
    """

    def __init__(self, value, tangent=0.0):
        self.value = expect_reals("Dual", "value", value, ...).astype(float)
        tangent = expect_reals("Dual", "tangent", tangent, ...).astype(float)
        if tangent.ndim:  # a number is the tangent of every entry
            expect_reals("Dual", "tangent", tangent, *self.value.shape)
        self.tangent = np.broadcast_to(tangent, self.value.shape)

    def __repr__(self):
        return f"Dual({self.value}, {self.tangent})"

    def __array_ufunc__(self, ufunc, method, *inputs, **options):
        if method != "__call__" or options:
            return NotImplemented
        values = [x.value if isinstance(x, Dual) else operand("Dual", x) for x in inputs]
        tangents = [x.tangent if isinstance(x, Dual) else None for x in inputs]
        derivatives = None if ufunc is np.matmul else rule(ufunc)
        value = applied("Dual", ufunc, values)
        if derivatives is None:  # bilinear: (A B)' = A' B + A B'
            a, b = values
            parts = [
                None if tangents[0] is None else tangents[0] @ b,
                None if tangents[1] is None else a @ tangents[1],
            ]
        else:
            parts = [None if t is None else d(*values) * t for d, t in zip(derivatives, tangents)]
        return Dual(value, sum(part for part in parts if part is not None))

    def __getitem__(self, index):
        return Dual(expect_index("Dual", self.value, index), self.tangent[index])

    def sum(self, axis=None, keepdims=False):
        expect_axes("Dual", axis, self.value.ndim)
        return Dual(self.value.sum(axis, keepdims=keepdims), self.tangent.sum(axis, keepdims=keepdims))

    def mean(self, axis=None, keepdims=False):
        expect_axes("Dual", axis, self.value.ndim)
        expect_some("Dual", self.value)
        return Dual(self.value.mean(axis, keepdims=keepdims), self.tangent.mean(axis, keepdims=keepdims))

    def reshape(self, *shape):
        return Dual(expect_new_shape("Dual", self.value, shape), self.tangent.reshape(*shape))

    @property
    def T(self):
        return Dual(self.value.T, self.tangent.T)

    @property
    def shape(self):
        return self.value.shape


def jvp(f, x, v):
    """Return f(x) and its derivative in the direction v, the Jacobian-vector product J v, in one pass.

    x, v  (...)  arrays of one shape, or numbers
    """
    x = expect_reals("jvp", "x", x, ...)
    v = expect_reals("jvp", "a direction", v, *x.shape)
    y = f(Dual(x, v))
    return (y.value, y.tangent) if isinstance(y, Dual) else (y, np.zeros_like(y, dtype=float))


def gradient_forward(f, x):
    """Return df/dx of a scalar function by seeding: one pass for each entry of x, tangent 1 there alone."""
    x = expect_reals("gradient_forward", "x", x, ...)
    gradient = np.empty(x.shape)
    for index in np.ndindex(x.shape):
        seed = np.zeros(x.shape)
        seed[index] = 1
        value, tangent = jvp(f, x, seed)
        if np.size(value) != 1:
            raise ValueError(
                f"gradient_forward: expected f to return one number, got shape {np.shape(value)}"
            )
        gradient[index] = tangent.item()
    return gradient
