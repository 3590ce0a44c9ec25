"""The multi-layer perceptron on torch."""

import torch
from torch import nn

from dlcourse.checks import expect_counts
from dlcourse.pytorch.init import initialise

ACTIVATIONS = {
    "relu": nn.ReLU,
    "leaky_relu": nn.LeakyReLU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "gelu": nn.GELU,
}


class MLP(nn.Sequential):
    """z_1 = W_1 x + b_1, z_l = W_l f(z_{l-1}) + b_l; the output is the last z, without activation.

    sizes       the widths of input, hidden layers and output, e.g. (784, 128, 10)
    activation  f: "relu", "leaky_relu", "tanh", "sigmoid" or "gelu"
    rng         a numpy.random.Generator: equal ones give NumPy's twin and this one the same weights

    Raises ValueError for fewer than two sizes or an unknown activation.
    Source: goodfellow2016, chapter 6. Chapter: 11_mlp_project.
    """

    def __init__(self, sizes, activation="relu", *, rng, dtype=torch.float32):
        if not isinstance(sizes, tuple | list):
            raise TypeError(f"MLP: expected sizes such as (784, 10), got {sizes!r}")
        if len(sizes) < 2:
            raise ValueError(f"MLP: expected sizes of at least an input and an output, got {tuple(sizes)}")
        if activation not in ACTIVATIONS:
            raise ValueError(f"MLP: expected activation in {sorted(ACTIVATIONS)}, got {activation!r}")
        for size in sizes:
            expect_counts("MLP", size=size)
        layers = []
        for fan_in, fan_out in zip(sizes[:-1], sizes[1:]):
            layers += [nn.Linear(fan_in, fan_out, dtype=dtype), ACTIVATIONS[activation]()]
        super().__init__(*layers[:-1])
        initialise(self, rng)
