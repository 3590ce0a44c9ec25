"""One threshold unit on torch."""

import torch
from torch import nn

from dlcourse.checks import expect_counts, expect_number, expect_rng


class Perceptron(nn.Module):
    """y = step(w · x + b): 1 on one side of a hyperplane, 0 on the other.

    x       (N, I)  input; I = in_features
    weight  (1, I)  w; zero at the start, or N(0, 1) if a generator is given
    bias    (1,)    b; likewise
    y       (N,)    0.0 or 1.0

    Source: rosenblatt1958. Chapter: 07_perceptron_xor.
    """

    def __init__(self, in_features, *, rng=None, dtype=torch.float32):
        super().__init__()
        expect_counts("Perceptron", in_features=in_features)
        if rng is not None:
            expect_rng("Perceptron", rng)
        for name, shape in (("weight", (1, in_features)), ("bias", (1,))):
            start = torch.zeros(shape) if rng is None else torch.from_numpy(rng.standard_normal(shape))
            # autograd has no use here: the derivative of a step is zero wherever it exists
            setattr(self, name, nn.Parameter(start.to(dtype), requires_grad=False))

    def forward(self, x):
        if x.ndim != 2:
            raise ValueError(f"Perceptron: expected x of shape (N, I), got {tuple(x.shape)}")
        z = x @ self.weight[0] + self.bias  # (N, I) @ (I,) -> (N,)
        return (z >= 0).to(x.dtype)

    def update(self, x, target, lr):
        """Visit each sample once: w += lr (t - y) x, b += lr (t - y); return the number of mistakes."""
        expect_number("Perceptron", "lr", lr, 0)
        if target.shape != x.shape[:1]:  # the shorter one would end the visit
            wanted = tuple(x.shape[:1])
            raise ValueError(f"Perceptron: expected target of shape {wanted}, got {tuple(target.shape)}")
        mistakes = 0
        for sample, t in zip(x, target):
            miss = t - self(sample[None])[0]  # -1, 0 or 1
            self.weight += lr * miss * sample
            self.bias += lr * miss
            mistakes += int(miss != 0)
        return mistakes
