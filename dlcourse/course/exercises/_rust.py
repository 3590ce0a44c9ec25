"""Rust answers: append a generated `main` to the student's cell, compile, run, read one JSON list."""

import json
import re

from dlcourse.course import rust
from dlcourse.course.exercises._calling import MISFIT, OTHER, RAISED, TIME, UNSOLVED, Outcome

MAIN = re.compile(r"^\s*(pub\s+)?fn\s+main\s*\(", re.MULTILINE)
MOST_LINES = 14  # of rustc's or the panic's own words


def outcomes(exercise, source, cases):
    """Run the student's Rust source on all cases in one program; `source` None takes the kept cell.

    Raises rust.RustMissing where there is no compiler.
    """
    if source is None:
        try:
            source = rust.library(exercise.name)
        except LookupError:
            says = f"run the cell that starts with `%%rust --lib {exercise.name}` first"
            return [Outcome(problem=MISFIT, says=says)]
    if MAIN.search(source):
        says = "your cell has a `main` of its own: leave it out, the check brings one"
        return [Outcome(problem=MISFIT, says=says)]
    program = f"{source}\n\n{exercise.program(cases)}\n"
    return _read(rust.compile_and_run(program, timeout=exercise.seconds), len(cases))


def _read(result, count):
    """The outcomes of a program; one that tells of its failure where there is no list of results."""
    lines = result.stdout.strip().splitlines()
    if result.returncode == 0 and lines:
        try:
            values = json.loads(lines[-1])  # what the student's own code prints stands before
        except ValueError:
            values = None
        if type(values) is list and len(values) == count:
            return [Outcome(value=value) for value in values]
    return [Outcome(**_problem(result))]


def _problem(result):
    if "not yet implemented" in result.stderr:  # what `todo!()` says
        return {"problem": UNSOLVED}
    if not result.compiled:
        says = f"rustc rejects your cell:\n{_indented(result.stderr)}"
        return {"problem": MISFIT, "error": "compile", "says": says}
    if result.stopped:
        return {"problem": TIME, "says": f"your program {result.stopped}: is there a loop that never ends?"}
    if "panicked at" in result.stderr:
        _, _, message = result.stderr.partition("panicked at")
        where, words, *_ = *message.splitlines(), "", ""
        line = re.match(r" cell\.rs:(\d+)", where)
        place = f" in line {line[1]} of your cell" if line else ""
        return {"problem": RAISED, "error": "panic", "says": f"your code panicked{place}: {words.strip()}"}
    return {"problem": OTHER, "says": "the program ended without a result: does your code print or exit?"}


def _indented(text):
    return "\n".join("    " + line for line in text.strip().splitlines()[:MOST_LINES])
