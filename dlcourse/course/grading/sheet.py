"""A submission's cells, sorted by what they answer, whatever became of them on the way.

A cell belongs to an exercise by the id it was given, by its place between the exercise's text and check,
or because it defines what the check looks at. The set-up and the checks are the course's own: a student's
copies of them are not run.
"""

import re
from dataclasses import dataclass, field

from dlcourse.course import sources
from dlcourse.course.grading.plan import WRITTEN


@dataclass
class Step:
    """Cells that run together; then the answer of `name`, where there is one, is called."""

    name: str
    cells: list
    rust: str | None = None


@dataclass
class Sheet:
    """What the grader runs and reads of one submission."""

    steps: list
    answers: dict  # problem -> what the student wrote, for the record
    missing: list  # problems of which nothing was found
    notes: list = field(default_factory=list)


def part_of(cell, plan):
    """(problem's name, "text" | "code" | "check" | "written") by the names a cell carries; or (None, "")."""
    for problem in plan.problems:
        marks = {cell["grade_id"], re.sub(r"-\d+$", "", cell["id"])}
        for part in ("text", "code", "check", "written"):
            if f"{problem.name}-{part}" in marks:
                return problem.name, part
        if cell["name"] == problem.name:
            return problem.name, "code"
    return None, ""


def defines(problem, source):
    """Whether a cell defines what the problem's check looks at."""
    if problem.language == "rust":
        return bool(re.match(rf"\s*%%rust\b.*--lib[ =]{re.escape(problem.name)}\b", source))
    name = problem.expression
    if not name.isidentifier():
        return False
    return bool(re.search(rf"^(?:async )?(?:def|class) {name}\b|^{name}\b[^=\n(]*=(?!=)", source, re.M))


def owners(cells, plan):
    """For each cell the problem it answers or None, and for each whether it is to be run or left out."""
    found, left_out, current = [], [], None
    for cell in cells:
        name, part = part_of(cell, plan)
        if part == "text":
            current = name
        owner = name if part in ("code", "written") else current if cell["code"] and part == "" else None
        if part == "code":
            current = name
        if part == "check":
            current = None
        if owner is None or part == "":  # what it defines says more than where it stands
            by_content = [p.name for p in plan.problems if cell["code"] and defines(p, cell["source"])]
            owner = by_content[-1] if by_content and part == "" else owner
        found.append(owner)
        left_out.append(part in ("text", "check") or not cell["code"] and part != "written")
    return found, left_out


def sheet(cells, plan, stubs, setup):
    """Sort the cells read from a submission. stubs: problem -> its cell as handed out; setup: its sources."""
    owned, left_out = owners(cells, plan)
    problems = {problem.name: problem for problem in plan.problems}
    kept = {name: [] for name in problems}
    given = {text.strip() for text in setup}
    for number, owner in enumerate(owned):
        if owner and not left_out[number]:
            kept[owner].append(number)
    result = Sheet([], {}, [name for name, numbers in kept.items() if not numbers])
    for name, numbers in kept.items():
        if len(fresh := [n for n in numbers if cells[n]["source"].strip() != stubs[name].strip()]) > 0:
            kept[name] = fresh  # an untouched copy must not undo the answer
        if sum(part_of(cells[n], plan)[1] == "code" for n in numbers) > 1:
            result.notes.append(f"{name}: several cells carry its name; the last one that was changed counts")
        result.answers[name] = [cells[n]["source"] for n in kept[name]]
    last = {numbers[-1]: name for name, numbers in kept.items() if numbers}
    waiting = {name: [] for name in problems}
    for number, cell in enumerate(cells):
        name = owned[number]
        if left_out[number] or not cell["code"] or cell["source"].strip() in given:
            continue
        if name is None:
            result.steps.append(Step("", [cell["source"]]))
        elif number in kept[name]:
            waiting[name].append(cell["source"])
            if number in last:
                result.steps.append(step_of(problems[name], waiting[name]))
    return result


def step_of(problem, cells):
    """The step of a problem; of a Rust exercise only the cell itself is needed, and compiled when called."""
    if problem.kind == WRITTEN:
        return Step("", [])
    if problem.language == "python":
        return Step(problem.name, cells)
    named = [text for text in cells if defines(problem, text)] or [t for t in cells if sources.is_rust(t)]
    rust = named[-1].lstrip().partition("\n")[2] if named else None
    return Step(problem.name, [text for text in cells if not sources.is_rust(text)], rust)
