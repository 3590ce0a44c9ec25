"""Augmentation: copies that differ as new samples would. Images are (N, C, H, W).

Chapters: 12_training_craft, 16_cnn.
"""

import numpy as np


def shifted(images, most=1, *, rng):
    """Move every image by up to `most` pixels in both directions, zeros coming in at the border."""
    n, _, height, width = images.shape
    padded = np.pad(images, ((0, 0), (0, 0), (most, most), (most, most)))
    down, right = rng.integers(0, 2 * most + 1, (2, n))
    rows = down[:, None] + np.arange(height)  # (N, H)
    columns = right[:, None] + np.arange(width)  # (N, W)
    return padded[np.arange(n)[:, None, None], :, rows[:, :, None], columns[:, None, :]].transpose(0, 3, 1, 2)


def flipped(images, *, rng):
    """Mirror every image left to right with probability 1/2 (not for digits: a mirrored 2 is none)."""
    turn = rng.random(len(images)) < 0.5
    return np.where(turn[:, None, None, None], images[..., ::-1], images)


def noisy(images, std=0.1, *, rng):
    """Add std · N(0, 1) to every pixel."""
    return images + (std * rng.standard_normal(images.shape)).astype(images.dtype)
