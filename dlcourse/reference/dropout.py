"""Dropout: train with part of the network missing, so that no unit relies on another."""

import numpy as np

from dlcourse.checks import expect_floats, expect_number, expect_rng
from dlcourse.reference.layer import Layer


class Dropout(Layer):
    """y = x · keep / (1 - p), where keep is 0 with probability p, else 1, drawn anew for every number.

    Dividing by 1 - p (inverted dropout) makes the mean of y equal x, so that in evaluation mode y = x.

    x     (...)  any shape
    keep  (...)  dx = dout · keep / (1 - p)

    Raises ValueError unless 0 ≤ p < 1. Source: srivastava2014. Chapter: 12_training_craft.
    """

    def __init__(self, p=0.5, *, rng):
        super().__init__()
        self.p, self.rng = expect_number("Dropout", "p", p, 0, 1), expect_rng("Dropout", rng)

    def __repr__(self):
        return f"Dropout({self.p})"

    def forward(self, x):
        x = expect_floats(self, "x", x, ...)
        if not self.training or self.p == 0:
            self.cache = x.shape, None
            return x.copy()
        keep = self.rng.random(x.shape, dtype=np.float32) >= self.p
        scale = keep * x.dtype.type(1 / (1 - self.p))
        self.cache = x.shape, scale
        return x * scale

    def backward(self, dout):
        shape, scale = self.recall()
        dout = expect_floats(self, "dout", dout, *shape)
        return dout.copy() if scale is None else dout * scale
