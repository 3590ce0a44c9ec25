"""Experiments of 15_convolution."""

import numpy as np

from dlcourse import reference as ref
from dlcourse.course.recorded import experiment
from dlcourse.data.digits import digits

SETTINGS = [{"pool": pool, "shift": shift} for pool in (1, 2, 4, 16) for shift in (1, 2, 3, 4)]


@experiment("15_convolution", "shifts", SETTINGS, seeds=5, band={"change": 1e-9})
def shifts(seed, *, pool, shift):
    """Move 200 digits to the right: how much do their pooled maps change, and how many do not at all?"""
    images = digits(flat=False)[0]  # (N, 1, 8, 8)
    chosen = np.random.default_rng(seed).choice(len(images), size=200, replace=False)
    canvas = np.pad(images[chosen], [(0, 0), (0, 0), (4, 4), (4, 4)])  # (200, 1, 16, 16)
    pooled = ref.MaxPool2d(pool)
    before = pooled(canvas).reshape(200, -1)
    after = pooled(np.roll(canvas, shift, axis=3)).reshape(200, -1)  # only black pixels go round
    change = np.linalg.norm(after - before, axis=1) / np.linalg.norm(before, axis=1)
    return {"change": float(change.mean()), "unchanged": int((change == 0).sum())}
