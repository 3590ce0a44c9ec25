"""The models of `dlcourse.reference` on PyTorch: same names, same arguments, same state_dict keys."""

from dlcourse.pytorch.device import device
from dlcourse.pytorch.init import initialise
from dlcourse.pytorch.mlp import MLP
from dlcourse.pytorch.perceptron import Perceptron

__all__ = ["MLP", "Perceptron", "device", "initialise"]
