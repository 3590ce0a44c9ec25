"""How weights begin: random arrays whose spread suits the layer that they feed.

Every function takes a shape in torch's layout, (out, in, ...), and returns an array. fan_in is the number of
inputs that reach one output (in times the kernel size), fan_out the number of outputs that one input reaches.
Chapters: 08_forward_pass, 12_training_craft.
"""

import math

import numpy as np

RELU_GAIN = math.sqrt(2)  # makes up for the half that ReLU drops


def uniform(shape, low=0.0, high=1.0, *, rng, dtype=float):
    """Draw from U(low, high)."""
    return rng.uniform(low, high, shape).astype(dtype)


def normal(shape, mean=0.0, std=1.0, *, rng, dtype=float):
    """Draw from N(mean, std²)."""
    return rng.normal(mean, std, shape).astype(dtype)


def xavier_uniform(shape, gain=1.0, *, rng, dtype=float):
    """Draw from U(-a, a), a = gain √(6 / (fan_in + fan_out)): keeps the variance both ways (glorot2010)."""
    bound = gain * math.sqrt(6 / sum(fans(shape)))
    return uniform(shape, -bound, bound, rng=rng, dtype=dtype)


def xavier_normal(shape, gain=1.0, *, rng, dtype=float):
    """Draw from N(0, s²), s = gain √(2 / (fan_in + fan_out)) (glorot2010)."""
    return normal(shape, 0.0, gain * math.sqrt(2 / sum(fans(shape))), rng=rng, dtype=dtype)


def kaiming_uniform(shape, gain=RELU_GAIN, *, rng, dtype=float):
    """Draw from U(-a, a), a = gain √(3 / fan_in) (he2015)."""
    bound = gain * math.sqrt(3 / fans(shape)[0])
    return uniform(shape, -bound, bound, rng=rng, dtype=dtype)


def kaiming_normal(shape, gain=RELU_GAIN, *, rng, dtype=float):
    """Draw from N(0, s²), s = gain / √fan_in (he2015)."""
    return normal(shape, 0.0, gain / math.sqrt(fans(shape)[0]), rng=rng, dtype=dtype)


def orthogonal(shape, gain=1.0, *, rng, dtype=float):
    """Draw a random orthogonal matrix times gain: rows (or columns, if fewer) are orthonormal (saxe2014).

    The signs make R's diagonal positive; without them the Q of a QR decomposition is not uniform.
    """
    _at_least_two_axes(shape)
    rows, columns = shape[0], math.prod(shape[1:])
    q, r = np.linalg.qr(rng.standard_normal((max(rows, columns), min(rows, columns))))
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
    """Return (fan_in, fan_out) of a weight of this shape; ValueError if it has fewer than two axes."""
    _at_least_two_axes(shape)
    kernel = math.prod(shape[2:])
    return shape[1] * kernel, shape[0] * kernel


def _at_least_two_axes(shape):
    if len(shape) < 2:
        raise ValueError(f"init: expected a weight shape (out, in, ...), got {tuple(shape)}")
