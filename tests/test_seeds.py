"""What an instructor's seed changes: the inputs of most exercises, and never the diagnosis of a mistake."""

import pytest

from dlcourse.course import exercises
from dlcourse.course.exercises import Exercise, judge
from dlcourse.course.grading.reserved import rng_of
from tests.test_exercises import outcome

ENTRIES = [entry for entry in exercises.entries() if isinstance(entry, Exercise)]
SEEDS = (1, 2, 3)


def cases(exercise, seed):
    return list(exercise.cases(rng_of(seed, f"cases/{exercise.name}")))


def test_most_exercises_have_other_inputs_for_another_seed():
    """Prints those that have not: all rows of a truth table, versions chosen by hand, tables of one's own."""
    same = [e.name for e in ENTRIES if len({repr(cases(e, seed)) for seed in SEEDS}) == 1]
    print(f"{len(same)} of {len(ENTRIES)} exercises have the same inputs for every seed:", *same)
    assert len(same) < len(ENTRIES) / 4


@pytest.mark.slow
@pytest.mark.parametrize("exercise", ENTRIES, ids=lambda entry: entry.name)
def test_a_mistake_is_told_from_the_others_with_every_seed(exercise):
    for seed in SEEDS:
        key = [outcome(exercise.expected(case)) for case in cases(exercise, seed)]
        assert judge(exercise, key, cases(exercise, seed)).passed, seed
        for mistake in exercise.mistakes:
            values = [outcome(mistake.value(case)) for case in cases(exercise, seed)]
            found = judge(exercise, values, cases(exercise, seed))
            assert (found.passed, found.mistake) == (False, mistake.name), (seed, found.text)
