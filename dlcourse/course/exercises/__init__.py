'''Exercises and self-checks: `check`, `hint`, `about`, `selfcheck`, and the entries they work from.

Every module here without a leading underscore belongs to one chapter (`perceptron_xor.py` to
`07_perceptron_xor`) and exports `ENTRIES`, a tuple of entries. Statement and solution stand in the
chapter's `.md` alone. One complete entry of each kind:

    def soft_step_cases(rng):
        """A case is the tuple of the answer's arguments; put cases that expose the mistakes among them."""
        return [(np.zeros(2),), (np.array([1000.0, -1000.0]),), (rng.normal(size=(3, 2)),)]

    def soft_step_right(case):
        (z,) = case
        return 0.5 * (1 + np.tanh(z / 2))

    Exercise(
        name="soft_step",                 # the name of the solution cell, and of the function
        difficulty=2, minutes=10, source="B5.3", read="Section 3, *Smooth units*",
        hints=("Which values can it take?", "It is 1 / (1 + exp(-z)).", "exp overflows: use tanh(z / 2)."),
        cases=soft_step_cases,            # rng -> list of cases
        expected=soft_step_right,         # case -> plain value: number, text, array, list, tuple, dict
        mistakes=(                        # what each known mistake returns, and the words for it
            Mistake(name="sign", value=lambda case: soft_step_right((-case[0],)),
                    says="your curve falls: check the sign of z in the exponent"),
            Mistake(name="hard", value=lambda case: (case[0] >= 0).astype(float),
                    says="this is the hard step: the exercise asks for the smooth one"),
            Mistake(name="overflow", says="exp overflows for large |z|: rewrite it with tanh",
                    value=lambda case: np.where(abs(case[0]) > 700, np.nan, soft_step_right(case))),
        ),
        rtol=1e-7, atol=1e-9,             # these are the defaults, as are all of the following
        call=lambda answer, case: answer(*case),
        wants="function",                 # or "class", or "value": what `check(name, answer)` receives
        any_number=False,                 # True: 1, 1.0 and True count as the same answer
        mutates=False,                    # True: the answer is meant to change its arguments
        seconds=5,                        # the limit of one call
    )

A mistake that raises has `value=lambda case: Raises("ValueError")`. With `wants="value"` the cases are the
inputs on which the value is tried: `call=lambda weights, case: step(np.dot(weights, case))`.
A Rust exercise; the student's cell starts with `%%rust --lib soft_step`, the check is `check("soft_step")`:

    Exercise(
        name="soft_step", language="rust", difficulty=2, minutes=15, hints=(...), mistakes=(...),
        cases=lambda rng: [(z,) for z in (0.0, 1.5, -2.0)],
        expected=lambda case: 1 / (1 + math.exp(-case[0])),
        program=lambda cases: """
    fn main() {
        let results: Vec<String> = [%s].iter().map(|&z: &f64| format!("{:?}", soft_step(z))).collect();
        println!("[{}]", results.join(","));
    }""" % ", ".join(f"{z}f64" for (z,) in cases),    # prints one JSON list: one result per case, in order
    )

Self-checks; `selfcheck(name)` as the last line of a cell displays one:

    Choice(name="xor-why", question="Why can no line separate XOR?", options=(
        Option(text="The classes overlap.", says="No point carries both labels."),
        Option(text="The segments between equals cross.", says="So does every line.", right=True)))
    Order(name="train-steps", question="One step of training:", steps=(
        ("forward", "The loss needs a prediction."), ("backward", "Gradients need the loss."),
        ("update", "The step needs the gradients.")))
    Match(name="gates", question="Which bias makes which gate?", pairs=(
        ("AND", "-1.5", "Both inputs must be on."), ("OR", "-0.5", "One input is enough.")))
    Predict(name="step-at-0", question="What does this print?", code="print(int(0 >= 0))", answer="1",
            says="step(0) is 1 by definition.", wrong={"0": "The comparison is >=, not >."})
'''

import importlib
import pkgutil

from dlcourse.course.exercises._calling import MISFIT, Outcome, from_json, misfit, to_json
from dlcourse.course.exercises._calling import outcomes as _python_outcomes
from dlcourse.course.exercises._entry import (
    Choice,
    Entry,
    Exercise,
    Match,
    Mistake,
    Option,
    Order,
    Predict,
    Raises,
)
from dlcourse.course.exercises._judging import Verdict, answer_key, cases_of, judge
from dlcourse.course.exercises._values import NotPlain

__all__ = [
    "CheckFailed",
    "Choice",
    "Entry",
    "Exercise",
    "Match",
    "Mistake",
    "NotPlain",
    "Option",
    "Order",
    "Outcome",
    "Predict",
    "Raises",
    "Verdict",
    "about",
    "answer_key",
    "cases_of",
    "chapter_of",
    "check",
    "entries",
    "entry",
    "from_json",
    "hint",
    "judge",
    "outcomes",
    "selfcheck",
    "to_json",
    "verdict",
]
_NOTHING = object()


class CheckFailed(AssertionError):
    """An answer that is not right yet; IPython shows its message alone, without a traceback."""

    def _render_traceback_(self):
        return str(self).splitlines()


def entries(chapter=None):
    """All entries, or those of one chapter: its slug ("07_perceptron_xor") or module ("perceptron_xor")."""
    names = [module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_")]
    if chapter is not None:
        names = [name for name in names if name == chapter or name == chapter.partition("_")[2]]
    return tuple(entry for name in names for entry in importlib.import_module(f"{__name__}.{name}").ENTRIES)


def chapter_of(name):
    """The module ("perceptron_xor") that holds the entry; KeyError where there is none."""
    for module in pkgutil.iter_modules(__path__):
        if not module.name.startswith("_") and any(e.name == name for e in entries(module.name)):
            return module.name
    raise KeyError(name)


def entry(name, kind=Entry):
    """The entry of that name; ValueError names the closest ones where there is none of this kind."""
    known = {e.name: e for e in entries() if isinstance(e, kind)}
    if name not in known:
        import difflib

        close = difflib.get_close_matches(str(name), known, n=3, cutoff=0.4)
        meant = f"; did you mean {' or '.join(map(repr, close))}?" if close else ""
        wanted = "an exercise" if kind is Exercise else "an entry" if kind is Entry else "a self-check"
        raise ValueError(f"expected the name of {wanted}, got {name!r}{meant}")
    return known[name]


def outcomes(exercise, answer, cases):
    """Call the answer on every case: what a grader runs in the sandbox. For Rust, `answer` is the source."""
    if exercise.language == "rust":
        from dlcourse.course.exercises import _rust

        return _rust.outcomes(exercise, answer, cases)
    reason = misfit(exercise, answer)
    return [Outcome(problem=MISFIT, says=reason)] if reason else _python_outcomes(exercise, answer, cases)


def verdict(exercise, answer=None, seed=None):
    """Call and judge, without a word on the screen and without a mark in the progress file."""
    cases = cases_of(exercise, seed)
    key = answer_key(exercise, cases)  # before the student's code can patch NumPy
    return judge(exercise, outcomes(exercise, answer, cases), cases, key)


def check(name, answer=_NOTHING):
    """Check an answer at once: prints a line that starts with ✓, or raises CheckFailed with a diagnosis.

    answer: the function (class, value) itself; not needed for a Rust exercise. Returns None.
    """
    exercise = entry(name, Exercise)
    if answer is _NOTHING:
        if exercise.language == "python":
            raise CheckFailed(f'✗ {name}: expected your answer as well: check("{name}", {exercise.function})')
        answer = None
    if reason := _unavailable(exercise):
        print(f"{name}: not checked. {reason}")
        return
    result = verdict(exercise, answer)
    note = _record(name, result.passed)
    if not result.passed:
        raise CheckFailed(result.text)
    print(result.text + note)


def _unavailable(exercise):
    """Why nothing can be said about an answer on this machine: there is no Rust; empty where there is."""
    if exercise.language == "rust":
        from dlcourse.course.rust import RustMissing, rustc_version

        try:
            rustc_version()
        except RustMissing as missing:
            return str(missing)
    return ""


def _record(name, passed):
    from dlcourse.course import progress

    try:
        progress.record(name, passed)
    except OSError as error:  # a read-only disk must not fail a right answer
        return f"\n  (progress not saved: {error.strerror or error})"
    return ""


def hint(name):
    """Print the next of the exercise's three hints; once all were shown, all of them again."""
    from dlcourse.course import progress

    exercise = entry(name, Exercise)
    try:
        number = progress.next_hint(name)
    except OSError as error:
        print(f"(progress not saved: {error.strerror or error})")
        number = 4
    shown = enumerate(exercise.hints, 1) if number > 3 else [(number, exercise.hints[number - 1])]
    for i, text in shown:
        print(f"Hint {i} of 3 for {name}: {text}")


def about(name):
    """Print in one line how hard an entry is, how long it takes, where it comes from and where to read."""
    e = entry(name)
    print(f"{name}: {e.facts}" + (f"; read {e.read}" if e.read else ""))


def selfcheck(name):
    """The self-check of that name, to be the last line of a cell: it answers in the page, kernel or not."""
    from dlcourse.course.exercises._quiz import Page

    return Page(entry(name, Choice | Order | Match | Predict))
