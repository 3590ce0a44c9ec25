"""Layers, losses and optimisers in NumPy, each with its backward pass written by hand."""

from dlcourse.reference import init
from dlcourse.reference.activations import (
    GELU,
    LeakyReLU,
    LogSoftmax,
    ReLU,
    Sigmoid,
    Softmax,
    Softplus,
    Tanh,
    log_softmax,
    sigmoid,
    softmax,
    step,
)
from dlcourse.reference.layer import Layer
from dlcourse.reference.linear import Linear
from dlcourse.reference.losses import BCELoss, BCEWithLogitsLoss, CrossEntropyLoss, KLDivLoss, L1Loss, MSELoss
from dlcourse.reference.mlp import MLP
from dlcourse.reference.optim import SGD, Adam, AdamW, RMSprop, clip_grad_norm
from dlcourse.reference.perceptron import Perceptron
from dlcourse.reference.sequential import Sequential

__all__ = [
    "GELU",
    "MLP",
    "SGD",
    "Adam",
    "AdamW",
    "BCELoss",
    "BCEWithLogitsLoss",
    "CrossEntropyLoss",
    "KLDivLoss",
    "L1Loss",
    "Layer",
    "LeakyReLU",
    "Linear",
    "LogSoftmax",
    "MSELoss",
    "Perceptron",
    "RMSprop",
    "ReLU",
    "Sequential",
    "Sigmoid",
    "Softmax",
    "Softplus",
    "Tanh",
    "clip_grad_norm",
    "init",
    "log_softmax",
    "sigmoid",
    "softmax",
    "step",
]
