"""Dates in three notations, to be rewritten in one. Chapter: 18_lstm."""

import datetime

from dlcourse.checks import expect_counts, expect_indices, expect_rng

MONTHS = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
]
FIRST, DAYS = datetime.date(1950, 1, 1), 36525  # to the end of 2049


def split_days(held_out=2000, *, rng):
    """Return two lists of day numbers, 0 … DAYS-1: for training, and held out."""
    expect_counts("split_days", 0, held_out=held_out)
    if held_out > DAYS:
        raise ValueError(f"split_days: expected held_out ≤ {DAYS}, got {held_out}")
    order = expect_rng("split_days", rng).permutation(DAYS).tolist()
    return order[held_out:], order[:held_out]


def date_pairs(days, *, rng):
    """Return pairs (notation, the date in words) for day numbers: "05/03/2024" -> "5 march 2024".

    The notation is one of 2024-03-05, 05/03/2024 and mar 5 2024, drawn at random.
    """
    days = expect_indices("date_pairs", "days", days, DAYS, "N")
    expect_rng("date_pairs", rng)
    pairs = []
    for day, style in zip(days, rng.integers(0, 3, len(days))):
        date = FIRST + datetime.timedelta(days=int(day))
        month = MONTHS[date.month - 1]
        notations = (date.isoformat(), f"{date:%d/%m/%Y}", f"{month[:3]} {date.day} {date.year}")
        pairs.append((notations[style], f"{date.day} {month} {date.year}"))
    return pairs
