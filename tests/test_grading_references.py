"""Released, solved as the authors do, graded in the sandbox: full marks; handed in as released: none.

A dozen exercises of as many chapters in `make test`, every exercise of every chapter in `make test-slow`.
"""

import csv
import json

import nbformat
import pytest

from dlcourse.course import sources
from dlcourse.course.grading import plan
from dlcourse.course.grading.commands import grade, release
from tests.grading_class import perfect
from tests.test_grading_class import available

CHAPTERS = sources.chapters()
DOZEN = [CHAPTERS[number * len(CHAPTERS) // 12] for number in range(12)]
SEED = 20

pytestmark = pytest.mark.skipif(not available(), reason="missing tool: bubblewrap or rustc")


def not_by_a_program(slug):
    return [problem.name for problem in plan.make(slug, SEED).problems if problem.kind == plan.WRITTEN]


def one_exercise(slug):
    """All problems of a chapter but one: another one in every chapter, Rust's among them."""
    made = plan.make(slug, SEED).problems
    names = [problem.name for problem in made if problem.kind == plan.CHECKED]
    kept = names[CHAPTERS.index(slug) * 5 % len(names)]
    return [problem.name for problem in made if problem.name != kept]


def graded(folder, slugs, left_out, students):
    """{student: rows of grades.csv}, and the problems in which `solved` has no full marks."""
    for slug in slugs:
        release([slug], SEED, course=folder, without=left_out(slug))
        released = nbformat.read(folder / "release" / slug / f"{slug}.ipynb", 4)
        solved = perfect(plan.load(folder / "assignments" / f"{slug}.json"), released)
        for student in students:
            notebook = {"solved": solved, "untouched": released}[student]
            place = folder / "submitted" / student / slug
            place.mkdir(parents=True)
            (place / f"{slug}.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    grade(folder / "submitted", course=folder, minutes=5)
    with open(folder / "grades.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    result = json.loads((folder / "results" / "solved.json").read_text("utf-8"))
    found = [row for chapter in result["assignments"].values() for row in chapter["grades"]]
    lost = [f"{row['name']}: {row['status']}: {row['says']}" for row in found if row["status"] != "right"]
    return {name: [row for row in rows if row["student"] == name] for name in students}, lost


def test_a_dozen_solutions_get_full_marks(tmp_path):
    rows, lost = graded(tmp_path, DOZEN, one_exercise, ["solved"])
    assert lost == []
    assert [(row["assignment"], row["percent"]) for row in rows["solved"]] == [
        (slug, "100.0") for slug in DOZEN
    ]


@pytest.mark.slow
@pytest.mark.parametrize("slug", CHAPTERS)
def test_all_solutions_of_a_chapter_get_full_marks(slug, tmp_path):
    rows, lost = graded(tmp_path, [slug], not_by_a_program, ["solved", "untouched"])
    assert lost == []
    assert [[row["percent"] for row in rows[name]] for name in rows] == [["100.0"], ["0.0"]]
