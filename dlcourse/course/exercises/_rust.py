"""Rust answers: append a generated `main` to the student's cell, compile, run, read one JSON list."""

import json
import re

from dlcourse.course import rust
from dlcourse.course.exercises._calling import OTHER, RAISED, TIME, UNSOLVED, Outcome

MAIN = re.compile(r"^\s*(pub\s+)?fn\s+main\s*\(", re.MULTILINE)


def outcomes(exercise, source, cases):
    """Run the student's Rust source on all cases in one program; `source` None takes the kept cell."""
    if source is None:
        try:
            source = rust.library(exercise.name)
        except KeyError:
            says = f"run the cell that starts with `%%rust --lib {exercise.name}` first"
            return [Outcome(problem=OTHER, says=says)]
    if MAIN.search(source):
        return [Outcome(problem=OTHER, says="your cell has a `main` of its own: leave it out, the check brings one")]
    program = f"{source}\n\n{exercise.program(cases)}\n"
    return _read(exercise, rust.compile_and_run(program, timeout=exercise.seconds), len(cases))


def _read(exercise, result, count):
    lines = result.stdout.strip().splitlines()
    if result.returncode == 0 and lines:
        try:
            values = json.loads(lines[-1])  # what the student's own code prints stands before
        except ValueError:
            values = None
        if type(values) is list and len(values) == count:
            return [Outcome(value=value) for value in values]
    return [Outcome(**_problem(exercise, result))]


def _problem(exercise, result):
    if "not yet implemented" in result.stderr:  # what `todo!()` says
        return {"problem": UNSOLVED}
    message = result.stderr.strip().splitlines()
    if any(line.startswith("error") for line in message):
        return {"problem": RAISED, "error": "compile", "says": "rustc rejects your cell:\n" + _indent(message, 12)}
    panic = [i for i, line in enumerate(message) if "panicked at" in line]
    if panic:
        says = "your code panicked: " + " ".join(line.strip() for line in message[panic[0] + 1 : panic[0] + 2])
        return {"problem": RAISED, "error": "panic", "says": says}
    return {"problem": OTHER, "says": "the program ended without a result: does your code print or exit?"}


def _indent(lines, most):
    return "\n".join("    " + line for line in lines[:most])
