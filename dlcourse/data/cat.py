"""Two drawn images of 6 x 6 pixels, small enough to follow every number. Chapter: 16_cnn."""

import numpy as np

from dlcourse.checks import expect_dtype

CAT = (  # two ears, two eyes, a nose: dense, of several sizes
    "200002",
    "420024",
    "333333",
    "315513",
    "333333",
    "034430",
)
OTHER = (  # an empty frame: sparse
    "000000",
    "011110",
    "010010",
    "010010",
    "011110",
    "000000",
)


def cat_and_other(dtype=float):
    """Return images (2, 1, 6, 6), not scaled, and labels (2,): 1 for the cat, 0 for the other."""
    dtype = expect_dtype("cat_and_other", dtype)
    images = [[[int(pixel) for pixel in row] for row in drawing] for drawing in (CAT, OTHER)]
    return np.array(images, dtype)[:, None], np.array([1.0, 0.0], dtype)
