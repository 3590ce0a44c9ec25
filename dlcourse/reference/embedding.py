"""A vector for every word."""

import numpy as np

from dlcourse.checks import expect_counts, expect_floats, expect_indices
from dlcourse.reference import init
from dlcourse.reference.layer import Layer

LONG = 8  # rows from which a sum of its own is faster than `reduceat`


def sum_runs(rows, first):
    """Return the sum of each run of rows: rows (M, D), where the runs begin (R,) -> (R, D)."""
    lengths = np.diff(first, append=len(rows))
    is_long = lengths >= LONG
    sums = np.empty((len(first), rows.shape[1]), rows.dtype)
    for run in np.flatnonzero(is_long):
        rows[first[run] : first[run] + lengths[run]].sum(axis=0, out=sums[run])
    short = lengths[~is_long]
    if len(short):
        starts = np.cumsum(short) - short  # where the short runs begin, once the long ones are taken out
        sums[~is_long] = np.add.reduceat(rows[~np.repeat(is_long, lengths)], starts, axis=0)
    return sums


class Embedding(Layer):
    """y = weight[x]: look up a row for every index.

    x       (...)     integers in 0 … V-1; V = num_embeddings
    weight  (V, D)    N(0, 1) at the start, the row of padding_idx zero; D = embedding_dim
    y       (..., D)

    The gradient of a row is the sum of dout over all places where its index stands; the row of padding_idx
    gets none, so it stays zero. Indices have no gradient: `backward` returns None.
    Raises ValueError for an index out of range, TypeError for indices that are not integers.
    Source: bengio2003. Chapter: 17_rnn.
    """

    def __init__(self, num_embeddings, embedding_dim, padding_idx=None, *, rng, dtype=float):
        expect_counts("Embedding", num_embeddings=num_embeddings, embedding_dim=embedding_dim)
        super().__init__(weight=init.normal((num_embeddings, embedding_dim), rng=rng, dtype=dtype))
        self.num_embeddings, self.embedding_dim, self.padding_idx = num_embeddings, embedding_dim, padding_idx
        if padding_idx is not None:
            expect_counts("Embedding", -num_embeddings, padding_idx=padding_idx)
            if padding_idx >= num_embeddings:
                raise ValueError(f"{self}: expected padding_idx < {num_embeddings}, got {padding_idx}")
            self.params["weight"][padding_idx] = 0

    def __repr__(self):
        return f"Embedding({self.num_embeddings}, {self.embedding_dim})"

    def forward(self, x):
        self.cache = x = expect_indices(self, "x", x, self.num_embeddings, ...)
        return self.params["weight"].take(x, axis=0)  # twice as fast as weight[x]

    def backward(self, dout):
        x = self.recall()
        dout = expect_floats(self, "dout", dout, *x.shape, self.embedding_dim)
        grad = np.zeros((self.num_embeddings, self.embedding_dim), dout.dtype)
        if x.size:
            order = np.argsort(x, axis=None, kind="stable")  # equal indices come to stand together
            found = x.reshape(-1)[order]
            first = np.flatnonzero(np.diff(found, prepend=-1))  # where each run of equal indices begins
            rows = dout.reshape(-1, self.embedding_dim).take(order, axis=0)
            grad[found[first]] = sum_runs(rows, first)
        if self.padding_idx is not None:
            grad[self.padding_idx] = 0
        self.grads["weight"] = grad
