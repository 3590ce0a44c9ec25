"""Augmentation: copies that differ as new samples would. Images are (N, C, H, W).

Chapters: 12_training_craft, 16_cnn.
"""

import numpy as np

from dlcourse.checks import expect_counts, expect_floats, expect_number, expect_rng


def shifted(images, most=1, *, rng):
    """Move every image by up to `most` pixels in both directions, zeros coming in at the border."""
    expect_counts("shifted", 0, most=most)
    n, _, height, width = (images := _expect("shifted", images, rng)).shape
    padded = np.pad(images, ((0, 0), (0, 0), (most, most), (most, most)))
    down, right = rng.integers(0, 2 * most + 1, (2, n))
    rows = down[:, None] + np.arange(height)  # (N, H)
    columns = right[:, None] + np.arange(width)  # (N, W)
    return padded[np.arange(n)[:, None, None], :, rows[:, :, None], columns[:, None, :]].transpose(0, 3, 1, 2)


def flipped(images, *, rng):
    """Mirror every image left to right with probability 1/2 (not for digits: a mirrored 2 is none)."""
    images = _expect("flipped", images, rng)
    turn = rng.random(len(images)) < 0.5
    return np.where(turn[:, None, None, None], images[..., ::-1], images)


def noisy(images, std=0.1, *, rng):
    """Add std · N(0, 1) to every pixel."""
    expect_number("noisy", "std", std, 0)
    images = _expect("noisy", images, rng)
    return images + (std * rng.standard_normal(images.shape)).astype(images.dtype)


def _expect(name, images, rng):
    expect_rng(name, rng)
    return expect_floats(name, "images", images, "N", "C", "H", "W")
