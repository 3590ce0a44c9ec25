"""How weights begin: random arrays whose spread suits the layer that they feed.

Every function takes a shape in torch's layout, (out, in, ...), and returns an array. fan_in is the number of
inputs that reach one output (in times the kernel size), fan_out the number of outputs that one input reaches.
Chapters: 08_forward_pass, 12_training_craft.
"""

import math

import numpy as np

from dlcourse.checks import expect_counts, expect_dtype, expect_number, expect_rng

RELU_GAIN = math.sqrt(2)  # makes up for the half that ReLU drops


def uniform(shape, low=0.0, high=1.0, *, rng, dtype=float):
    """Draw from U(low, high)."""
    low, high = expect_number("uniform", "low", low), expect_number("uniform", "high", high, low)
    return expect_rng("uniform", rng).uniform(low, high, _sizes(shape)).astype(expect_dtype("uniform", dtype))


def normal(shape, mean=0.0, std=1.0, *, rng, dtype=float):
    """Draw from N(mean, std²)."""
    mean, std = expect_number("normal", "mean", mean), expect_number("normal", "std", std, 0)
    return expect_rng("normal", rng).normal(mean, std, _sizes(shape)).astype(expect_dtype("normal", dtype))


def xavier_uniform(shape, gain=1.0, *, rng, dtype=float):
    """Draw from U(-a, a), a = gain √(6 / (fan_in + fan_out)): keeps the variance both ways (glorot2010)."""
    bound = expect_number("xavier_uniform", "gain", gain, 0) * math.sqrt(6 / sum(fans(shape)))
    return uniform(shape, -bound, bound, rng=rng, dtype=dtype)


def xavier_normal(shape, gain=1.0, *, rng, dtype=float):
    """Draw from N(0, s²), s = gain √(2 / (fan_in + fan_out)) (glorot2010)."""
    std = expect_number("xavier_normal", "gain", gain, 0) * math.sqrt(2 / sum(fans(shape)))
    return normal(shape, 0.0, std, rng=rng, dtype=dtype)


def kaiming_uniform(shape, gain=RELU_GAIN, *, rng, dtype=float):
    """Draw from U(-a, a), a = gain √(3 / fan_in) (he2015)."""
    bound = expect_number("kaiming_uniform", "gain", gain, 0) * math.sqrt(3 / fans(shape)[0])
    return uniform(shape, -bound, bound, rng=rng, dtype=dtype)


def kaiming_normal(shape, gain=RELU_GAIN, *, rng, dtype=float):
    """Draw from N(0, s²), s = gain / √fan_in (he2015)."""
    std = expect_number("kaiming_normal", "gain", gain, 0) / math.sqrt(fans(shape)[0])
    return normal(shape, 0.0, std, rng=rng, dtype=dtype)


def orthogonal(shape, gain=1.0, *, rng, dtype=float):
    """Draw a random orthogonal matrix times gain: rows (or columns, if fewer) are orthonormal (saxe2014).

    The signs make R's diagonal positive; without them the Q of a QR decomposition is not uniform.
    """
    gain, dtype = expect_number("orthogonal", "gain", gain), expect_dtype("orthogonal", dtype)
    columns, rows = fans(shape)[0], shape[0]
    q, r = np.linalg.qr(normal((max(rows, columns), min(rows, columns)), rng=rng))
    q *= np.sign(np.diag(r))
    q = q if rows >= columns else q.T
    return np.ascontiguousarray(gain * q.reshape(shape), dtype=dtype)


def tch_defaults(layer, *, rng):
    """Redraw the parameters of `layer` and its children as tch does, so that runs resemble the textbook's.

    Linear: weight U(±√(6 / fan_in)), bias U(±1 / √fan_in). Recurrent: the same weights, zero biases.
    Layers of other kinds (embeddings, normalisation, convolution) keep what they have.
    """
    for child in layer.children().values():
        tch_defaults(child, rng=rng)
    recurrent = "weight_hh_l0" in layer.params and not layer.children()
    if not recurrent and type(layer).__name__ != "Linear":
        return
    for name, array in layer.params.items():
        if name.startswith("weight"):
            array[...] = kaiming_uniform(array.shape, rng=rng)
        else:
            bound = 0.0 if recurrent else 1 / math.sqrt(fans(layer.params["weight"].shape)[0])
            array[...] = uniform(array.shape, -bound, bound, rng=rng)


def fans(shape):
    """Return (fan_in, fan_out) of a weight of this shape; ValueError unless it has two axes, each ≥ 1."""
    shape = _sizes(shape, least=1)
    if len(shape) < 2:
        raise ValueError(f"init: expected a weight shape (out, in, ...), got {shape}")
    kernel = math.prod(shape[2:])
    return shape[1] * kernel, shape[0] * kernel


def _sizes(shape, least=0):
    if not isinstance(shape, tuple | list):
        raise TypeError(f"init: expected a shape such as (3, 2), got {shape!r}")
    for axis, size in enumerate(shape):
        expect_counts("init", least, **{f"shape[{axis}]": size})
    return tuple(shape)
