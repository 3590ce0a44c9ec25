"""Two players on torch: a generator that makes points out of noise, and a discriminator that doubts them."""

import torch
from torch import nn

from dlcourse.checks import expect_counts, expect_number
from dlcourse.pytorch.init import initialise


class Generator(nn.Sequential):
    """Turn noise (N, latent_size) into points (N, out_size): affine maps with ReLU between them.

    rng is a numpy.random.Generator: equal ones give both twins the same weights.
    Source: goodfellow2014. Chapter: 19_gan.
    """

    def __init__(self, latent_size=8, hidden_sizes=(64,), out_size=2, *, rng, dtype=torch.float32):
        super().__init__(*_layers("Generator", (latent_size, *hidden_sizes, out_size), nn.ReLU, dtype))
        initialise(self, rng)


class Discriminator(nn.Sequential):
    """Say of each point (N, in_size) how real it looks, as a logit (N, 1): affine maps and leaky ReLU.

    rng is a numpy.random.Generator: equal ones give both twins the same weights.
    Source: goodfellow2014. Chapter: 19_gan.
    """

    def __init__(self, in_size=2, hidden_sizes=(64,), negative_slope=0.01, *, rng, dtype=torch.float32):
        expect_number("Discriminator", "negative_slope", negative_slope)
        sizes = (in_size, *hidden_sizes, 1)
        super().__init__(*_layers("Discriminator", sizes, lambda: nn.LeakyReLU(negative_slope), dtype))
        initialise(self, rng)


def _layers(owner, sizes, activation, dtype):
    for size in sizes:
        expect_counts(owner, size=size)
    layers = []
    for fan_in, fan_out in zip(sizes[:-1], sizes[1:]):
        layers += [nn.Linear(fan_in, fan_out, dtype=dtype), activation()]
    return layers[:-1]


def r1_penalty(discriminator, x, strength):
    """Return strength / 2 · mean ‖∂y/∂x‖² over the real points x (N, in_size), ready for `backward`.

    Source: mescheder2018, section 4.1. Chapter: 19_gan.
    """
    expect_number("r1_penalty", "strength", strength, 0)
    if len(x) == 0:
        raise ValueError(f"r1_penalty: expected at least one point, got x of shape {tuple(x.shape)}")
    x = x.detach().requires_grad_()
    (slope,) = torch.autograd.grad(discriminator(x).sum(), x, create_graph=True)
    return strength / 2 * slope.square().sum(dim=1).mean()
