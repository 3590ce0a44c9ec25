"""The same first weights as in NumPy: drawn from a NumPy generator, in the same order."""

import torch
from torch import nn

from dlcourse.checks import expect_rng


@torch.no_grad()
def initialise(module, rng):
    """Redraw all parameters of `module` from the numpy.random.Generator rng; return the module.

    Linear and convolution: U(±1 / √fan_in), torch's own default; recurrent layers: U(±1 / √hidden_size);
    embedding: N(0, 1); every other parameter keeps its value. Layers come in the order of registration,
    so that a twin built in the same order from an equal generator begins with the same numbers.
    """
    expect_rng("initialise", rng)
    for layer in module.modules():
        if isinstance(layer, nn.Embedding):
            _fill(layer.weight, rng.standard_normal(layer.weight.shape))
        elif isinstance(layer, nn.Linear | nn.Conv1d | nn.Conv2d):
            _uniform(layer, layer.weight[0].numel() ** -0.5, rng)
        elif isinstance(layer, nn.RNNBase):
            _uniform(layer, layer.hidden_size**-0.5, rng)
    return module


def _uniform(layer, bound, rng):
    for parameter in layer.parameters(recurse=False):
        _fill(parameter, rng.uniform(-bound, bound, parameter.shape))


def _fill(parameter, array):
    parameter.copy_(torch.from_numpy(array))
