"""Experiments of 14_concurrent_training."""

import numpy as np

from dlcourse.course.recorded import experiment

KINDS = ("constant", "uniform", "bursts", "exponential")
SIZES = (0, 1, 2, 4, 8, 16)


@experiment(
    "14_concurrent_training",
    "capacity",
    [{"kind": kind, "size": size} for kind in KINDS for size in SIZES],
    seeds=10,
    band={"share": 1e-6},
)
def capacity(seed, *, kind, size, batches=2000):
    """The pace of a loader and a trainer with `size` places between them; 1 is one batch per unit of time."""
    load, train = times(kind, batches, np.random.default_rng(seed))
    return {"share": round(batches / end_of_training(load, train, size), 4)}


def times(kind, batches, rng):
    """Times (N,) of loading and of training, both with mean 1."""
    if kind == "exponential":
        return rng.exponential(size=batches), rng.exponential(size=batches)
    if kind == "uniform":
        return rng.uniform(0.5, 1.5, batches), rng.uniform(0.5, 1.5, batches)
    load = np.ones(batches)
    if kind == "bursts":  # every tenth load is slow, from a random one on
        load = np.where(np.arange(batches) % 10 == rng.integers(10), 5.5, 0.5)
    return load, np.ones(batches)


def end_of_training(load, train, size):
    """When training on the last batch ends; batch i is put in once batch i - size has been taken out."""
    taken, put, free = [], 0.0, 0.0
    for i, (loading, training) in enumerate(zip(load, train)):
        ready = put + loading
        place = free if size == 0 else taken[i - size] if i >= size else 0.0
        put = max(ready, place)
        taken.append(max(put, free))
        free = taken[-1] + training
    return free
