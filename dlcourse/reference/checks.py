"""One way to refuse a wrong array: name who asked, what was expected and what came."""

import math
import numbers

import numpy as np


def _matches(got, wanted):
    """Compare a shape with a pattern: int = that size, letter = any size, `...` first = any leading axes."""
    if wanted and wanted[0] is Ellipsis:
        wanted = wanted[1:]
        got = got[len(got) - len(wanted) :] if len(got) >= len(wanted) else None
    if got is None or len(got) != len(wanted):
        return False
    sizes = {}  # the same letter twice means the same size
    return all(
        size == (sizes.setdefault(want, size) if isinstance(want, str) else want)
        for size, want in zip(got, wanted)
    )


def _show(shape):
    parts = ["..." if part is Ellipsis else str(part) for part in shape]
    return f"({parts[0]},)" if len(parts) == 1 else f"({', '.join(parts)})"


def expect_shape(owner, name, array, *shape):
    """Return `array` as an ndarray of the given shape, e.g. `expect_shape(self, "x", x, "N", 784)`.

    Raises ValueError: `Linear(784, 128): expected x of shape (N, 784), got (784,)`.
    """
    array = np.asarray(array)
    if not _matches(array.shape, shape):
        raise ValueError(f"{owner}: expected {name} of shape {_show(shape)}, got {array.shape}")
    return array


def expect_floats(owner, name, array, *shape):
    """`expect_shape`, and TypeError unless the dtype is a floating-point one."""
    array = np.asarray(array)
    if array.dtype.kind != "f":
        raise TypeError(f"{owner}: expected {name} of a floating-point dtype, got {array.dtype}")
    return expect_shape(owner, name, array, *shape)


def expect_indices(owner, name, array, size, *shape):
    """`expect_shape`, TypeError unless the dtype is an integer one, ValueError outside 0 … size-1.

    With size=None, the numbers may be any; an empty list, which has no dtype, passes.
    """
    array = np.asarray(array, None if np.size(array) else int)
    if array.dtype.kind not in "iu":
        raise TypeError(f"{owner}: expected {name} of an integer dtype, got {array.dtype}")
    array = expect_shape(owner, name, array, *shape)
    if size is not None and array.size and (array.min() < 0 or array.max() >= size):
        place = tuple(int(i) for i in np.argwhere((array < 0) | (array >= size))[0])
        where = f" in row {place[0]}" if len(place) == 1 else f" at {place}" if place else ""
        raise ValueError(f"{owner}: expected {name} in 0 … {size - 1}, got {array[place]}{where}")
    return array


def expect_reals(owner, name, array, *shape):
    """`expect_shape`, and TypeError unless the numbers are floating-point or whole (booleans are neither)."""
    array = np.asarray(array)
    if array.dtype.kind not in "fiu":
        raise TypeError(f"{owner}: expected {name} of real numbers, got {array.dtype}")
    return expect_shape(owner, name, array, *shape)


def expect_counts(owner, least=1, /, **sizes):
    """Refuse sizes by name: TypeError unless each is a whole number, ValueError below `least`."""
    for name, size in sizes.items():
        if not isinstance(size, numbers.Integral) or isinstance(size, bool):
            raise TypeError(f"{owner}: expected {name} to be a whole number, got {size!r}")
        if size < least:
            raise ValueError(f"{owner}: expected {name} ≥ {least}, got {size}")


def expect_number(owner, name, value, least=None, below=None):
    """Return a finite real number; TypeError for anything else, ValueError unless least ≤ value < below."""
    if not isinstance(value, numbers.Real) or isinstance(value, bool):
        raise TypeError(f"{owner}: expected {name} to be a number, got {value!r}")
    low, high = (least is None or value >= least), (below is None or value < below)
    if not (math.isfinite(value) and low and high):
        floor = "" if least is None else f" ≥ {least:g}"
        limits = f"a finite {name}{floor}" if below is None else f"{least:g} ≤ {name} < {below:g}"
        raise ValueError(f"{owner}: expected {limits}, got {value}")
    return value


def expect_dtype(owner, dtype):
    """Return the dtype of parameters; TypeError unless it is a floating-point one."""
    try:
        kind = np.dtype(dtype).kind
    except TypeError:  # NumPy does not know it
        kind = None
    if kind != "f":
        raise TypeError(f"{owner}: expected dtype to be a floating-point one, got {dtype!r}")
    return np.dtype(dtype)


def expect_rng(owner, rng):
    """Return the generator; TypeError for anything but a numpy.random.Generator, such as a seed."""
    if not isinstance(rng, np.random.Generator):
        raise TypeError(
            f"{owner}: expected rng, a generator as from numpy.random.default_rng(0), got {rng!r:.40}"
        )
    return rng
