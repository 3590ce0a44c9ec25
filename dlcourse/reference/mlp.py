"""The multi-layer perceptron: affine maps with a nonlinearity between them."""

from dlcourse.reference.activations import GELU, LeakyReLU, ReLU, Sigmoid, Tanh
from dlcourse.reference.linear import Linear
from dlcourse.reference.sequential import Sequential

ACTIVATIONS = {"relu": ReLU, "leaky_relu": LeakyReLU, "tanh": Tanh, "sigmoid": Sigmoid, "gelu": GELU}


class MLP(Sequential):
    """z_1 = W_1 x + b_1, z_l = W_l f(z_{l-1}) + b_l; the output is the last z, without activation.

    sizes       the widths of input, hidden layers and output, e.g. (784, 128, 10)
    activation  f: "relu", "leaky_relu", "tanh", "sigmoid" or "gelu"
    x           (..., sizes[0])
    y           (..., sizes[-1])

    Parameters: "0.weight" (sizes[1], sizes[0]), "0.bias", "2.weight", "2.bias", ..., as in its PyTorch twin.
    Raises ValueError for fewer than two sizes or an unknown activation.
    Source: goodfellow2016, chapter 6. Chapter: 11_mlp_project.
    """

    def __init__(self, sizes, activation="relu", *, rng, dtype=float):
        if not isinstance(sizes, tuple | list):
            raise TypeError(f"MLP: expected sizes such as (784, 10), got {sizes!r}")
        if len(sizes) < 2:
            raise ValueError(f"MLP: expected sizes of at least an input and an output, got {tuple(sizes)}")
        if activation not in ACTIVATIONS:
            raise ValueError(f"MLP: expected activation in {sorted(ACTIVATIONS)}, got {activation!r}")
        layers = []
        for fan_in, fan_out in zip(sizes[:-1], sizes[1:]):
            layers += [Linear(fan_in, fan_out, rng=rng, dtype=dtype), ACTIVATIONS[activation]()]
        super().__init__(*layers[:-1])
