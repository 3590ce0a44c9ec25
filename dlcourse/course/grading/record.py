"""nbgrader's gradebook and folders: the record, which `nbgrader formgrader` shows and people complete.

Only what a program can say is written here; points that a person gave stay. An ungraded problem has no
automatic score and waits for a person, as a written answer does: never a silent 0.
"""

import contextlib
import json
import logging
import os
import sys
import warnings
from pathlib import Path

import nbformat

from dlcourse.course import atomic
from dlcourse.course.grading import release
from dlcourse.course.grading.plan import WRITTEN

CONFIG = """# For nbgrader's formgrader: `jupyter lab` in this folder.
import os

c = get_config()  # noqa: F821
c.CourseDirectory.root = os.path.dirname(os.path.abspath(__file__))
c.CourseDirectory.course_id = "dlcourse"
"""


def grade_id(problem):
    return f"{problem.name}-{'written' if problem.kind == WRITTEN else 'check'}"


@contextlib.contextmanager
def gradebook(folder):
    """The course's gradebook, opened; nbgrader and its database library are loud about harmless things."""
    with warnings.catch_warnings(), own_programs():
        warnings.simplefilter("ignore")
        from nbgrader.api import Gradebook

        logging.getLogger("alembic").setLevel(logging.WARNING)
        book = Gradebook(f"sqlite:///{folder.path.resolve()}/gradebook.db", course_id="dlcourse")
        try:
            yield book
        finally:
            book.close()


@contextlib.contextmanager
def own_programs():
    """nbgrader starts alembic by its name: the one beside this Python."""
    before = os.environ.get("PATH", "")
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{before}"
    try:
        yield
    finally:
        os.environ["PATH"] = before


def set_up(folder):
    """nbgrader's configuration, unless the instructor has one already."""
    path = folder.path / "nbgrader_config.py"
    if not path.exists():
        atomic.write(path, CONFIG)


def add_assignment(book, assignment):
    """Assignment, notebook and cells as they were released; what exists is brought up to date."""
    plan = assignment.plan
    due = {"duedate": plan.due} if plan.due else {}
    book.update_or_create_assignment(plan.chapter, **due)
    book.update_or_create_notebook(plan.chapter, plan.chapter)
    for problem in plan.problems:
        kind = "markdown" if problem.kind == WRITTEN else "code"
        words = {"max_score": problem.points, "cell_type": kind}
        book.update_or_create_grade_cell(grade_id(problem), plan.chapter, plan.chapter, **words)
        solution = grade_id(problem) if problem.kind == WRITTEN else f"{problem.name}-code"
        book.update_or_create_solution_cell(solution, plan.chapter, plan.chapter)
    for cell in assignment.notebook.cells:
        nbgrader = cell.metadata.get("nbgrader")
        if nbgrader:
            words = {"source": cell.source, "cell_type": cell.cell_type, "locked": nbgrader["locked"]}
            book.update_or_create_source_cell(nbgrader["grade_id"], plan.chapter, plan.chapter, **words)


def add_result(book, assignment, student, graded):
    """The scores of one submission. Where it has changed since, a person's points wait to be confirmed."""
    plan = assignment.plan
    book.update_or_create_student(student)
    known = [s for s in book.assignment_submissions(plan.chapter) if s.student.id == student]
    before = known[0].timestamp if known else None
    submission = book.update_or_create_submission(plan.chapter, student, timestamp=graded["handed_in"])
    changed = before is not None and before != submission.timestamp
    grades = {row["name"]: row for row in graded["grades"]}
    for problem in plan.problems:
        grade = book.find_grade(grade_id(problem), plan.chapter, plan.chapter, student)
        grade.auto_score = grades[problem.name]["score"]
        waits = grade.auto_score is None and (grade.manual_score is None or changed)
        grade.needs_manual_grade = waits
    book.db.commit()


def write_notebook(folder, assignment, student, graded):
    """autograded/STUDENT/CHAPTER/CHAPTER.ipynb: what formgrader shows."""
    plan = assignment.plan
    grades = {row["name"]: row for row in graded["grades"]}
    words = {name: in_words(row) for name, row in grades.items()}
    rubrics = {p.name: rubric(p) for p in plan.problems if p.kind == WRITTEN}
    notebook = release.record(assignment.notebook, graded["answers"], words, rubrics)
    path = folder.path / "autograded" / student / plan.chapter / f"{plan.chapter}.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    text = nbformat.writes(notebook) + "\n"
    if not path.exists() or path.read_text("utf-8") != text:
        atomic.write(path, text)


def in_words(row):
    if row["status"] == "right":
        return "✓ right"
    return f"ungraded, because {row['says']}" if row["score"] is None else f"✗ {row['says']}"


def rubric(problem):
    lines = [f"* {points:g}: {words}" for points, words in problem.rubric]
    return "\n".join(["**Rubric** (graders only)", "", *lines])


def sync(folder, assignments, results):
    """Bring the gradebook and nbgrader's folders up to date with the results."""
    set_up(folder)
    with gradebook(folder) as book:
        for assignment in assignments.values():
            add_assignment(book, assignment)
        for result in results:
            book.update_or_create_student(result["student"])
            for slug, graded in result["assignments"].items():
                add_result(book, assignments[slug], result["student"], graded)
                write_notebook(folder, assignments[slug], result["student"], graded)


def scores(folder, assignments, results):
    """{(student, chapter): {problem: (score or None, waits for a person, comment)}}, from the gradebook."""
    found = {}
    with gradebook(folder) as book:
        for result in results:
            for slug in result["assignments"]:
                rows, plan = {}, assignments[slug].plan
                notebook = book.find_submission_notebook(slug, slug, result["student"])
                grades = {grade.name: grade for grade in notebook.grades}
                comments = {comment.name: comment.comment or "" for comment in notebook.comments}
                for problem in plan.problems:
                    grade = grades[grade_id(problem)]
                    score = grade.auto_score if grade.manual_score is None else grade.manual_score
                    score = None if score is None else score + (grade.extra_credit or 0)
                    cell = grade_id(problem) if problem.kind == WRITTEN else f"{problem.name}-code"
                    rows[problem.name] = score, bool(grade.needs_manual_grade), comments.get(cell, "")
                found[result["student"], slug] = rows
    return found


def dump(path):
    """All that matters in a gradebook, to compare two of them."""
    import sqlite3

    query = """select sa.student_id, a.name, b.name, g.auto_score, g.manual_score, g.needs_manual_grade
        from grade g join base_cell b on g.cell_id = b.id join submitted_notebook sn on g.notebook_id = sn.id
        join submitted_assignment sa on sn.assignment_id = sa.id join assignment a on sa.assignment_id = a.id
        order by 1, 2, 3"""
    with contextlib.closing(sqlite3.connect(f"file:{Path(path)}?mode=ro", uri=True)) as connection:
        return json.loads(json.dumps(connection.execute(query).fetchall()))
