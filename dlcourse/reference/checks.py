"""One way to refuse a wrong array: name who asked, what was expected and what came."""

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
    """`expect_shape`, TypeError unless the dtype is an integer one, ValueError outside 0 … size-1."""
    array = np.asarray(array)
    if array.dtype.kind not in "iu":
        raise TypeError(f"{owner}: expected {name} of an integer dtype, got {array.dtype}")
    array = expect_shape(owner, name, array, *shape)
    if array.size and (array.min() < 0 or array.max() >= size):
        place = tuple(int(i) for i in np.argwhere((array < 0) | (array >= size))[0])
        where = f" in row {place[0]}" if len(place) == 1 else f" at {place}" if place else ""
        raise ValueError(f"{owner}: expected {name} in 0 … {size - 1}, got {array[place]}{where}")
    return array
