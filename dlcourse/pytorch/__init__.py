"""The models of `dlcourse.reference` on PyTorch: same names, same arguments, same state_dict keys."""

from dlcourse.pytorch.cnn import CNN
from dlcourse.pytorch.device import autocast, device
from dlcourse.pytorch.gan import Discriminator, Generator
from dlcourse.pytorch.init import initialise
from dlcourse.pytorch.mlp import MLP
from dlcourse.pytorch.perceptron import Perceptron
from dlcourse.pytorch.seq2seq import Seq2Seq
from dlcourse.pytorch.transformer import CausalLM, Transformer, TransformerClassifier

__all__ = [
    "CNN",
    "MLP",
    "CausalLM",
    "Discriminator",
    "Generator",
    "Perceptron",
    "Seq2Seq",
    "Transformer",
    "TransformerClassifier",
    "autocast",
    "device",
    "initialise",
]
