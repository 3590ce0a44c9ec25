"""Experiments of 13_threads."""

import numpy as np

from dlcourse.course.recorded import experiment

READ, ADD, WRITE = range(3)


@experiment("13_threads", "slices", [{"mean": n} for n in (1, 10, 100, 1000, 10_000, 100_000)], seeds=100)
def slices(seed, *, mean, n=1000):
    """Two threads increase one counter n times each; a scheduler switches after slices of random length.

    The length, in steps, is geometric with the given mean. `lost` is the share of the 2n increments that is
    missing in the end.
    """
    rng = np.random.default_rng(seed)
    total, own, done = 0, [0, 0], [0, 0]
    who = int(rng.integers(2))
    while sum(done) < 6 * n:
        for _ in range(min(rng.geometric(1 / mean), 3 * n - done[who])):
            total, own[who] = one_step(done[who] % 3, total, own[who])
            done[who] += 1
        who = 1 - who
    return {"lost": 1 - total / (2 * n)}


def one_step(phase, total, own):
    """The shared total and the thread's own copy after one of the three steps of an increment."""
    if phase == READ:
        return total, total
    if phase == ADD:
        return total, own + 1
    return own, own
