"""Problems that no public page shows: made from a chapter's checks, other ones for every seed.

Two kinds, one of each per chapter. *Whose output?* shows what four programs made of one input, three of
them with a known mistake, and asks who did what. *Which are wrong?* shows six calls with their results,
some of them from programs with a mistake. Both ask for a list of numbers, and are solved by
understanding the exercise they are about, or by having solved it.
"""

import copy
from dataclasses import dataclass
from hashlib import sha256

from numpy.random import default_rng

from dlcourse.course.exercises import Exercise, NotPlain, Raises, entries
from dlcourse.course.exercises._judging import _call as call_in_words
from dlcourse.course.exercises._values import plain, show

POINTS = 2
LONGEST_CALL, LONGEST_VALUE = 320, 120
ROUNDS = 12  # how many sets of cases are tried to find small ones


class NoProblem(ValueError):
    """A chapter has no exercise small enough to make such a problem from."""


@dataclass(frozen=True)
class Reserved:
    """One problem: its name, its statement in Markdown, and the right answer."""

    name: str
    text: str
    answer: list


def rng_of(seed, name):
    """A generator that depends on nothing but the seed and the name."""
    return default_rng(int.from_bytes(sha256(f"{seed}/{name}".encode()).digest()[:8], "big"))


def problems(slug, seed):
    """The reserved problems of a chapter: ("whose", "wrong"), from two exercises where there are two."""
    known = [e for e in entries(slug) if isinstance(e, Exercise)]
    made, used = [], set()
    for make in (whose_output, which_are_wrong):
        order = rng_of(seed, f"{slug}/{make.__name__}").permutation(len(known))
        for exercise in sorted((known[i] for i in order), key=lambda e: e.name in used):
            if problem := make(exercise, rng_of(seed, f"{make.__name__}/{exercise.name}")):
                made.append(problem)
                used.add(exercise.name)
                break
        else:
            raise NoProblem(f"{slug}: no exercise is small enough for a reserved problem")
    return made


def small_cases(exercise, rng):
    """[(case, its call in words, {mistake's name or "": value in words})], each small enough to be read."""
    found = {}
    for _ in range(ROUNDS):
        try:
            cases = list(exercise.cases(rng))
        except Exception:  # an exercise whose cases depend on the public seed
            break
        for case in cases:
            words = call_in_words(exercise, copy.deepcopy(case))
            if words not in found and readable(words, LONGEST_CALL):
                found[words] = case
    rows = ((case, words, results(exercise, case)) for words, case in found.items())
    return [row for row in rows if row[2]]


def readable(words, longest):
    return len(words) <= longest and "..." not in words and "<" not in words and " object" not in words


def results(exercise, case):
    """What a right program and one with each mistake return for the case, in words; None if too long."""
    try:
        values = {"": exercise.expected(copy.deepcopy(case))}
        values |= {m.name: m.value(copy.deepcopy(case)) for m in exercise.mistakes}
        shown = {name: words_of(value) for name, value in values.items()}
    except (NotPlain, ArithmeticError, ValueError, TypeError, IndexError):
        return None
    return shown if all(readable(words, LONGEST_VALUE) for words in shown.values()) else None


def words_of(value):
    return f"raises {value.error}" if isinstance(value, Raises) else show(plain(value))


def whose_output(exercise, rng):
    """Four outputs for one input, to be matched with the programs; None if the exercise is too large."""
    cases = small_cases(exercise, rng)
    for position in rng.permutation(len(cases)):
        _, call, shown = cases[position]
        names = [m.name for m in exercise.mistakes]
        chosen, seen = [], {shown[""]}
        for name in (names[i] for i in rng.permutation(len(names))):
            if shown[name] not in seen and len(chosen) < 3:
                chosen.append(name)
                seen.add(shown[name])
        if len(chosen) < 3:
            continue
        says = {m.name: m.says for m in exercise.mistakes} | {"": "It is right."}
        programs, outputs = list(rng.permutation(["", *chosen])), list(rng.permutation(["", *chosen]))
        lines = [f"Four students ran their `{exercise.function}` on the same input:", code(call), ""]
        lines += ["Their outputs:", "", *(f"{i}. {code(shown[n], 3)}" for i, n in enumerate(outputs, 1)), ""]
        lines += ["And this is what their programs were told:", ""]
        lines += [f"* Program {'ABCD'[i]}: {says[n]}" for i, n in enumerate(programs)]
        name = f"whose-{exercise.function}"
        lines += ["", "Which program printed which output? Give four numbers: the output of A, B, C and D."]
        answer = [outputs.index(name) + 1 for name in programs]
        return Reserved(name, statement("Whose output?", lines, name, "[1, 2, 3, 4]"), answer)
    return None


def which_are_wrong(exercise, rng, count=6):
    """Six calls with results, some wrong; None if the exercise is too large."""
    rows = []
    for _, call, shown in small_cases(exercise, rng):
        wrong = sorted({words for name, words in shown.items() if name} - {shown[""]})
        if wrong and len(rows) < count:
            rows.append((call, shown[""], wrong[int(rng.integers(len(wrong)))]))
    if len(rows) < count:
        return None
    marks = rng.permutation([True] * 3 + [bool(rng.integers(2))] + [False] * 2)
    rows = [rows[i] for i in rng.permutation(count)]
    lines = [f"Six results of `{exercise.function}`, as its exercise describes it:", ""]
    for number, ((call, right, wrong), is_wrong) in enumerate(zip(rows, marks), 1):
        lines += [f"{number}. {code(call + chr(10) + '→ ' + (wrong if is_wrong else right), 3)}"]
    lines += ["", "Which of them are wrong? Give their numbers in a list."]
    answer = [number for number, is_wrong in enumerate(marks, 1) if is_wrong]
    name = f"wrong-{exercise.function}"
    return Reserved(name, statement("Which are wrong?", lines, name, "[1, 2]"), answer)


def code(text, indent=0):
    """A fenced block, indented to belong to a list's item."""
    space = " " * indent
    return f"\n{space}```text\n{space}" + text.replace("\n", f"\n{space}") + f"\n{space}```"


def statement(title, lines, name, example):
    variable, about = name.replace("-", "_"), name.partition("-")[2]
    body = "\n".join(lines)
    return f"### {title} `{about}`\n\n{body} (As in `{variable} = {example}`.)"
