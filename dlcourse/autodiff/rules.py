"""The derivative of every elementary function, one for each of its arguments. Both modes use this table."""

import numpy as np

from dlcourse.checks import expect_array

RULES = {
    np.add: (lambda a, b: 1.0, lambda a, b: 1.0),
    np.subtract: (lambda a, b: 1.0, lambda a, b: -1.0),
    np.multiply: (lambda a, b: b, lambda a, b: a),
    np.divide: (lambda a, b: 1 / b, lambda a, b: -a / b**2),
    np.power: (lambda a, b: b * a ** (b - 1), lambda a, b: a**b * np.log(a)),
    np.maximum: (lambda a, b: 1.0 * (a > b), lambda a, b: 1.0 * (a <= b)),  # a tie counts for b
    np.negative: (lambda a: -1.0,),
    np.absolute: (np.sign,),
    np.square: (lambda a: 2 * a,),
    np.sqrt: (lambda a: 0.5 / np.sqrt(a),),
    np.exp: (np.exp,),
    np.log: (lambda a: 1 / a,),
    np.sin: (np.cos,),
    np.cos: (lambda a: -np.sin(a),),
    np.tanh: (lambda a: 1 - np.tanh(a) ** 2,),
}


def rule(ufunc):
    """The derivatives of a NumPy function; TypeError if the table has none."""
    if ufunc not in RULES:
        known = ", ".join(sorted(function.__name__ for function in RULES))
        raise TypeError(f"autodiff: no derivative for {ufunc.__name__}; known are matmul, {known}")
    return RULES[ufunc]


def operand(owner, x):
    """Return a constant in an expression as an array; TypeError unless it holds real numbers or booleans."""
    x = expect_array(owner, "an operand", x)
    if x.dtype.kind not in "fiub":
        raise TypeError(f"{owner}: expected an operand of real numbers, got {x.dtype}")
    return x


def applied(owner, ufunc, values):
    """Return ufunc(*values); ValueError, naming their shapes, for arrays that do not go together."""
    try:
        return ufunc(*values)
    except ValueError:
        shapes = " and ".join(str(value.shape) for value in values)
        raise ValueError(f"{owner}: expected shapes that {ufunc.__name__} takes, got {shapes}") from None


def expect_some(owner, value):
    """ValueError without elements: their mean would be 0 / 0."""
    if value.size == 0:
        raise ValueError(f"{owner}: expected at least one element for a mean, got shape {value.shape}")
