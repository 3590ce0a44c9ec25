"""A submission's cells in, the outcomes of its answers out: all of it happens in the sandbox.

Where the student's code takes the interpreter down, a new one goes on with the next exercise.
"""

import json
import re
import sys
import time
from dataclasses import dataclass
from types import SimpleNamespace

import cloudpickle

from dlcourse.course.exercises import NotPlain, Outcome
from dlcourse.course.exercises._calling import MISFIT, OTHER, RAISED, TIME, TYPE, UNSOLVED
from dlcourse.course.exercises._values import decode, plain
from dlcourse.course.grading.plan import check_modules
from dlcourse.course.grading.sandbox import INSIDE, Session, Stopped

START, CELLS, COMPILE = 180, 60, 60  # seconds: for the set-up, for the cells of a step, for rustc
PROBLEMS = {"", UNSOLVED, TIME, RAISED, TYPE, MISFIT, OTHER}
DTYPE = re.compile(r"[<>|=]?(?:b1|[iu][1248]|f(?:2|4|8|16)|c(?:8|16|32)|U\d{1,4})")
ENDED = "its code ended the interpreter"
TASK = ("name", "function", "language", "wants", "seconds", "mutates", "call")
MOST_BYTES = 2**28  # of one array


@dataclass(frozen=True)
class Answer:
    """What came of one exercise: outcomes, or the reason why there are none."""

    outcomes: list | None
    reason: str = ""
    trouble: str = ""  # what went wrong when its cells ran


def program(file, unsafe=False):
    """The command that runs one of the programs in inside/."""
    return [sys.executable, str(INSIDE / file) if unsafe else f"/grader/{file}"]


def read(data, **options):
    """What inside/read_notebook.py makes of a submitted file: a dict, with `reason` where it failed."""
    command = program("read_notebook.py", options.get("unsafe", False))
    with Session([command[0], "-I", "-S", command[1]], data, **options) as session:
        try:
            line = session.line(120)
        except Stopped as stopped:
            return {"reason": f"reading its file {stopped}"}
    try:
        found = json.loads(line or b"")
        return found if isinstance(found, dict) else {"reason": "its file cannot be read"}
    except ValueError:
        return {"reason": "its file cannot be read: it is too large"}


def job(setup, steps, tests):
    """The pickle that inside/run_answers.py takes. The checks' `call` goes along, what is right does not."""
    for module in check_modules():
        cloudpickle.register_pickle_by_value(module)
    rows = []
    for step in steps:
        exercise = task(tests[step.name]) if step.name in tests else None
        rows.append({"cells": step.cells, "rust": step.rust, "exercise": exercise})
    return cloudpickle.dumps({"setup": setup, "steps": rows})


def task(test):
    """Of a test, what the sandbox needs to know."""
    e = test.exercise
    words = {name: getattr(e, name) for name in TASK}
    main = e.program(test.cases) if e.language == "rust" else ""
    return SimpleNamespace(**words, cases=test.cases, main=main, expression=test.problem.expression)


def run(setup, steps, tests, *, seconds=600, **options):
    """{name: Answer} for the steps that have an exercise. options: as for Session."""
    deadline, found, steps, suspects = time.monotonic() + seconds, {}, list(steps), set()
    while any(step.name in tests and step.name not in found for step in steps):
        left = deadline - time.monotonic()
        if left < 1:
            reason = f"the submission used up its {seconds / 60:g} minutes"
            return found | nothing(steps, tests, found, reason)
        again = [s if s.name not in found else type(s)("", s.cells) for s in steps]
        ended = _one_interpreter(job(setup, again, tests), again, tests, found, deadline, options)
        if ended is None:
            break
        number, reason = ended
        if number < 0:  # the set-up itself did not end
            return found | nothing(steps, tests, found, reason)
        if reason == ENDED and number not in suspects and found:
            suspects.add(number)  # an earlier answer may have left a trap: alone, it gets another try
            continue
        if steps[number].name in tests:
            found.setdefault(steps[number].name, Answer(None, reason))
        steps[number] = type(steps[number])("", [])  # the next interpreter leaves it out
    return found | nothing(steps, tests, found, ENDED)


def nothing(steps, tests, found, reason):
    """Answers that say why there is none, for the exercises not yet found."""
    return {s.name: Answer(None, reason) for s in steps if s.name in tests and s.name not in found}


def _one_interpreter(data, steps, tests, found, deadline, options):
    """Fill `found` as far as one interpreter lives; (number of the step that ended it, why), or None."""
    number, patience = -1, START
    with Session(program("run_answers.py", options.get("unsafe", False)), data, **options) as session:
        try:
            while line := session.line(max(1, min(patience, deadline - time.monotonic()))):
                row = _row(line, len(steps))
                if row is None:
                    continue
                name = steps[row["step"]].name if row["step"] >= 0 else ""
                number, patience = max(row["step"], number), CELLS
                if row.get("phase") == "calls" and name in tests:
                    patience = tests[name].exercise.seconds * len(tests[name].cases) + COMPILE
                if "outcomes" in row and name in tests:
                    trouble = str(row.get("trouble", ""))[:1000]
                    found.setdefault(name, Answer(outcomes(row["outcomes"]), trouble=trouble))
                    number += 1  # what ends the interpreter from here on is not this step's doing
        except Stopped as stopped:
            return min(number, len(steps) - 1), f"its code {stopped}"
        status = session.process.wait()
        said = session.errors().strip().splitlines()
    if status == 0 and number >= len(steps) - 1:
        return None
    if number < 0:
        return -1, f"the sandbox did not start: {said[-1][:200] if said else f'status {status}'}"
    return min(number, len(steps) - 1), ENDED


def _row(line, steps):
    """One line from the sandbox, None where it is not one of ours."""
    try:
        row = json.loads(line)
        number = row.get("step")
    except (ValueError, AttributeError, RecursionError):
        return None
    return row if type(number) is int and -1 <= number < steps else None


# --- Values from outside ---------------------------------------------------------------------------------


def outcomes(data):
    """The outcomes a sandbox sent, each of them plain data within bounds, whatever it sent."""
    if not isinstance(data, list) or len(data) > 10_000:
        return [Outcome(problem=OTHER, says="your answer returned nothing that can be read")]
    return [_outcome(row) for row in data]


def _outcome(row):
    try:
        texts = {name: str(row[name])[:2000] for name in ("says", "error", "printed")}
        if row["problem"] not in PROBLEMS:
            raise ValueError(row["problem"])
        _bounded(row["value"], 60)
        value = plain(decode(row["value"]))
        return Outcome(value=value, problem=row["problem"], mutated=row["mutated"] is True, **texts)
    except NotPlain as error:
        return Outcome(problem=OTHER, says=f"your answer returned {error}")
    except Exception:  # foreign data: whatever is wrong with it, it is no answer
        return Outcome(problem=OTHER, says="your answer returned nothing that can be read")


def _bounded(data, depth):
    """ValueError for encoded arrays whose dtype or size would cost more than was sent."""
    if depth < 0:
        raise ValueError("nested too deeply")
    if type(data) is dict and "dtype" in data:
        width = DTYPE.fullmatch(data["dtype"])
        texts = [len(item) for item in data["array"] if type(item) is str]
        if not width or len(data["array"]) * 4 * (max(texts, default=4) + 1) > MOST_BYTES:
            raise ValueError("an array of another kind")
    for item in data if type(data) is list else data.values() if type(data) is dict else ():
        if type(item) in (list, dict):
            _bounded(item, depth - 1)
