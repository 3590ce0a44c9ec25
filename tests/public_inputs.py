"""What every public function of the library takes, as data: valid values drawn at random, and spoiled ones.

One entry for each public function, class and method of the library; test_public_inputs fails for a name, or
an argument, that has none. forward and backward are called by the entry of their class. Shapes are written
as in the docstrings: letters stand for sizes that are drawn, numbers for sizes that are fixed, `...` for any
axes in front.
"""

import inspect
from dataclasses import dataclass, field
from typing import Any

import numpy as np

SIZES = (1, 2, 3, 5)
LEADING = ((), (1,), (2,), (3, 1), (2, 3))


@dataclass(frozen=True)
class Array:
    """An array argument. kind: "floats", "reals" (whole numbers too), "whole" or "booleans"."""

    kind: str
    shape: tuple
    size: int = 0  # of "whole": the values are 0 … size-1
    low: float = -3.0
    high: float = 3.0
    finite: bool = False  # NaN and infinity are refused
    bounded: bool = False  # values outside low … high are refused
    fixed_leading: bool = False  # another argument says which axes stand in front
    optional: bool = False  # None is a good value
    wider: bool = False  # the size that is fixed here is any
    any_rank: bool = False  # fewer axes, or more, are as good

    def draw(self, sizes, rng):
        shape = [s for part in self.shape for s in self._expand(part, sizes)]
        if self.kind == "booleans":
            return np.ones(shape, bool)
        if self.kind == "whole":
            return rng.integers(0, self.size, shape)
        return rng.uniform(self.low, self.high, shape)

    @staticmethod
    def _expand(part, sizes):
        if part is Ellipsis:
            return sizes["..."]
        return (sizes[part],) if isinstance(part, str) else (part,)

    def spoiled(self, good):
        """(what is wrong, the wrong array, the errors that may name it)."""
        other_kinds = {"an object": good.astype(object), "text": good.astype(str)}
        other_kinds["complex"] = good.astype(complex)
        if self.kind != "booleans":
            other_kinds["boolean"] = good.astype(bool)
        if self.kind in ("floats", "booleans"):
            other_kinds["an integer"] = good.astype(int)
        if self.kind in ("whole", "booleans"):
            other_kinds["a float"] = good.astype(float)
        for what, array in other_kinds.items():
            yield what, array, TypeError
        yield "lists of different lengths", [[1.0], [1.0, 2.0]], (TypeError, ValueError)
        if not self.optional:
            yield "nothing", None, (TypeError, ValueError)
        if self.any_rank:
            return
        if self.shape[:1] != (...,) or self.fixed_leading:
            yield "an axis more", good[None], ValueError
        if self.shape[:1] != (...,):
            yield "an axis less", good[0], ValueError
        elif len(self.shape) > 1:
            yield "no axis", good[(0,) * good.ndim], ValueError
        for axis, part in enumerate(self.shape[::-1], 1):
            if isinstance(part, int) and not self.wider:
                yield f"size {part} + 1", np.concatenate([good, good], axis=-axis), ValueError
        yield from self._wrong_values(good)

    def _wrong_values(self, good):
        if not good.size:
            return
        bad = {"NaN": np.nan, "infinity": np.inf} if self.finite else {}
        if self.bounded:
            bad |= {"too low": self.low - 1, "too high": self.high + 1}
        if self.kind == "whole" and self.size:
            bad = {"negative": -1, "too large": self.size, "huge": 2**62}
        for what, value in bad.items():
            array = good.copy()
            array[(0,) * good.ndim] = value
            yield what, array, ValueError


@dataclass(frozen=True)
class Plain:
    """An argument that is no array: a good value, and wrong ones with the errors that may name them."""

    good: Any
    wrong: tuple = ()

    def draw(self, sizes, rng):
        return np.random.default_rng(self.good) if self is RNG else self.good

    def spoiled(self, good):
        for value, error in self.wrong:
            yield repr(value), value, error


def floats(*shape, **options):
    return Array("floats", shape, **options)


def reals(*shape, **options):
    return Array("reals", shape, **options)


def whole(size, *shape, **options):
    return Array("whole", shape, size, **options)


def count(good, least=1, optional=False):
    """A whole number ≥ least."""
    wrong = [(least - 1, ValueError), (-7, ValueError), (good + 0.5, TypeError), ("3", TypeError)]
    wrong += [(float("nan"), TypeError), ([good], TypeError), (1j, TypeError)]
    return Plain(good, tuple(wrong if optional else [*wrong, (None, TypeError)]))


def pair(good):
    """A whole number or two, for the two axes of an image; `good` is the least that is allowed, or more."""
    wrong = [((1,), ValueError), ((1, 2, 3), ValueError), (-1, ValueError), ((2, -1), ValueError)]
    wrong += [(1.5, TypeError), ((2, 1.5), TypeError), ("ab", TypeError), (None, TypeError)]
    return Plain(good, tuple(wrong))


def number(good, least=None, below=None, wrong=()):
    """A finite real number in [least, below)."""
    wrong = [*wrong, (float("nan"), ValueError), (float("inf"), ValueError)]
    wrong += [("1", TypeError), (None, TypeError), (1j, TypeError), ([good], TypeError)]
    wrong += [] if least is None else [(least - 1, ValueError)]
    wrong += [] if below is None else [(below, ValueError)]
    return Plain(good, tuple(wrong))


def choice(good):
    return Plain(good, (("nonsense", ValueError), (7, ValueError)))


def as_it_is(good):
    """An argument whose wrong values Python itself names (a function, a model, a path), or that has none."""
    return Plain(good)


RNG = Plain(  # drawn anew for every call
    0,
    tuple((value, TypeError) for value in (None, 0, "seed", np.random.RandomState(0), np.random)),
)
DTYPE = Plain(float, tuple((value, TypeError) for value in (int, complex, bool, object, "nonsense")))


@dataclass(frozen=True)
class Entry:
    """A public name: how it is called, what it takes, and what it agrees with.

    make    arguments that a class is made with; a function has none
    inputs  arguments of the call: of the function, or of forward
    twin    the same from torch: a function of the inputs' arrays, or, for a layer, () -> module or function
    least   letter -> the smallest size that is valid
    run     what to do with it if neither calling nor forward and backward is meant
    of      () -> the object on which a method is called
    """

    name: Any
    make: dict = field(default_factory=dict)
    inputs: dict = field(default_factory=dict)
    twin: Any = None
    least: dict = field(default_factory=dict)
    run: Any = None
    of: Any = None
    not_empty: tuple = ()  # letters whose size may not be 0

    def letters(self):
        kinds = [kind for kind in self.inputs.values() if isinstance(kind, Array)]
        return sorted({part for kind in kinds for part in kind.shape if isinstance(part, str)})

    def draw(self, sizes, seed):
        """(arguments to make it, arguments to call it) for drawn sizes."""
        rng = np.random.default_rng(seed)
        return tuple(
            {name: kind.draw(sizes, rng) for name, kind in kinds.items()}
            for kinds in (self.make, self.inputs)
        )

    def __call__(self, made, given):
        """Every array that comes out, forwards and backwards."""
        if self.run:
            return self.run(**made, **given)
        if self.of:
            return getattr(self.of(), self.name.__name__)(**given)
        if not isinstance(self.name, type):
            return self.name(**given)
        layer = self.name(**made)
        y = layer.forward(**given)
        if not hasattr(layer, "backward"):
            return y
        if not inspect.signature(layer.backward).parameters:  # a loss: nothing above it
            return y, layer.backward()
        first = np.asarray(y[0] if isinstance(y, tuple) else y)
        dout = np.random.default_rng(7).standard_normal(first.shape).astype(first.dtype)
        return y, layer.backward(dout), dict(layer.grads)
