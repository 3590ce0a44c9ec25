"""Two players: a generator that makes points out of noise, and a discriminator that doubts them."""

import numpy as np

from dlcourse.checks import expect_floats, expect_number
from dlcourse.reference.activations import LeakyReLU, ReLU
from dlcourse.reference.linear import Linear
from dlcourse.reference.sequential import Sequential


class Generator(Sequential):
    """Turn noise into points: affine maps with ReLU between them.

    z  (N, latent_size)  noise
    x  (N, out_size)     points, after len(hidden_sizes) hidden layers

    Parameters: "0.weight", "0.bias", "2.weight", ..., as in its PyTorch twin.
    Source: goodfellow2014. Chapter: 19_gan.
    """

    def __init__(self, latent_size=8, hidden_sizes=(64,), out_size=2, *, rng, dtype=float):
        super().__init__(*_layers((latent_size, *hidden_sizes, out_size), ReLU, rng, dtype))


class Discriminator(Sequential):
    """Say of each point how real it looks: affine maps with leaky ReLU between them.

    x  (N, in_size)  points
    y  (N, 1)        the logit of "real": D(x) = σ(y)

    Parameters: "0.weight", "0.bias", "2.weight", ..., as in its PyTorch twin.
    Source: goodfellow2014. Chapter: 19_gan.
    """

    def __init__(self, in_size=2, hidden_sizes=(64,), negative_slope=0.01, *, rng, dtype=float):
        super().__init__(*_layers((in_size, *hidden_sizes, 1), lambda: LeakyReLU(negative_slope), rng, dtype))


def _layers(sizes, activation, rng, dtype):
    layers = []
    for fan_in, fan_out in zip(sizes[:-1], sizes[1:]):
        layers += [Linear(fan_in, fan_out, rng=rng, dtype=dtype), activation()]
    return layers[:-1]


def r1_penalty(discriminator, x, strength):
    """Return strength / 2 · mean ‖∂y/∂x‖² over the real points x (N, in_size), and its gradients by name.

    A discriminator that is flat where the data lie cannot drive the generator in circles. Between its kinks
    the network is linear, y = W_3 S_2 W_2 S_1 W_1 x with slopes S. So ∂y/∂x is a product going down, and the
    gradient of a function of it is that function's gradient going up again through the same matrices.
    The biases have none. Add the result to `discriminator.grads`.

    Source: mescheder2018, section 4.1. Chapter: 19_gan.
    """
    expect_number("r1_penalty", "strength", strength, 0)
    x = expect_floats("r1_penalty", "x", x, "N", "in_size")
    if len(x) == 0:
        raise ValueError(f"r1_penalty: expected at least one point, got x of shape {x.shape}")
    y = discriminator.forward(x)
    down, arrived = np.ones_like(y), {}
    for name, layer in reversed(discriminator.children().items()):
        if isinstance(layer, Linear):
            arrived[name], down = down, down @ layer.params["weight"]
        else:
            down = layer.backward(down)
    up, grads = strength / len(x) * down, {}
    for name, layer in discriminator.children().items():
        if isinstance(layer, Linear):
            grads[f"{name}.weight"] = arrived[name].T @ up  # (O, N) @ (N, I)
            up = up @ layer.params["weight"].T
        else:
            up = layer.backward(up)
    return strength / 2 * float(np.mean(np.sum(down**2, axis=1))), grads
