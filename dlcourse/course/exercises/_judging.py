"""Judge outcomes against an exercise: a function of plain data that never sees the student's objects."""

import copy
from dataclasses import dataclass
from zlib import crc32

from numpy import ndarray
from numpy.random import default_rng

from dlcourse.course.exercises._calling import MISFIT, OTHER, UNSOLVED, Outcome
from dlcourse.course.exercises._entry import Raises
from dlcourse.course.exercises._values import NotPlain, difference, plain, show, size


@dataclass(frozen=True)
class Verdict:
    """passed; what to say; the diagnosed mistake's name and the number of the case shown, where there are."""

    passed: bool
    text: str
    mistake: str | None = None
    case: int | None = None


def cases_of(exercise, seed=None):
    """The exercise's cases, from a seed of its own unless one is given."""
    return list(exercise.cases(default_rng(crc32(exercise.name.encode()) if seed is None else seed)))


@dataclass(frozen=True)
class Key:
    """What the judge compares with: the right value of each case, and each mistake's values."""

    expected: list
    mistakes: list  # of (Mistake, [value or Raises for each case])


def answer_key(exercise, cases):
    """Computed before the student's code runs, which may patch what `expected` is made of."""
    made = [(m, [_plain(m.value(case)) for case in copy.deepcopy(cases)]) for m in exercise.mistakes]
    return Key([plain(exercise.expected(case)) for case in copy.deepcopy(cases)], made)


def judge(exercise, values, cases, key=None):
    """Judge what the answer gave for each case: plain values, or Outcomes where a call went wrong."""
    results = [v if type(v) is Outcome else _as_outcome(v) for v in values]
    if any(outcome.problem == UNSOLVED for outcome in results):
        return Verdict(False, _unsolved(exercise))
    if results and (results[0].problem == MISFIT or results[0].problem and exercise.language == "rust"):
        # Rust runs all cases in one program: which of them made it fail is not known
        text = f"✗ {exercise.name}: {results[0].says}"
        return Verdict(False, f"{text}\n  read: {exercise.read}" if exercise.read else text)
    key = key or answer_key(exercise, cases)
    if len(results) < len(cases) and not any(outcome.problem for outcome in results):
        return Verdict(False, f"✗ {exercise.name}: expected {len(cases)} results, got {len(results)}")
    none_is_an_answer = any(wanted is None for wanted in key.expected)
    found = (_fault(exercise, w, o, none_is_an_answer) for w, o in zip(key.expected, results))
    faults = {i: fault for i, fault in enumerate(found) if fault is not None}
    if not faults:
        covered = f"all {len(cases)} cases" if len(cases) > 1 else "its one case"
        return Verdict(True, f"✓ {exercise.name}: right in {covered}")
    mistake = next((m for m, wrong in key.mistakes if _made(exercise, wrong, results)), None)
    worst = min(faults, key=lambda i: (size(cases[i]), i))
    if results[worst].mutated and _compare(exercise, key.expected[worst], results[worst].value) is None:
        mistake = None  # the value is right: what is wrong is that the argument has changed
    headline = mistake.says if mistake else faults[worst]
    text = _report(exercise, headline, cases[worst], key.expected[worst], results[worst], faults[worst])
    return Verdict(False, text, mistake.name if mistake else None, worst)


def _as_outcome(value):
    try:
        return Outcome(value=plain(value))
    except NotPlain as error:
        return Outcome(problem=OTHER, says=f"your answer returned {error}")


def _compare(exercise, wanted, got):
    rules = {"rtol": exercise.rtol, "atol": exercise.atol, "any_number": exercise.any_number}
    return difference(wanted, got, **rules)


def _fault(exercise, wanted, outcome, none_is_an_answer):
    """What is wrong with one outcome; None where nothing is."""
    if outcome.problem:
        return outcome.says
    if outcome.value is None and not none_is_an_answer:
        if outcome.printed:
            return "your function printed its result and returned None: hand it back with `return`"
        return "your function returned None: is a `return` missing?"
    if outcome.mutated:
        return "your function changed its argument: work on a copy"
    return _compare(exercise, wanted, outcome.value)


def _made(exercise, wrong, results):
    """Whether the answer did in every case exactly what a mistake does."""
    pairs = zip(wrong, results)
    return len(results) == len(wrong) and all(_agrees(exercise, value, outcome) for value, outcome in pairs)


def _agrees(exercise, value, outcome):
    if isinstance(value, Raises):
        return outcome.error == value.error
    return not outcome.problem and _compare(exercise, value, outcome.value) is None


def _plain(value):
    return value if isinstance(value, Raises) else plain(value)


def _unsolved(exercise):
    return (
        f"✗ {exercise.name}: not solved yet (about {exercise.minutes} min). "
        f'Write your answer in the cell above and run it; hint("{exercise.name}") helps.'
    )


def _report(exercise, headline, case, wanted, outcome, fault):
    lines = [f"✗ {exercise.name}: {headline}", f"  smallest failing case: {_call(exercise, case)}"]
    lines.append(_labelled("expected", show(wanted)))
    if not outcome.problem:
        lines.append(_labelled("yours", show(outcome.value)))
    if fault != headline and type(outcome.value) in (ndarray, list, tuple, dict):
        lines.append(f"  {fault}")
    if outcome.printed:
        lines.append(_labelled("printed", show(outcome.printed.strip()[:300])))
    if exercise.read:
        lines.append(f"  read: {exercise.read}")
    return "\n".join(lines)


def _labelled(label, text):
    label = f"  {label + ':':10}"
    return label + text.replace("\n", "\n" + " " * len(label))


def _call(exercise, case):
    """The case in words, or as the call the student would write, large arrays on lines of their own."""
    if exercise.describe:
        return exercise.describe(case)
    arguments = case if type(case) is tuple else (case,)
    shown = [show(a.tolist() if type(a) is ndarray and a.size <= 12 else a) for a in arguments]
    if sum(map(len, shown)) <= 90 and not any("\n" in text for text in shown):
        return f"{exercise.function}({', '.join(shown)})"
    return "\n".join([exercise.function, *("    " + text.replace("\n", "\n    ") for text in shown)])
