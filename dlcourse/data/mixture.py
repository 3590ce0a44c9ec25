"""Two Gaussian clouds for a generator to imitate, and how well it does. Chapter: 19_gan."""

import numpy as np

from dlcourse.checks import expect_counts, expect_reals, expect_rng

CENTRES, STD = np.array([[-2.0, 0.0], [2.0, 0.0]]), 0.5


def two_gaussians(n, *, rng, halves=False):
    """Return n points (n, 2) of ½ N((-2, 0), 0.25 I) + ½ N((2, 0), 0.25 I).

    halves  the first n // 2 from the left cloud, the others from the right, as in the textbook
    """
    expect_counts("two_gaussians", 0, n=n)
    expect_rng("two_gaussians", rng)
    side = (np.arange(n) >= n // 2).astype(int) if halves else rng.integers(0, 2, n)
    return CENTRES[side] + STD * rng.standard_normal((n, 2))


def quality(points):
    """Return shares and spreads of points (n, 2), each assigned to its nearer centre.

    within_3_sigma  share closer than 1.5 to a centre; 0.989 for the true mixture
    right           share assigned to the right centre
    stds            (2, 2) standard deviations, a row for each cloud; NaN for fewer than two points
    """
    points = expect_reals("quality", "points", points, "N", 2)
    if len(points) == 0:
        raise ValueError(f"quality: expected at least one point, got shape {points.shape}")
    distance = np.linalg.norm(points[:, None] - CENTRES, axis=-1)
    nearer = distance.argmin(axis=1)
    clouds = [points[nearer == side] for side in (0, 1)]
    return {
        "within_3_sigma": float((distance.min(axis=1) < 3 * STD).mean()),
        "right": float(nearer.mean()),
        "stds": np.array([cloud.std(axis=0) if len(cloud) > 1 else [np.nan, np.nan] for cloud in clouds]),
    }


def passes(points):
    """At least 98 % within three sigma, each cloud with 45 to 55 %, all standard deviations 0.4 to 0.6."""
    found = quality(points)
    stds = found["stds"]
    return bool(
        found["within_3_sigma"] >= 0.98
        and 0.45 <= found["right"] <= 0.55
        and ((stds >= 0.4) & (stds <= 0.6)).all()
    )


def sliced_distance(a, b, *, rng, directions=64):
    """Return how far points a (n, 2) must travel, on average along random directions, to become b (n, 2).

    Along one direction, the cheapest plan moves the smallest value to the smallest, and so on up (the sliced
    Wasserstein-1 distance). Raises ValueError for other shapes. Source: bonneel2015.
    """
    a = expect_reals("sliced_distance", "a", a, "n", 2)
    b = expect_reals("sliced_distance", "b", b, len(a), 2)
    if len(a) == 0:
        raise ValueError(f"sliced_distance: expected at least one point, got shape {a.shape}")
    expect_counts("sliced_distance", directions=directions)
    angle = expect_rng("sliced_distance", rng).uniform(0, np.pi, directions)
    axes = np.stack([np.cos(angle), np.sin(angle)])  # (2, directions)
    return float(np.abs(np.sort(a @ axes, axis=0) - np.sort(b @ axes, axis=0)).mean())
