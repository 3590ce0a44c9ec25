"""A small convolutional network for images of digits, on torch."""

import torch
from torch import nn

from dlcourse.checks import expect_counts, expect_number, expect_pair
from dlcourse.pytorch.init import initialise


class CNN(nn.Module):
    """Two convolutions look for patterns, pooling halves the image, two affine maps decide.

    x    (N, in_channels, S, S)  images; S = image_size
    y    (N, classes)            scores before the softmax
    rng                          a numpy.random.Generator: equal ones give both twins the same weights

    The kernels are 3 by 3 with padding 1, the pool 2 by 2. Weights begin He normal, biases zero.
    Source: lecun1998. Chapter: 16_cnn.
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
        dtype=torch.float32,
    ):
        super().__init__()
        expect_counts("CNN", 2, image_size=image_size)
        expect_counts("CNN", in_channels=in_channels, classes=classes, hidden=hidden)
        expect_number("CNN", "dropout", dropout, 0, 1)
        channels = expect_pair("CNN", "channels", channels, 1)
        self.features = nn.Sequential(
            nn.Conv2d(in_channels, channels[0], 3, padding=1, dtype=dtype),
            nn.ReLU(),
            nn.Conv2d(channels[0], channels[1], 3, padding=1, dtype=dtype),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Dropout(dropout),
        )
        self.classifier = nn.Sequential(
            nn.Linear(channels[1] * (image_size // 2) ** 2, hidden, dtype=dtype),
            nn.ReLU(),
            nn.Linear(hidden, classes, dtype=dtype),
        )
        initialise(self, rng)
        self._he(rng)

    @torch.no_grad()
    def _he(self, rng):
        for layer in (*self.features, *self.classifier):
            if isinstance(layer, nn.Conv2d | nn.Linear):
                fan_in = layer.weight[0].numel()
                layer.weight.copy_(torch.from_numpy(rng.normal(0, (2 / fan_in) ** 0.5, layer.weight.shape)))
                layer.bias.zero_()

    def forward(self, x):
        return self.classifier(self.features(x).flatten(1))
