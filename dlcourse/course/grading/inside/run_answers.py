"""Inside the sandbox: a job in (a pickle on stdin), a line of JSON out for every step.

A step is some of the student's cells and, most often, the exercise whose answer they define. The answer is
called on each case; what it returns goes out as plain data and is judged elsewhere. The student's code can
reach everything here: that is why nothing here decides anything.
"""

import ast
import contextlib
import json
import os
import pickle
import sys

from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from dlcourse.course import exercises
from dlcourse.course.exercises import Outcome
from dlcourse.course.exercises._calling import MISFIT, TimeUp, quiet, time_limit

CELL_SECONDS = 20


def nothing(*arguments, **options):
    """What `check`, `hint` and the like do here."""


def shell():
    """An IPython without history, in which the student's cells run as in a notebook."""
    for name in ("check", "hint", "about", "selfcheck"):
        setattr(exercises, name, nothing)
    settings = Config(HistoryManager={"enabled": False}, InteractiveShell={"colors": "nocolor"})
    return InteractiveShell.instance(config=settings)


def compiles(ipython, source):
    try:
        ast.parse(ipython.transform_cell(source))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def mended(ipython, cells):
    """Cells as they run: pieces of a split one, which make sense only together, are joined again."""
    result, position = [], 0
    while position < len(cells):
        end = position + 1
        if not compiles(ipython, cells[position]):
            longer = range(position + 2, min(len(cells), position + 4) + 1)
            fits = (stop for stop in longer if compiles(ipython, "\n".join(cells[position:stop])))
            end = next(fits, end)
        result.append("\n".join(cells[position:end]))
        position = end
    return result


def run(ipython, source, seconds=CELL_SECONDS):
    """Run one cell; the words for what went wrong, or nothing."""
    with quiet():
        try:
            with time_limit(seconds):
                result = ipython.run_cell(source, store_history=False)
            error = result.error_before_exec or result.error_in_exec
        except BaseException as raised:  # what the student's cell may raise, SystemExit included
            error = raised
    if isinstance(error, TimeUp):
        return f"a cell did not end within {seconds} s"
    if error is None or isinstance(error, NotImplementedError):
        return ""
    with contextlib.suppress(Exception):
        return f"{type(error).__name__}: {str(error).splitlines()[0][:200]}"
    return type(error).__name__


def answered(ipython, exercise, rust, trouble):
    """The outcomes of one exercise."""
    if exercise.language == "rust":
        if rust is None:
            return [Outcome(problem=MISFIT, says=f"there is no cell `%%rust --lib {exercise.name}`")]
        exercise.program = lambda cases: exercise.main
        return exercises.outcomes(exercise, rust, exercise.cases)
    try:
        answer = eval(exercise.expression, ipython.user_ns)  # noqa: S307 - the check's own words
    except BaseException as error:
        says = trouble or f"{type(error).__name__}: {error}"
        return [Outcome(problem=MISFIT, says=f"no `{exercise.expression}` was defined ({says})"[:400])]
    return exercises.outcomes(exercise, answer, exercise.cases)


def main():
    results = os.fdopen(os.dup(1), "w", encoding="utf-8")
    job = pickle.load(sys.stdin.buffer)
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)

    def say(**line):
        results.write(json.dumps(line) + "\n")
        results.flush()

    ipython = shell()
    failed = [trouble for source in job["setup"] if (trouble := run(ipython, source, seconds=120))]
    say(step=-1, trouble=" / ".join(failed))
    for number, step in enumerate(job["steps"]):
        say(step=number, phase="cells")
        found = [trouble for cell in mended(ipython, step["cells"]) if (trouble := run(ipython, cell))]
        if step["exercise"] is None:
            continue
        say(step=number, phase="calls")
        outcomes = answered(ipython, step["exercise"], step["rust"], "; ".join(found))
        say(step=number, trouble="; ".join(found)[:1000], outcomes=exercises.to_json(outcomes))


if __name__ == "__main__":
    main()
    os._exit(0)  # whatever threads the student's code has left behind
