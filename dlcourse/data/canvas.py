"""One small image somewhere on a larger canvas: what is it, and where? Chapter: 16_cnn."""

import numpy as np

from dlcourse.checks import expect_counts, expect_floats, expect_reals, expect_rng


def placed(images, size=24, *, scales=(1,), rng):
    """Lay every image at a random place on an empty canvas.

    images  (N, C, h, w)        e.g. digits, zero where there is no ink; each must have some
    scales  whole numbers, one of which enlarges each image by repeating its pixels
    returns canvases (N, C, size, size), and boxes (N, 4): left, top, width, height of the ink, in pixels

    Raises ValueError for an image larger than the canvas, or one without ink.
    """
    images = expect_floats("placed", "images", images, "N", "C", "h", "w")
    expect_rng("placed", rng)
    expect_counts("placed", size=size, **{f"scales[{i}]": scale for i, scale in enumerate(scales)})
    if len(scales) == 0:
        raise ValueError("placed: expected at least one scale, got none")
    n, channels, height, width = images.shape
    if max(height, width) * max(scales) > size:
        largest = (height * max(scales), width * max(scales))
        raise ValueError(f"placed: expected images of at most {size} pixels, got {largest}")
    canvases, boxes = np.zeros((n, channels, size, size), images.dtype), np.empty((n, 4))
    for image, canvas, box in zip(images, canvases, boxes):
        image = image.repeat(scale := rng.choice(scales), axis=1).repeat(scale, axis=2)
        top, left = (rng.integers(0, size - n + 1) for n in image.shape[1:])
        canvas[:, top : top + image.shape[1], left : left + image.shape[2]] = image
        box[:] = around(canvas)
    return canvases, boxes


def around(canvas):
    """Return left, top, width, height of the pixels of (C, H, W) that are not zero."""
    canvas = expect_reals("around", "canvas", canvas, "C", "H", "W")
    ink = (canvas != 0).any(axis=0)
    if not ink.any():
        raise ValueError("around: expected an image with ink, got only zeros")
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    return columns[0], rows[0], np.ptp(columns) + 1, np.ptp(rows) + 1


def overlap(a, b):
    """Return intersection over union (N,) of boxes (N, 4) as above: 1 for equal ones, 0 for disjoint ones."""
    a = expect_reals("overlap", "a", a, "N", 4)
    b = expect_reals("overlap", "b", b, len(a), 4)
    starts, ends = np.maximum(a[:, :2], b[:, :2]), np.minimum(a[:, :2] + a[:, 2:], b[:, :2] + b[:, 2:])
    shared = np.maximum(ends - starts, 0).prod(axis=1)
    return shared / (a[:, 2:].prod(axis=1) + b[:, 2:].prod(axis=1) - shared)
