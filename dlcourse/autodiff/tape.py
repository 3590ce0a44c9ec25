"""Reverse mode: record what is computed, then walk the record backwards."""

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from dlcourse.autodiff.rules import applied, expect_some, operand, rule
from dlcourse.checks import expect_axes, expect_index, expect_new_shape, expect_reals


class Tape:
    """The record of a computation: variables in the order in which they came to be.

    Each remembers its parents and, for each, a pullback: the function that turns the gradient of the child
    into the part that this parent gets. Walking backwards through the record, every variable has received all
    its parts before it passes any on.

        tape = Tape()
        w = tape.variable(np.ones(3), "w")
        loss = ((w - 2) ** 2).sum()
        dw, = tape.gradient(loss, [w])

    Source: griewank2008, chapter 4; baydin2018. Chapter: 09_autodiff.
    """

    def __init__(self):
        self.variables = []

    def variable(self, value, name=""):
        """Record an input."""
        if not isinstance(name, str):
            raise TypeError(f"tape: expected name as a string, got {name!r:.40}")
        return self.record(expect_reals("tape", "an input", value, ...).astype(float), name, ())

    def record(self, value, label, parents):
        """Append a variable; parents are pairs (variable, pullback)."""
        self.variables.append(Variable(self, len(self.variables), value, label, tuple(parents)))
        return self.variables[-1]

    def layer(self, layer, x, *others):
        """Record a whole layer, or a loss, of dlcourse.reference as one node.

        x       the variable that it is applied to; others, such as a loss's target, are plain arrays

        Its parameters receive their gradients in `layer.grads`. Raises ValueError if it stands on this tape
        already: a layer remembers one forward pass only.
        """
        if any(variable.layer is layer for variable in self.variables):
            raise ValueError(f"tape: {layer} is recorded twice, but remembers only its last pass")
        if not hasattr(layer, "forward") or not hasattr(layer, "backward"):
            raise TypeError(f"tape: expected a layer with forward and backward, got {layer!r:.40}")
        self._expect_own(x)
        value = layer.forward(x.value, *others)

        def pullback(d):
            return d * layer.backward() if np.ndim(value) == 0 else layer.backward(d)

        y = self.record(np.asarray(value), type(layer).__name__, [(x, pullback)])
        y.layer = layer
        return y

    def gradient(self, y, inputs):
        """Return the gradients of the scalar y with respect to `inputs`, zero where y does not depend.

        Raises ValueError if y is not a single number or a variable belongs to another tape.
        """
        if not isinstance(inputs, list | tuple):  # a variable could be walked through, too
            raise TypeError(f"tape: expected inputs as a list of variables, got {inputs!r:.40}")
        self._expect_own(y, *inputs)
        if y.value.size != 1:
            raise ValueError(f"tape: expected a single number to differentiate, got shape {y.value.shape}")
        grads = {y.index: np.ones_like(y.value)}
        for variable in reversed(self.variables[: y.index + 1]):
            if variable.index not in grads or not variable.parents:
                continue  # y does not depend on it, or it is an input
            for parent, pullback in variable.parents:
                part = _unbroadcast(pullback(grads[variable.index]), parent.value.shape)
                # a new array, not +=: the part may be a view of another gradient
                grads[parent.index] = grads[parent.index] + part if parent.index in grads else part
        return [grads.get(x.index, np.zeros_like(x.value)) for x in inputs]

    def _expect_own(self, *variables):
        for variable in variables:
            if not isinstance(variable, Variable):
                raise TypeError(f"tape: expected a variable, got {variable!r:.40}")
            if variable.tape is not self:
                got = f"{variable}, which was recorded on another tape"
                raise ValueError(f"tape: expected a variable of its own, got {got}")


class Variable(NDArrayOperatorsMixin):
    """A value on a tape. Operators and NumPy's functions record their result there."""

    layer = None

    def __init__(self, tape, index, value, label, parents):
        self.tape, self.index, self.value, self.label, self.parents = tape, index, value, label, parents

    def __repr__(self):
        return f"Variable({self.label or self.index}, {self.value})"

    def __array_ufunc__(self, ufunc, method, *inputs, **options):
        if method != "__call__" or options:
            return NotImplemented
        values = [x.value if isinstance(x, Variable) else operand("Variable", x) for x in inputs]
        derivatives = None if ufunc is np.matmul else rule(ufunc)
        pullbacks = _matmul(*values) if derivatives is None else [_times(d, values) for d in derivatives]
        parents = [(x, pull) for x, pull in zip(inputs, pullbacks) if isinstance(x, Variable)]
        if any(parent.tape is not self.tape for parent, _ in parents):
            raise ValueError("tape: expected one tape, got variables of two tapes in one expression")
        return self.tape.record(applied("Variable", ufunc, values), ufunc.__name__, parents)

    def _unary(self, value, label, pullback):
        return self.tape.record(np.asarray(value), label, [(self, pullback)])

    def sum(self, axis=None, keepdims=False):
        expect_axes("Variable", axis, self.value.ndim)

        def pullback(d):
            d = d if axis is None or keepdims else np.expand_dims(d, axis)
            return np.broadcast_to(d, self.value.shape)

        return self._unary(self.value.sum(axis, keepdims=keepdims), "sum", pullback)

    def mean(self, axis=None, keepdims=False):
        expect_some("Variable", self.value)
        total = self.sum(axis, keepdims)
        return total * (total.value.size / self.value.size)

    def reshape(self, *shape):
        value = expect_new_shape("Variable", self.value, shape)
        return self._unary(value, "reshape", lambda d: d.reshape(self.value.shape))

    @property
    def T(self):
        return self._unary(self.value.T, "transpose", lambda d: d.T)

    def __getitem__(self, index):
        def pullback(d):
            whole = np.zeros_like(self.value)
            np.add.at(whole, index, d)  # an entry that was taken twice gets both parts
            return whole

        return self._unary(expect_index("Variable", self.value, index), "take", pullback)

    @property
    def shape(self):
        return self.value.shape


def gradient(f, *arrays):
    """Return the gradients of the scalar f(*arrays) with respect to every array, from one pass each way."""
    tape = Tape()
    inputs = [tape.variable(array) for array in arrays]
    return tape.gradient(f(*inputs), inputs)


def _times(derivative, values):
    return lambda d: d * derivative(*values)


def _matmul(a, b):
    """Y = A B: dA = dY Bᵀ, dB = Aᵀ dY; for stacks of matrices, on the last two axes."""
    if a.ndim < 2 or b.ndim < 2:
        raise ValueError(f"tape: expected matrices on both sides of @, got shapes {a.shape} and {b.shape}")
    return lambda d: d @ b.swapaxes(-1, -2), lambda d: a.swapaxes(-1, -2) @ d


def _unbroadcast(d, shape):
    """Sum over the axes along which a value of this shape was repeated."""
    d = np.asarray(d)
    d = d.sum(axis=tuple(range(d.ndim - len(shape))))
    stretched = tuple(axis for axis, size in enumerate(shape) if size == 1 and d.shape[axis] != 1)
    return d.sum(axis=stretched, keepdims=True) if stretched else d
