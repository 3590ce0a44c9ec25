"""A small convolutional network for images of digits."""

import numpy as np

from dlcourse.checks import expect_counts, expect_pair
from dlcourse.reference import init
from dlcourse.reference.activations import ReLU
from dlcourse.reference.convolution import Conv2d
from dlcourse.reference.dropout import Dropout
from dlcourse.reference.layer import Layer
from dlcourse.reference.linear import Linear
from dlcourse.reference.pooling import MaxPool2d
from dlcourse.reference.sequential import Sequential


class CNN(Layer):
    """Two convolutions look for patterns, pooling halves the image, two affine maps decide.

        features = dropout(pool(relu(conv(relu(conv(x))))))
        y = W relu(W' features + b') + b

    x  (N, in_channels, S, S)  images; S = image_size
    y  (N, classes)            scores before the softmax

    The kernels are 3 by 3 with padding 1, the pool 2 by 2. Weights begin He normal, biases zero.
    Raises ValueError for a wrong shape. Source: lecun1998. Chapter: 16_cnn.
    """

    def __init__(
        self,
        in_channels=1,
        image_size=8,
        classes=10,
        channels=(8, 16),
        hidden=64,
        dropout=0.3,
        *,
        rng,
        dtype=float,
    ):
        super().__init__()
        expect_counts("CNN", 2, image_size=image_size)
        expect_counts("CNN", classes=classes, hidden=hidden)
        channels = expect_pair("CNN", "channels", channels, 1)
        made = {"rng": rng, "dtype": dtype}
        self.features = Sequential(
            Conv2d(in_channels, channels[0], 3, padding=1, **made),
            ReLU(),
            Conv2d(channels[0], channels[1], 3, padding=1, **made),
            ReLU(),
            MaxPool2d(2),
            Dropout(dropout, rng=rng),
        )
        self.classifier = Sequential(
            Linear(channels[1] * (image_size // 2) ** 2, hidden, **made),
            ReLU(),
            Linear(hidden, classes, **made),
        )
        for layer in (*self.features, *self.classifier):
            if layer.params:
                layer.params["weight"] = init.kaiming_normal(layer.params["weight"].shape, **made)
                layer.params["bias"] = np.zeros_like(layer.params["bias"])

    def forward(self, x):
        maps = self.features.forward(x)  # (N, C, S/2, S/2)
        self.cache = maps.shape
        return self.classifier.forward(maps.reshape(len(maps), -1))

    def backward(self, dout):
        return self.features.backward(self.classifier.backward(dout).reshape(self.recall()))
