"""What an assignment consists of: the problems, their points, the seed. Private: it holds the key."""

import ast
import importlib
import json
import pkgutil
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from pathlib import Path

from dlcourse.course import atomic, exercises, sources
from dlcourse.course.grading import reserved, written

CHECKED, RESERVED, WRITTEN = "checked", "reserved", "written"


@dataclass(frozen=True)
class Problem:
    """One thing that is graded. `expression` is what a check looks at; `answer` the key of a reserved one."""

    name: str
    kind: str
    title: str
    points: float
    expression: str = ""
    language: str = "python"
    text: str = ""
    answer: list | None = None
    rubric: tuple = ()

    def __post_init__(self):
        if isinstance(self.points, bool) or not self.points > 0:
            raise ValueError(f"{self.name}: expected points above 0, got {self.points}")


@dataclass(frozen=True)
class Plan:
    """An assignment: a chapter's problems as they were handed out with one seed."""

    chapter: str
    seed: int
    due: str
    problems: tuple

    @property
    def points(self):
        return sum(problem.points for problem in self.problems)

    @property
    def digest(self):
        return sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:16]


def expression_of(check):
    """What a check cell hands over: `softmax` of `check("softmax", softmax)`; empty for a Rust exercise."""
    for node in ast.walk(ast.parse(check)):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "check":
            return ast.unparse(node.args[1]) if len(node.args) > 1 else ""
    raise ValueError(f"expected a call of `check` in {check!r}")


def title_of(text):
    return text.strip().splitlines()[0].lstrip("# ").strip()


def make(slug, seed, *, points=None, without=(), due=""):
    """The plan of a chapter. `points` overrides some of them; `without` names problems to leave out."""
    found = []
    for source in sources.exercises(sources.read(slug)):
        words = {"name": source.name, "title": title_of(source.text), "points": source.points}
        expression = expression_of(sources.visible(source.check))
        found.append(Problem(**words, kind=CHECKED, expression=expression, language=source.language))
    for made in reserved.problems(slug, seed):
        words = {"name": made.name, "title": title_of(made.text), "text": made.text, "answer": made.answer}
        expression = made.name.replace("-", "_")
        found.append(Problem(**words, kind=RESERVED, points=reserved.POINTS, expression=expression))
    for asked in written.questions(slug):
        words = {"name": asked.name, "title": asked.title, "points": asked.points, "text": asked.text}
        found.append(Problem(**words, kind=WRITTEN, rubric=tuple(asked.rubric)))
    known = [problem.name for problem in found]
    if unknown := [name for name in [*(points or {}), *without] if name not in known]:
        raise ValueError(f"{slug}: expected names among {', '.join(known)}, got {', '.join(unknown)}")
    found = [replace(p, points=(points or {}).get(p.name, p.points)) for p in found if p.name not in without]
    return Plan(slug, seed, due, tuple(found))


def save(plan, path):
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    atomic.write(path, json.dumps(asdict(plan), indent=1, ensure_ascii=False) + "\n")


def load(path):
    """The plan that `save` wrote; ValueError where the file is damaged."""
    try:
        data = json.loads(Path(path).read_text("utf-8"))
        problems = [Problem(**{**row, "rubric": tuple(row["rubric"])}) for row in data.pop("problems")]
        return Plan(**data, problems=tuple(problems))
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path}: no record of a release ({error}); release the chapter again") from None


# --- Checks ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Test:
    """A problem with the cases of this plan, and the key to judge by."""

    problem: Problem
    exercise: exercises.Exercise
    cases: list
    key: object


def exercise_of(problem):
    """The entry behind a problem; for a reserved one it is made up: its answer is a plain list."""
    if problem.kind == CHECKED:
        return exercises.entry(problem.name, exercises.Exercise)
    return exercises.Exercise(
        name=problem.name,
        minutes=10,
        hints=("Read.", "Think.", "Try."),
        cases=lambda rng: [()],
        expected=lambda case: list(problem.answer),
        mistakes=(),
        call=lambda answer, case: answer,
        wants="value",
        any_number=True,
    )


def tests(plan):
    """{name: Test} of all that is graded by a program; the private cases depend on the plan's seed."""
    found = {}
    for problem in plan.problems:
        if problem.kind != WRITTEN:
            exercise = exercise_of(problem)
            cases = list(exercise.cases(reserved.rng_of(plan.seed, f"cases/{problem.name}")))
            found[problem.name] = Test(problem, exercise, cases, exercises.answer_key(exercise, cases))
    return found


def check_modules():
    """The modules that hold the chapters' checks: their code goes to the sandbox by value."""
    names = [module.name for module in pkgutil.iter_modules(exercises.__path__)]
    return [importlib.import_module(f"{exercises.__name__}.{n}") for n in names if not n.startswith("_")]
