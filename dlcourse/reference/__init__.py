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
from dlcourse.reference.attention import MultiheadAttention, causal_mask, scaled_dot_product_attention
from dlcourse.reference.cnn import CNN
from dlcourse.reference.convolution import Conv1d, Conv2d, convolve2d, correlate2d
from dlcourse.reference.dropout import Dropout
from dlcourse.reference.embedding import Embedding
from dlcourse.reference.gan import Discriminator, Generator
from dlcourse.reference.gru import GRU
from dlcourse.reference.layer import Layer
from dlcourse.reference.linear import Linear
from dlcourse.reference.losses import BCELoss, BCEWithLogitsLoss, CrossEntropyLoss, KLDivLoss, L1Loss, MSELoss
from dlcourse.reference.lstm import LSTM
from dlcourse.reference.mlp import MLP
from dlcourse.reference.normalization import BatchNorm1d, BatchNorm2d, LayerNorm
from dlcourse.reference.optim import SGD, Adam, AdamW, RMSprop, clip_grad_norm
from dlcourse.reference.perceptron import Perceptron
from dlcourse.reference.pooling import AvgPool2d, MaxPool2d
from dlcourse.reference.positions import LearnedPositions, SinusoidalPositions
from dlcourse.reference.rnn import RNN
from dlcourse.reference.seq2seq import Seq2Seq
from dlcourse.reference.sequential import Sequential
from dlcourse.reference.transformer import CausalLM, Transformer, TransformerClassifier

__all__ = [
    "CNN",
    "GELU",
    "GRU",
    "LSTM",
    "MLP",
    "RNN",
    "SGD",
    "Adam",
    "AdamW",
    "AvgPool2d",
    "BCELoss",
    "BCEWithLogitsLoss",
    "BatchNorm1d",
    "BatchNorm2d",
    "CausalLM",
    "Conv1d",
    "Conv2d",
    "CrossEntropyLoss",
    "Discriminator",
    "Dropout",
    "Embedding",
    "Generator",
    "KLDivLoss",
    "L1Loss",
    "Layer",
    "LayerNorm",
    "LeakyReLU",
    "LearnedPositions",
    "Linear",
    "LogSoftmax",
    "MSELoss",
    "MaxPool2d",
    "MultiheadAttention",
    "Perceptron",
    "RMSprop",
    "ReLU",
    "Seq2Seq",
    "Sequential",
    "Sigmoid",
    "SinusoidalPositions",
    "Softmax",
    "Softplus",
    "Tanh",
    "Transformer",
    "TransformerClassifier",
    "causal_mask",
    "clip_grad_norm",
    "convolve2d",
    "correlate2d",
    "init",
    "log_softmax",
    "scaled_dot_product_attention",
    "sigmoid",
    "softmax",
    "step",
]
