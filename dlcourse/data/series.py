"""Time series whose noise is known, and windows that slide over them. Chapters: 15_convolution, 17_rnn."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from dlcourse.checks import expect_counts, expect_number, expect_reals, expect_rng

NOISE, MEMORY = 0.3, 0.6  # of the AR(1) part: e_t = MEMORY e_{t-1} + NOISE N(0, 1)


def seasonal(n=1200, *, rng):
    """Return a series (n,): two seasons, of 24 and 168 steps, a slow trend, and AR(1) noise.

        y_t = 0.001 t + sin(2π t / 24) + 0.5 cos(2π t / 24 · 2) + 0.8 sin(2π t / 168) + e_t

    The best possible forecast of the next value knows all but the newest shock: its error has a root mean
    square of NOISE.
    """
    expect_counts("seasonal", 0, n=n)
    expect_rng("seasonal", rng)
    t, shocks = np.arange(n), NOISE * rng.standard_normal(n)
    noise = np.empty(n)
    before = NOISE / np.sqrt(1 - MEMORY**2) * rng.standard_normal()  # as if it had always been running
    for i in range(n):
        before = noise[i] = MEMORY * before + shocks[i]
    day, week = 2 * np.pi * t / 24, 2 * np.pi * t / 168
    return 0.001 * t + np.sin(day) + 0.5 * np.cos(2 * day) + 0.8 * np.sin(week) + noise


def windows(series, width):
    """Return x (n - width, width) and y (n - width,): every `width` values and the one after."""
    series = expect_reals("windows", "series", series, "n")
    expect_counts("windows", width=width)
    if width >= len(series):
        raise ValueError(f"windows: expected a series longer than width {width}, got shape {series.shape}")
    return sliding_window_view(series, width)[:-1].copy(), series[width:].copy()


def random_walk(n, *, rng, start=100.0, volatility=0.02):
    """Return n prices: start, then each the last times exp(volatility · N(0, 1)), as for shares."""
    expect_counts("random_walk", n=n)
    expect_number("random_walk", "start", start)
    expect_number("random_walk", "volatility", volatility, 0)
    expect_rng("random_walk", rng)
    steps = volatility * rng.standard_normal(n - 1)
    return start * np.exp(np.concatenate([[0.0], steps]).cumsum())
