"""Drawn digits of 28 x 28 pixels, in place of a download. Chapter: 16_cnn."""

import numpy as np

from dlcourse.checks import expect_counts, expect_dtype, expect_number, expect_rng

FONT = (  # 5 x 7 dots, row after row
    "01110 10001 10011 10101 11001 10001 01110",
    "00100 01100 00100 00100 00100 00100 01110",
    "01110 10001 00001 00010 00100 01000 11111",
    "11111 00010 00100 00010 00001 10001 01110",
    "00010 00110 01010 10010 11111 00010 00010",
    "11111 10000 11110 00001 00001 10001 01110",
    "00110 01000 10000 11110 10001 10001 01110",
    "11111 00001 00010 00100 01000 01000 01000",
    "01110 10001 10001 01110 10001 10001 01110",
    "01110 10001 10001 01111 00001 00010 01100",
)
DOTS = np.array([[list(map(int, row)) for row in glyph.split()] for glyph in FONT], dtype=float)  # (10, 7, 5)
SIZE = 28


def glyphs(n, *, rng, noise=0.1, dtype=float):
    """Return images (n, 1, 28, 28) with pixels in [0, 1] and labels (n,), 0 … 9.

    Every image is one of ten dot patterns, turned by up to 15°, slanted, scaled by 0.8 to 1.1 and shifted by
    up to 3 pixels, all at random, plus `noise` · N(0, 1).
    """
    expect_counts("glyphs", 0, n=n)
    expect_number("glyphs", "noise", noise, 0)
    dtype = expect_dtype("glyphs", dtype)
    labels = expect_rng("glyphs", rng).integers(0, 10, n)
    images = np.stack([_draw(DOTS[label], rng) for label in labels]) if n else np.zeros((0, SIZE, SIZE))
    images = np.clip(images + noise * rng.standard_normal(images.shape), 0, 1)
    return images[:, None].astype(dtype), labels


def _draw(dots, rng):
    """Look up, for every pixel, where in the pattern it lies, and blend the four dots around that place."""
    angle, slant, scale = rng.uniform(-0.26, 0.26), rng.uniform(-0.2, 0.2), 2.5 * rng.uniform(0.8, 1.1)
    centre = (SIZE - 1) / 2 + rng.uniform(-3, 3, 2)
    y, x = (np.indices((SIZE, SIZE)) - centre[:, None, None]) / scale
    y, x = np.cos(angle) * y - np.sin(angle) * x, np.sin(angle) * y + np.cos(angle) * x + slant * y
    return _blend(np.pad(dots, 1), y + 4, x + 3)  # the middle of the padded 9 x 7 pattern


def _blend(image, y, x):
    """Bilinear interpolation, zero outside."""
    height, width = image.shape
    y, x = np.clip(y, 0, height - 1.001), np.clip(x, 0, width - 1.001)
    i, j = y.astype(int), x.astype(int)
    a, b = y - i, x - j
    upper = (1 - b) * image[i, j] + b * image[i, j + 1]
    lower = (1 - b) * image[i + 1, j] + b * image[i + 1, j + 1]
    return (1 - a) * upper + a * lower
