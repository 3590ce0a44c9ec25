"""Grading a small class: the record, the tables, what students get back, and what a second call does."""

import csv
import json
import re
import time

import nbformat
import pytest

from dlcourse.course import cli, sources
from dlcourse.course.exercises._values import encode
from dlcourse.course.grading import (
    collecting,
    commands,
    course,
    plan,
    record,
    release,
    running,
    sandbox,
    sheet,
    verdicts,
)
from dlcourse.course.grading.page import escape
from tests.grading_class import code_cell, find, named, part, perfect

SLUG = "07_perceptron_xor"
LEFT_OUT = ["rust_unit", "distances", "perceptron_step", "rust_epoch", "mistake_bound", "xor_network"]
LEFT_OUT += ["bce_gradient", "hidden_gradient"]
ESSAY = "Two of the *four* inequalities <script>alert(1)</script> contradict."


def available():
    try:
        sandbox.probe()
    except sandbox.NoSandbox:
        return False
    return True


needs_sandbox = pytest.mark.skipif(not available(), reason="missing tool: bubblewrap")


def submissions(folder):
    """Handed in: by ann all, with an essay, beside an emptied copy; by bob all but one; by =cmd nothing."""
    made = plan.load(folder / "assignments" / f"{SLUG}.json")
    released = nbformat.read(folder / "release" / SLUG / f"{SLUG}.ipynb", 4)
    perfect_one = perfect(made, released)
    essay = next(c for c in perfect_one["cells"] if part(c) == "written")
    essay["source"] = ESSAY
    half = json.loads(json.dumps(perfect_one))
    find(half, "majority")["source"] = "def majority(x):\n    raise NotImplementedError()"
    hidden = next(problem for problem in made.problems if problem.kind == plan.RESERVED)
    find(half, hidden.name)["source"] = f"{hidden.expression} = [7, 8]"
    for name, notebook in (("ann", perfect_one), ("bob", half)):
        place = folder / "submitted" / name / SLUG
        place.mkdir(parents=True)
        (place / f"{SLUG}.ipynb").write_text(json.dumps(notebook))
    emptied = json.loads(json.dumps(perfect_one))
    for cell in emptied["cells"]:
        cell["source"] = ""
    (folder / "submitted" / "ann" / SLUG / "newer.ipynb").write_text(json.dumps(emptied))
    (folder / "submitted" / "=cmd").mkdir()
    return made


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    if not available():
        pytest.skip("missing tool: bubblewrap")
    folder = tmp_path_factory.mktemp("course")
    commands.release([SLUG], 3, course=folder, without=LEFT_OUT, due="2026-11-03")
    submissions(folder)
    assert commands.grade(folder / "submitted", course=folder) == 1  # somebody handed nothing in
    return folder


def test_without_a_sandbox_nothing_is_graded_unless_it_is_asked_for(tmp_path, monkeypatch):
    commands.release([SLUG], 3, course=tmp_path, without=LEFT_OUT)
    submissions(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path / "no programs"))
    with pytest.raises(
        ValueError, match="nothing was graded, since there is no sandbox: bubblewrap is missing"
    ):
        commands.grade(tmp_path / "submitted", course=tmp_path)
    assert not (tmp_path / "grades.csv").exists()
    assert commands.grade(tmp_path / "submitted", course=tmp_path, unsafe=True) == 1  # one handed nothing in
    rows = table(tmp_path)
    assert float(rows["ann"]["score"]) - float(rows["bob"]["score"]) == 3


def table(folder):
    with open(folder / "grades.csv", newline="") as file:
        return {row["student"]: row for row in csv.DictReader(file)}


def test_the_table_has_points_and_what_is_open(graded):
    rows = table(graded)
    ann, bob = rows["ann"], rows["bob"]
    assert (
        float(ann["score"]) - float(bob["score"]) == 3 and float(ann["score"]) == float(ann["max_score"]) - 4
    )
    assert ann["ungraded"] == "1" and "explain-one-line: graded by a person" in ann["because"]
    (nothing,) = [row for name, row in rows.items() if name not in ("ann", "bob")]
    assert nothing["score"] == "" and "no notebook was handed in" in nothing["because"]
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows.values() for cell in row.values())


def test_the_guide_describes_the_columns_of_the_table(graded):
    guide = (sources.ROOT / "book" / "instructors.md").read_text(encoding="utf-8")
    described = re.findall(
        r"^\| `(\w+)` \|", guide.partition("| column | holds |")[2].partition("\n\n")[0], re.M
    )
    with open(graded / "grades.csv", newline="", encoding="utf-8") as file:
        assert next(csv.reader(file)) == described
    ann = table(graded)["ann"]
    assert ann["assignment"] == SLUG and ann["problems"] == "5" and ann["max_score"] == "10"
    assert ann["percent"] == f"{100 * float(ann['score']) / 10:.1f}"
    assert time.strptime(ann["handed_in"], "%Y-%m-%d %H:%M:%S") <= time.gmtime()


def test_the_gradebook_is_nbgraders(graded):
    rows = {(student, cell): rest for student, _, cell, *rest in record.dump(graded / "gradebook.db")}
    assert rows["ann", "majority-check"] == [1.0, None, 0] and rows["bob", "majority-check"] == [0.0, None, 0]
    assert rows["ann", "explain-one-line-written"] == [None, None, 1]


def test_feedback_says_why_and_hides_the_key(graded):
    key = plan.load(graded / "assignments" / f"{SLUG}.json")
    for student in ("ann", "bob"):
        text = (graded / "feedback" / student / f"{SLUG}.html").read_text()
        assert "<script" not in text and escape(ESSAY)[:20] in text and "Content-Security-Policy" in text
        for problem in key.problems:
            assert not any(words in text for _, words in problem.rubric)
    assert "not solved yet" in text
    hidden = next(problem for problem in key.problems if problem.kind == plan.RESERVED)
    assert "not the right numbers" in text and str(hidden.answer) not in text


def test_formgrader_gets_a_written_answer_without_tags(graded):
    """What a student wrote must not run in a grader's browser; what looks like no tag stays as it was."""
    text = (graded / "autograded" / "ann" / SLUG / f"{SLUG}.ipynb").read_text("utf-8")
    assert "< script>alert(1)< /script> contradict" in text and "<script" not in text
    assert release.without_tags("`a < b`, $x<=y$, i <3, <!-- <b>") == "`a < b`, $x<=y$, i <3, < !-- < b>"


def test_the_report_shows_rates_and_reasons(graded):
    text = (graded / "report.html").read_text()
    assert "50 %" in text and "100 %" in text and "1× not solved yet" in text and "<svg" in text
    assert "no notebook was handed in" in text


def test_a_second_call_grades_only_what_changed(graded, monkeypatch):
    done = []
    monkeypatch.setattr(course.Grader, "grade", lambda self, s: done.append(s.student) or (s.student, 0))
    before = record.dump(graded / "gradebook.db")
    commands.grade(graded / "submitted", course=graded)
    assert done == [] and record.dump(graded / "gradebook.db") == before
    path = graded / "submitted" / "bob" / SLUG / f"{SLUG}.ipynb"
    text = path.read_text()
    path.write_text(text + " ")
    commands.grade(graded / "submitted", course=graded)
    path.write_text(text)
    assert done == ["bob"]


def test_a_persons_points_stay(graded):
    folder = course.Folder(graded)
    with record.gradebook(folder) as book:
        grade = book.find_grade("explain-one-line-written", SLUG, SLUG, "ann")
        grade.manual_score, grade.needs_manual_grade = 3.0, False
        notebook = book.find_submission_notebook(SLUG, SLUG, "ann")
        (comment,) = [c for c in notebook.comments if c.name == "explain-one-line-written"]
        comment.manual_comment = "Well <argued>."
        book.db.commit()
    commands.grade(graded / "submitted", course=graded)
    ann = table(graded)["ann"]
    assert ann["ungraded"] == "0" and float(ann["score"]) == float(ann["max_score"]) - 1
    text = (graded / "feedback" / "ann" / f"{SLUG}.html").read_text()
    assert "Well &lt;argued&gt;." in text and "adds the four inequalities" in text


def test_two_graders_do_not_share_a_folder(graded):
    from filelock import FileLock

    with FileLock(graded / ".lock"), pytest.raises(ValueError, match="another `dlcourse grade`"):
        commands.grade(graded / "submitted", course=graded)


def test_without_a_sandbox_nothing_is_graded(graded, monkeypatch, capsys):
    monkeypatch.setattr(sandbox.shutil, "which", lambda name: None)
    arguments = ["grade", str(graded / "submitted"), "--course", str(graded)]
    assert cli.main(arguments) == 1
    assert "apt-get install bubblewrap" in (said := capsys.readouterr().err) and "--unsafe" in said


@pytest.mark.parametrize("missing", ["course", "submissions", "release"])
def test_what_is_missing_is_named(tmp_path, missing, capsys):
    (tmp_path / "in").mkdir()
    (tmp_path / "course").mkdir()
    arguments = {"course": ["in", "none"], "submissions": ["none", "course"], "release": ["in", "course"]}[
        missing
    ]
    handed_in, folder = (str(tmp_path / word) for word in arguments)
    assert cli.main(["grade", handed_in, "--course", folder]) == 1
    assert len(capsys.readouterr().err.splitlines()) == 1


# --- Cells ------------------------------------------------------------------------------------------------


def cells_of(*cells):
    blank = {"grade_id": "", "id": "", "name": "", "tags": [], "code": True}
    return [blank | cell for cell in cells]


@pytest.fixture(scope="module")
def small_plan():
    return plan.make(SLUG, 3, without=[*LEFT_OUT, "explain-one-line"])


def sorted_cells(small_plan, *cells):
    stubs = {problem.name: f"stub of {problem.name}" for problem in small_plan.problems}
    return sheet.sheet(cells_of(*cells), small_plan, stubs, ["import numpy as np"])


def test_an_untouched_copy_does_not_undo_an_answer(small_plan):
    right = {"grade_id": "majority-code", "source": "def majority(x): return 1"}
    copy = {"grade_id": "majority-code", "source": "stub of majority"}
    found = sorted_cells(small_plan, right, copy)
    assert [step.cells for step in found.steps if step.name == "majority"] == [[right["source"]]]
    assert any("several cells" in note for note in found.notes)


def test_an_answer_is_found_by_what_it_defines(small_plan):
    found = sorted_cells(
        small_plan, {"source": "import numpy as np"}, {"source": "def majority(x):\n return 1"}
    )
    assert [step.name for step in found.steps] == ["majority"] and "nand_unit" in found.missing


def test_checks_of_a_students_own_are_not_run(small_plan):
    found = sorted_cells(small_plan, {"grade_id": "majority-check", "source": "1 / 0"})
    assert found.steps == []


# --- Values from outside ----------------------------------------------------------------------------------


def sent(value, **changed):
    row = {"value": value, "problem": "", "says": "", "error": "", "printed": "", "mutated": False}
    (outcome,) = running.outcomes([row | changed])
    return outcome


HOSTILE = {
    "an object array": {"array": [1], "shape": [1], "dtype": "|O"},
    "a vast text": {"array": ["a"], "shape": [1], "dtype": "<U999999999"},
    "a void": {"array": [], "shape": [0], "dtype": "V2000000000"},
    "a wrong shape": {"array": [1.0], "shape": [2, 10**9], "dtype": "<f8"},
    "no encoding": {"surprise": 1},
    "a key that is a list": {"dict": [[[1], 2]]},
    "a huge number": 10**400,
    "deep lists": json.loads("[" * 200 + "]" * 200),
    "a dtype that is no text": {"array": [1], "shape": [1], "dtype": ["f8"]},
}


@pytest.mark.parametrize("value", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_values_are_no_answer(value):
    start = time.monotonic()
    assert sent(value).problem == "other" and time.monotonic() - start < 1


@pytest.mark.parametrize("changed", [{"problem": "solved"}, {"says": None, "problem": 3}, {"problem": {}}])
def test_unknown_problems_are_no_answer(changed):
    assert sent(1, **changed).problem == "other"


@pytest.mark.parametrize("data", [None, {}, "x", [None], [{}], [[1]]])
def test_what_is_no_list_of_outcomes_is_no_answer(data):
    assert all(outcome.problem == "other" for outcome in running.outcomes(data))


def test_honest_values_arrive(small_plan):
    import numpy as np

    for value in (1, 2.5, "a", None, [1, (2.0, {"a": np.eye(2)})], np.array(["ab", "c"]), np.ones((0, 3))):
        assert sent(json.loads(json.dumps(encode(value)))).problem == ""


def test_nothing_returned_is_no_pass(small_plan):
    test = plan.tests(small_plan)["majority"]
    empty = verdicts.grade(test.problem, test, running.Answer([]), False)
    few = verdicts.grade(test.problem, test, running.Answer(running.outcomes([])), False)
    assert (empty.status, few.status) == ("wrong", "wrong") and empty.score == 0.0


def test_no_check_or_key_travels_to_the_sandbox():
    """Of an exercise only the cases and the way to call an answer go inside."""
    made = plan.make(SLUG, 3)
    tests = plan.tests(made)
    data = running.job([], [sheet.Step(name, []) for name in tests], tests)
    for test in tests.values():
        words = [m.says for m in test.exercise.mistakes]
        assert not any(text.encode() in data for text in words)
        name = test.exercise.expected.__qualname__
        defined = f"\x8c{chr(len(name))}{name}".encode("latin-1")  # as pickle writes a short text
        assert "<lambda>" in name or name == test.exercise.function or defined not in data


def test_files_that_are_too_large_are_named(tmp_path):
    (tmp_path / "ann").mkdir()
    with open(tmp_path / "ann" / "a.ipynb", "wb") as file:
        file.truncate(collecting.LARGEST + 1)
    (found,) = collecting.collect(tmp_path)
    assert found.files == [] and "clear its outputs" in found.notes[0]


def test_names_of_cells():
    cell = code_cell("x", nbgrader={"grade_id": "a-b-code"})
    assert (named(cell), part(cell)) == ("a-b", "code")
