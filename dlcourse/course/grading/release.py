"""The notebook for students: set-up, exercises, reserved problems, written questions; no answer in it."""

import copy
import re

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell

from dlcourse.course import sources
from dlcourse.course.grading.plan import CHECKED, RESERVED, WRITTEN

GIVEN = {"schema_version": 3, "task": False}
TEXT = GIVEN | {"grade": False, "locked": True, "solution": False}
CODE = GIVEN | {"grade": False, "locked": False, "solution": True}
CHECK = GIVEN | {"grade": True, "locked": True, "solution": False}
ESSAY = GIVEN | {"grade": True, "locked": False, "solution": True}
RULES = """# {title}

Work through the exercises in any order and run each check; what it says is advice. The grade comes from
running your answers on other inputs. Leave the cells' order and names as they are, and save before you
hand in.{due}"""


def notebook(plan):
    """The notebook that students get."""
    chapter = sources.read(plan.chapter)
    result = sources.released(sources.assignment(chapter))
    points = {problem.name: problem.points for problem in plan.problems if problem.kind == CHECKED}
    result.cells = [cell for cell in result.cells if name_of(cell) in ("", *points)]
    for cell in result.cells:
        cell.metadata.pop("points", None)
        if sources.role(cell) == sources.CHECK:
            cell.metadata.nbgrader.points = points[name_of(cell)]
    for problem in plan.problems:
        make = {RESERVED: reserved_cells, WRITTEN: written_cells}.get(problem.kind)
        result.cells += make(problem) if make else []
    rules = RULES.format(title=title_of(chapter), due=due(plan))
    result.cells.insert(0, new_markdown_cell(rules, id="rules"))
    nbformat.validate(result)
    return result


def title_of(chapter):
    """The chapter's own title."""
    texts = (cell.source for cell in chapter.cells if cell.cell_type == "markdown")
    heads = (line[2:] for text in texts for line in text.splitlines() if line.startswith("# "))
    return next(heads, "Assignment")


def due(plan):
    return f" Due: {plan.due}." if plan.due else ""


def name_of(cell):
    """The exercise a cell belongs to; empty for the others."""
    return cell.metadata.get("nbgrader", {}).get("grade_id", "").rpartition("-")[0]


def reserved_cells(problem):
    """Statement, a cell for the answer, and a check of its form: what is right stands elsewhere."""
    name, variable = problem.name, problem.expression
    form = f"assert all(type(number) is int for number in {variable})  # graded after the deadline"
    rows = [
        (new_markdown_cell(problem.text), sources.TEXT, TEXT | {"cell_type": "markdown"}),
        (new_code_cell(f"{variable} = []"), sources.SOLUTION, CODE),
        (new_code_cell(form), sources.CHECK, CHECK | {"points": problem.points}),
    ]
    for cell, tag, nbgrader in rows:
        cell.metadata = {"tags": [tag], "nbgrader": nbgrader | {"grade_id": f"{name}-{sources.SUFFIX[tag]}"}}
        cell.id = cell.metadata.nbgrader.grade_id[:64]
    rows[1][0].metadata["name"] = name
    return [cell for cell, *_ in rows]


def written_cells(problem):
    """The question, and a cell to answer it in."""
    question = new_markdown_cell(f"### {problem.title}\n\n{problem.text}", id=f"{problem.name}-text")
    question.metadata["nbgrader"] = TEXT | {"grade_id": f"{problem.name}-text", "cell_type": "markdown"}
    answer = new_markdown_cell("*Your answer:*", id=f"{problem.name}-written")
    answer.metadata["nbgrader"] = ESSAY | {"grade_id": f"{problem.name}-written", "points": problem.points}
    return [question, answer]


def stubs(released):
    """{problem: the source of the cell for its answer, as it was handed out}, and the set-up's sources."""
    found = {}
    for cell in released.cells:
        if cell.metadata.get("nbgrader", {}).get("solution"):
            found[name_of(cell)] = cell.source
    setup = [c.source for c in released.cells if c.cell_type == "code" and "setup" in sources.tags(c)]
    return found, setup


def without_tags(text):
    """A written answer without HTML, which formgrader would run with the grader's rights: `< b>`, no tag."""
    return re.sub(r"<(?=[A-Za-z/!?])", "< ", text)


def record(released, answers, words, rubrics):
    """The notebook that graders and nbgrader see: answers in the released order, with verdicts."""
    result = copy.deepcopy(released)
    cells = []
    for cell in result.cells:
        name, nbgrader = name_of(cell), cell.metadata.get("nbgrader", {})
        if nbgrader.get("solution") and name in answers:
            cell.source = "\n\n".join(answers[name])
            if cell.cell_type == "markdown":
                cell.source = without_tags(cell.source)
        cells.append(cell)
        if nbgrader.get("grade") and cell.cell_type == "code":
            cell.outputs = [nbformat.v4.new_output("stream", name="stdout", text=words.get(name, "") + "\n")]
        if name in rubrics and nbgrader.get("grade"):
            cells.append(new_markdown_cell(rubrics[name], id=f"{name}-rubric"[:64]))
    result.cells = cells
    return result
