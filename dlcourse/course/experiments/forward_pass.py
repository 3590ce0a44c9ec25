"""Experiments of 08_forward_pass."""

import math

import numpy as np

from dlcourse.course.recorded import experiment
from dlcourse.reference import init

SCHEMES = ("naive", "small", "torch", "xavier", "he")
LAYERS = (1, 2, 3, 5, 7, 10, 14, 20, 25, 30)  # the depths that are written down
SETTINGS = [{"activation": f, "scheme": scheme} for f in ("relu", "tanh") for scheme in SCHEMES]


@experiment(
    "08_forward_pass",
    "depth",
    SETTINGS,
    seeds=20,
    band={f"{what} {layer}": 0.05 for what in ("size", "signal") for layer in LAYERS},
)
def depth(seed, *, activation, scheme, width=128, examples=64):
    """Send 64 random inputs through 30 layers; for some of them, log10 of two root mean squares.

    size    of all activations of the layer
    signal  of their differences from the mean over the examples: what still depends on the input
    """
    rng = np.random.default_rng(seed)
    f = np.tanh if activation == "tanh" else lambda z: np.maximum(z, 0)
    a, result = rng.normal(size=(examples, width)), {}  # (N, I)
    for layer in range(1, max(LAYERS) + 1):
        weight, bias = draw(scheme, width, rng)
        a = f(a @ weight.T + bias)
        if layer in LAYERS:
            result[f"size {layer}"] = log_rms(a)
            result[f"signal {layer}"] = log_rms(a - a.mean(axis=0))
    return result


def draw(scheme, width, rng):
    """The first weight (width, width) and bias of a layer, by the name of a scheme."""
    shape, bound = (width, width), 1 / math.sqrt(width)
    if scheme == "torch":
        return init.uniform(shape, -bound, bound, rng=rng), init.uniform((width,), -bound, bound, rng=rng)
    if scheme == "xavier":
        return init.xavier_normal(shape, rng=rng), 0.0
    if scheme == "he":
        return init.kaiming_normal(shape, rng=rng), 0.0
    return init.normal(shape, std=1.0 if scheme == "naive" else 0.01, rng=rng), 0.0


def log_rms(a):
    """log10 of the root mean square, to three decimals."""
    return round(0.5 * math.log10(np.mean(a * a)), 3)
