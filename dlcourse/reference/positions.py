"""Positions: what tells attention, which sees a sequence as a bag, where each vector stands."""

import numpy as np

from dlcourse.checks import expect_counts, expect_floats
from dlcourse.reference import init
from dlcourse.reference.layer import Layer


class SinusoidalPositions(Layer):
    """Add to each vector a pattern of waves that tells where in the sequence it stands.

        y[n, p, 2i] = x[n, p, 2i] + sin(p / 10000^(2i / D)), y[n, p, 2i + 1] likewise with cos

    x  (N, T, D)  input of any length T; D = embedding_dim
    y  (N, T, D)

    Raises ValueError for a wrong shape. Source: vaswani2017, section 3.5. Chapter: 20_attention.
    """

    def __init__(self, embedding_dim):
        super().__init__()
        expect_counts("SinusoidalPositions", embedding_dim=embedding_dim)
        self.embedding_dim = embedding_dim

    def __repr__(self):
        return f"SinusoidalPositions({self.embedding_dim})"

    def table(self, T):
        """The pattern itself, (T, D)."""
        expect_counts(self, 0, T=T)
        pairs = np.arange(self.embedding_dim) // 2  # 0 0 1 1 2 2 ...
        angles = np.arange(T)[:, None] / 10000.0 ** (2 * pairs / self.embedding_dim)
        angles[:, 1::2] += np.pi / 2  # cos a = sin(a + π/2)
        return np.sin(angles)

    def forward(self, x):
        self.cache = x = expect_floats(self, "x", x, "N", "T", self.embedding_dim)
        return x + self.table(x.shape[1]).astype(x.dtype)

    def backward(self, dout):
        return expect_floats(self, "dout", dout, *self.recall().shape)


class LearnedPositions(Layer):
    """Add to each vector a learned one for its place: y[n, p] = x[n, p] + weight[p].

    x       (N, T, D)  input, T <= max_length; D = embedding_dim
    weight  (max_length, D)  N(0, 1/D) at the start
    y       (N, T, D)

    Raises ValueError for a wrong shape or a sequence longer than max_length.
    Source: gehring2017. Chapter: 20_attention.
    """

    def __init__(self, max_length, embedding_dim, *, rng, dtype=float):
        expect_counts("LearnedPositions", max_length=max_length, embedding_dim=embedding_dim)
        super().__init__(
            weight=init.normal((max_length, embedding_dim), 0, embedding_dim**-0.5, rng=rng, dtype=dtype)
        )

    def __repr__(self):
        return "LearnedPositions({}, {})".format(*self.params["weight"].shape)

    def forward(self, x):
        max_length, D = self.params["weight"].shape
        self.cache = x = expect_floats(self, "x", x, "N", "T", D)
        if x.shape[1] > max_length:
            raise ValueError(f"{self}: expected at most {max_length} positions, got x of shape {x.shape}")
        return x + self.params["weight"][: x.shape[1]]

    def backward(self, dout):
        dout = expect_floats(self, "dout", dout, *self.recall().shape)
        unused = len(self.params["weight"]) - dout.shape[1]
        self.grads["weight"] = np.pad(dout.sum(axis=0), ((0, unused), (0, 0)))
        return dout
