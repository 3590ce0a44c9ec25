"""One threshold unit and the rule that trains it."""

import numpy as np

from dlcourse.checks import expect_counts, expect_dtype, expect_floats, expect_number, expect_shape
from dlcourse.reference import init
from dlcourse.reference.activations import step
from dlcourse.reference.layer import Layer


class Perceptron(Layer):
    """y = step(w · x + b): 1 on one side of a line (in general a hyperplane), 0 on the other.

    x       (N, I)  input; I = in_features
    weight  (1, I)  w; zero at the start, or N(0, 1) if a generator is given
    bias    (1,)    b; likewise
    y       (N,)    0.0 or 1.0

    It has no backward pass: the derivative of a step is zero wherever it exists. It learns by `update`.
    Source: rosenblatt1958. Chapter: 07_perceptron_xor.
    """

    def __init__(self, in_features, *, rng=None, dtype=float):
        expect_counts("Perceptron", in_features=in_features)
        dtype = expect_dtype("Perceptron", dtype)
        shapes = {"weight": (1, in_features), "bias": (1,)}
        if rng is None:
            super().__init__(**{name: np.zeros(shape, dtype) for name, shape in shapes.items()})
        else:
            super().__init__(**{n: init.normal(shape, rng=rng, dtype=dtype) for n, shape in shapes.items()})
        self.in_features = in_features

    def __repr__(self):
        return f"Perceptron({self.in_features})"

    def forward(self, x):
        x = expect_floats(self, "x", x, "N", self.in_features)
        z = x @ self.params["weight"][0] + self.params["bias"]  # (N, I) @ (I,) -> (N,)
        return step(z).astype(x.dtype)

    def update(self, x, target, lr):
        """Visit each sample once: w += lr (t - y) x, b += lr (t - y); return the number of mistakes.

        target  (N,)  t, 0 or 1
        """
        x = expect_floats(self, "x", x, "N", self.in_features)
        expect_number(self, "lr", lr, 0)
        target = self._labels(target, len(x))
        mistakes = 0
        for sample, t in zip(x, target):
            miss = t - self.forward(sample[None])[0]  # -1, 0 or 1
            self.params["weight"] += lr * miss * sample
            self.params["bias"] += lr * miss
            mistakes += int(miss != 0)
        return mistakes

    def _labels(self, target, count):
        target = expect_shape(self, "target", target, count)
        if target.dtype.kind not in "fiub":  # booleans are an answer too
            raise TypeError(f"{self}: expected target of numbers, got {target.dtype}")
        target = target.astype(float)
        if not np.isin(target, (0, 1)).all():
            raise ValueError(f"{self}: expected target 0 or 1, got {target[~np.isin(target, (0, 1))][0]}")
        return target
