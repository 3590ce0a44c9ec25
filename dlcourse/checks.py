"""One way to refuse a wrong array: name who asked, what was expected and what came."""

import math
import numbers
from collections.abc import Mapping

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


def expect_array(owner, name, array):
    """Return `array` as an ndarray; ValueError for lists of different lengths inside one list."""
    try:
        return np.asarray(array)
    except ValueError:
        raise ValueError(f"{owner}: expected {name} as an array, got {array!r:.40}") from None


def expect_shape(owner, name, array, *shape):
    """Return `array` as an ndarray of the given shape, e.g. `expect_shape(self, "x", x, "N", 784)`.

    Raises ValueError: `Linear(784, 128): expected x of shape (N, 784), got (784,)`.
    """
    array = expect_array(owner, name, array)
    if not _matches(array.shape, shape):
        raise ValueError(f"{owner}: expected {name} of shape {_show(shape)}, got {array.shape}")
    return array


def expect_floats(owner, name, array, *shape):
    """`expect_shape`, and TypeError unless the dtype is a floating-point one."""
    array = expect_array(owner, name, array)
    if array.dtype.kind != "f":
        raise TypeError(f"{owner}: expected {name} of a floating-point dtype, got {array.dtype}")
    return expect_shape(owner, name, array, *shape)


def expect_indices(owner, name, array, size, *shape):
    """`expect_shape`, TypeError unless the dtype is an integer one, ValueError outside 0 … size-1.

    With size=None, the numbers may be any; an empty list, which has no dtype, passes.
    """
    array = expect_array(owner, name, array)
    array = array if array.size else array.astype(int)
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
    array = expect_array(owner, name, array)
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


def expect_pair(owner, name, value, least):
    """Return two sizes, of which one number stands for both; `expect_counts` refuses what is none."""
    sizes = value if isinstance(value, tuple | list) else (value, value)
    if len(sizes) != 2:
        raise ValueError(f"{owner}: expected {name} to be a number or two, got {value}")
    for size in sizes:
        expect_counts(owner, least, **{name: size})
    return tuple(sizes)


def expect_ends(owner, size, bos, eos):
    """Refuse what are not two different tokens, whole numbers in 0 … size-1."""
    expect_counts(owner, 0, bos=bos, eos=eos)
    for name, token in (("bos", bos), ("eos", eos)):
        if token >= size:
            raise ValueError(f"{owner}: expected {name} in 0 … {size - 1}, got {token}")
    if bos == eos:
        raise ValueError(f"{owner}: expected an eos other than bos, got {eos}")


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


def expect_axes(owner, axis, ndim):
    """Refuse what is no axis of an array of `ndim` axes; None means all, a tuple several."""
    for one in axis if isinstance(axis, tuple) else () if axis is None else (axis,):
        expect_counts(owner, -ndim, axis=one)
        if one >= ndim:
            raise ValueError(f"{owner}: expected axis < {ndim}, got {one}")
    if isinstance(axis, tuple) and len({one % ndim for one in axis}) < len(axis):
        raise ValueError(f"{owner}: expected an axis once, got axis {axis}")


def expect_index(owner, array, index):
    """Return array[index]; IndexError, by which a loop knows the end, for an index that NumPy refuses."""
    try:
        return array[index]
    except IndexError:
        raise IndexError(f"{owner}: expected an index into shape {array.shape}, got {index!r:.40}") from None


def expect_new_shape(owner, array, shape):
    """Return array.reshape(*shape); ValueError for a shape that holds another number of elements."""
    try:
        return array.reshape(*shape)
    except (TypeError, ValueError):
        raise ValueError(f"{owner}: expected a shape of {array.size} elements, got {shape!r:.40}") from None


def expect_state(owner, mine, state):
    """Return the arrays of a state by name; ValueError lists all that does not fit `mine`, arrays by name."""
    if not isinstance(state, Mapping):
        raise TypeError(f"{owner}: expected state as arrays by name, got {type(state).__name__}")
    state = {name: expect_array(owner, f"{name} of the state", array) for name, array in state.items()}
    problems = [f"missing {name}" for name in mine.keys() - state.keys()]
    problems += [f"unexpected {name}" for name in state.keys() - mine.keys()]
    for name in mine.keys() & state.keys():
        wanted, got = mine[name], state[name]
        if got.shape != wanted.shape:
            problems.append(f"{name}: expected shape {wanted.shape}, got {got.shape}")
        if got.dtype.kind != wanted.dtype.kind:
            problems.append(f"{name}: expected numbers of another kind, got {got.dtype}")
    if problems:
        got = f"got one that does not fit: {'; '.join(sorted(problems))}"
        raise ValueError(f"{owner}: expected state of the same names and shapes, {got}")
    return state
