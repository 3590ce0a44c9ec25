"""Outcomes in, points and words out: decided here, by the same checks that learners have."""

from dataclasses import asdict, dataclass

from dlcourse.course import exercises
from dlcourse.course.exercises._calling import UNSOLVED
from dlcourse.course.grading.plan import RESERVED, WRITTEN

RIGHT, WRONG, UNGRADED, BY_HAND = "right", "wrong", "ungraded", "by hand"
MISSING = "no cell of this exercise was found: deleted, or renamed"


@dataclass(frozen=True)
class Grade:
    """One problem of one submission. `score` is None where nothing could be said, and `says` tells why."""

    name: str
    status: str
    score: float | None
    says: str = ""
    mistake: str = ""

    asdict = asdict


def grade(problem, test, answer, missing):
    """The grade of one problem. answer: a running.Answer or None; missing: whether it has no cell."""
    if problem.kind == WRITTEN:
        return Grade(problem.name, BY_HAND, None, MISSING if missing else "graded by a person")
    if answer is None or answer.outcomes is None:
        reason = MISSING if missing else answer.reason if answer else "it was not run"
        return Grade(problem.name, UNGRADED, None, reason)
    untouched = problem.kind == RESERVED and [o.value for o in answer.outcomes] == [[]]
    if untouched or any(outcome.problem == UNSOLVED for outcome in answer.outcomes):
        return Grade(problem.name, WRONG, 0.0, "not solved yet")
    if not answer.outcomes:
        return Grade(problem.name, WRONG, 0.0, "your answer returned nothing that can be read")
    verdict = exercises.judge(test.exercise, answer.outcomes, test.cases, test.key)
    if verdict.passed:
        return Grade(problem.name, RIGHT, float(problem.points))
    says = "not the right numbers" if problem.kind == RESERVED else headline(verdict, problem.name)
    if answer.trouble and problem.kind != RESERVED:
        says += f" (when your cell ran: {answer.trouble[:300]})"
    return Grade(problem.name, WRONG, 0.0, says, verdict.mistake or "")


def headline(verdict, name):
    """The diagnosis without the private case it was found with."""
    return verdict.text.splitlines()[0].removeprefix(f"✗ {name}: ")
