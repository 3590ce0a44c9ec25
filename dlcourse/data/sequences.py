"""Toy sequences: tasks that need no memory, a little, or a lot. All draw from a numpy.random.Generator.

Tokens are integers; `one_hot` turns them into vectors where a network without embedding needs these.
"""

import numpy as np

from dlcourse.checks import expect_counts, expect_indices, expect_number, expect_rng


def one_hot(indices, size, dtype=float):
    """Return vectors (..., size) that are 1 at the index and 0 elsewhere."""
    expect_counts("one_hot", size=size)
    return np.eye(size, dtype=dtype)[expect_indices("one_hot", "indices", indices, size, ...)]


def max_of_three(n, *, rng, high=10.0):
    """Return points (n, 3) from U[0, high)³ and their largest coordinate (n,). Chapter: 10_backprop_max."""
    _expect("max_of_three", n, rng)
    points = rng.uniform(0, expect_number("max_of_three", "high", high, 0), (n, 3))
    return points, points.max(axis=1)


def shift(n, length=8, vocabulary=6, *, rng):
    """Return tokens x (n, T) and y = (x + 1) mod vocabulary: all in the same step. Chapter: 17_rnn."""
    _expect("shift", n, rng, length=length, vocabulary=vocabulary)
    x = rng.integers(0, vocabulary, (n, length))
    return x, (x + 1) % vocabulary


def recall(n, length=10, vocabulary=6, *, rng):
    """Return tokens x (n, T) and the first of each row (n,), to be named at the end.

    Chapters: 17_rnn, 18_lstm.
    """
    _expect("recall", n, rng, length=length, vocabulary=vocabulary)
    x = rng.integers(0, vocabulary, (n, length))
    return x, x[:, 0].copy()


def adding(n, length=50, *, rng):
    """Return x (n, T, 2), values from U[0, 1) beside marks, and the sums (n,) of the two marked values.

    One mark stands in each half. Always answering 1 has a mean squared error of 1/6.
    Source: hochreiter1997. Chapter: 18_lstm.
    """
    _expect("adding", n, rng)
    expect_counts("adding", 2, length=length)
    values, marks, rows = rng.uniform(0, 1, (n, length)), np.zeros((n, length)), np.arange(n)
    marks[rows, rng.integers(0, length // 2, n)] = 1
    marks[rows, rng.integers(length // 2, length, n)] = 1
    return np.stack([values, marks], axis=-1), (values * marks).sum(axis=1)


def sum_mod(n, length=16, modulus=5, *, rng):
    """Return digits x (n, T), 0 … 9, and the sums of all prefixes mod `modulus` (n, T).

    The last column is the label. As 5 divides 10, any T - 1 digits say nothing about it. Chapter: 21_sum_mod.
    """
    _expect("sum_mod", n, rng, length=length, modulus=modulus)
    x = rng.integers(0, 10, (n, length))
    return x, x.cumsum(axis=1) % modulus


def reversal(n, low=2, high=8, alphabet=10, *, rng):
    """Return n pairs (word, the word backwards) of low … high letters, each a list. Chapter: 17_rnn."""
    _expect("reversal", n, rng, low=low, high=high, alphabet=alphabet)
    letters = "abcdefghijklmnopqrstuvwxyz"[:alphabet]
    if alphabet > 26 or low > high:
        raise ValueError(
            f"reversal: expected 1 ≤ low ≤ high and alphabet ≤ 26, got {low}, {high}, {alphabet}"
        )
    pairs = []
    for length in rng.integers(low, high + 1, n):
        word = [letters[i] for i in rng.integers(0, alphabet, length)]
        pairs.append((word, word[::-1]))
    return pairs


def _expect(name, n, rng, **sizes):
    expect_counts(name, 0, n=n)
    expect_counts(name, **sizes)
    expect_rng(name, rng)
