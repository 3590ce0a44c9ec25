"""Two clouds of points in the plane. Chapter: 07_perceptron_xor."""

import numpy as np

from dlcourse.checks import expect_counts, expect_rng


def two_clusters(n=25, *, rng):
    """Return points (2n, 2) and labels (2n,): n red, label 0, from U[0, 5)², then n blue, 1, from U[5, 10)².

    A line separates them: x + y = 10.
    """
    expect_counts("two_clusters", 0, n=n)
    expect_rng("two_clusters", rng)
    points = np.concatenate([rng.uniform(0, 5, (n, 2)), rng.uniform(5, 10, (n, 2))])
    return points, np.repeat([0.0, 1.0], n)
