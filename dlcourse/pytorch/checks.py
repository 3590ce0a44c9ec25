"""What the twins refuse themselves, in the words of `dlcourse.reference.checks`; the rest torch refuses."""

import math
import numbers

import numpy as np


def expect_whole(owner, least, below=None, /, **values):
    """Refuse by name: TypeError unless each is a whole number, ValueError unless least ≤ value < below."""
    for name, value in values.items():
        if not isinstance(value, numbers.Integral) or isinstance(value, bool):
            raise TypeError(f"{owner}: expected {name} to be a whole number, got {value!r}")
        if value < least or (below is not None and value >= below):
            limits = f"{name} ≥ {least}" if below is None else f"{name} in {least} … {below - 1}"
            raise ValueError(f"{owner}: expected {limits}, got {value}")


def expect_number(owner, name, value, least):
    """Refuse by name: TypeError unless it is a real number, ValueError unless finite and ≥ least."""
    if not isinstance(value, numbers.Real) or isinstance(value, bool):
        raise TypeError(f"{owner}: expected {name} to be a number, got {value!r}")
    if not math.isfinite(value) or value < least:
        raise ValueError(f"{owner}: expected a finite {name} ≥ {least:g}, got {value}")


def expect_rng(owner, rng):
    """TypeError for anything but a numpy.random.Generator, such as a seed."""
    if not isinstance(rng, np.random.Generator):
        raise TypeError(
            f"{owner}: expected rng, a generator as from numpy.random.default_rng(0), got {rng!r:.40}"
        )


def expect_ends(owner, size, bos, eos):
    """Refuse what are not two different tokens, whole numbers in 0 … size-1."""
    expect_whole(owner, 0, size, bos=bos, eos=eos)
    if bos == eos:
        raise ValueError(f"{owner}: expected an eos other than bos, got {eos}")
