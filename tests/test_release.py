"""What is handed out: complete, different for every seed, and without one line of an answer."""

import json
import re

import nbformat
import pytest

from dlcourse.course import sources
from dlcourse.course.exercises import NotPlain, Raises, entry, judge
from dlcourse.course.grading import exam, plan, release, reserved, written
from dlcourse.course.grading.commands import release as release_command
from tests.test_exercise_sources import answers

CHAPTERS = sources.chapters()
SLUG = "07_perceptron_xor"


@pytest.mark.parametrize("slug", CHAPTERS)
def test_a_release_gives_nothing_away(slug):
    made = plan.make(slug, 3)
    text = nbformat.writes(release.notebook(made))
    notebook = release.notebook(made)
    lines = {line.strip() for cell in notebook.cells for line in cell.source.splitlines()}
    assert not answers(sources.read(slug)) & lines
    assert "SOLUTION" not in text and "HIDDEN TESTS" not in text
    for problem in made.problems:
        assert not any(words in text for _, words in problem.rubric)
    assert not any(cell.get("outputs") for cell in notebook.cells)
    assert len({cell.id for cell in notebook.cells}) == len(notebook.cells)
    assert len({problem.name for problem in made.problems}) == len(made.problems)


@pytest.mark.parametrize("slug", CHAPTERS)
def test_each_chapter_reserves_two_problems_that_depend_on_the_seed(slug):
    made = {seed: reserved.problems(slug, seed) for seed in (1, 2, 1)}
    assert [p.text for p in made[1]] == [p.text for p in reserved.problems(slug, 1)]
    assert [p.text for p in made[1]] != [p.text for p in made[2]]
    assert [p.name.partition("-")[0] for p in made[1]] == ["whose", "wrong"]


@pytest.mark.parametrize("slug", CHAPTERS)
def test_no_public_page_shows_a_reserved_problem(slug):
    page = sources.stored(slug)
    shown = "\n".join(cell.source for cell in [*page.cells, *sources.student(page).cells])
    for problem in reserved.problems(slug, 1):
        assert problem.name not in shown and "Which program printed which output?" not in shown


def test_a_reserved_problem_is_judged_by_its_numbers():
    made = plan.make(SLUG, 5)
    for name, test in plan.tests(made).items():
        if test.problem.kind != plan.RESERVED:
            continue
        right = test.problem.answer
        assert judge(test.exercise, [right], test.cases, test.key).passed, name
        for wrong in (right[::-1], [], None, "all", right + [7]):
            if wrong != right:
                assert not judge(test.exercise, [wrong], test.cases, test.key).passed


def test_the_key_of_a_reserved_problem_is_true():
    """Recomputed from the statement: a call is among the wrong ones exactly if its result is wrong."""
    for slug in CHAPTERS[6:12]:
        problem = reserved.problems(slug, 1)[1]
        exercise = entry(problem.name.partition("-")[2])
        shown = dict(enumerate(problem.text.split("```text")[1:], 1))
        cases = reserved.small_cases(exercise, reserved.rng_of(1, f"which_are_wrong/{exercise.name}"))
        for number, block in shown.items():
            call, _, result = block.partition("```")[0].partition("→")
            call = "\n".join(line.strip() for line in call.strip().splitlines())
            same = [s for _, words, s in cases if "\n".join(map(str.strip, words.splitlines())) == call]
            clean = ["".join(words[""].split()) for words in same]
            assert ("".join(result.split()) not in clean) == (number in problem.answer), (slug, number)


def test_the_private_cases_depend_on_the_seed():
    changed = set()
    one, two = (plan.tests(plan.make(SLUG, seed)) for seed in (1, 2))
    for name in one.keys() & two.keys():
        if repr(one[name].cases) != repr(two[name].cases):
            changed.add(name)
    assert len(changed) >= 5
    assert repr(plan.tests(plan.make(SLUG, 1))["distances"].cases) == repr(one["distances"].cases)


def test_points_due_date_and_selection(tmp_path, capsys):
    words = {"points": ["nand_unit=2.5"], "without": ["majority"], "due": "2026-11-03T23:59"}
    release_command([SLUG], 1, course=tmp_path, **words)
    made = plan.load(tmp_path / "assignments" / f"{SLUG}.json")
    known = {problem.name: problem.points for problem in made.problems}
    assert known["nand_unit"] == 2.5 and "majority" not in known and made.due == "2026-11-03 23:59"
    notebook = nbformat.read(tmp_path / "release" / SLUG / f"{SLUG}.ipynb", 4)
    points = {c.metadata.nbgrader.grade_id: c.metadata.nbgrader.get("points") for c in notebook.cells[2:]}
    assert points["nand_unit-check"] == 2.5 and "majority-check" not in points
    assert "2026-11-03" in notebook.cells[0].source
    assert plan.load(tmp_path / "assignments" / f"{SLUG}.json") == made
    with pytest.raises(ValueError, match="--force"):
        release_command([SLUG], 2, course=tmp_path)


@pytest.mark.parametrize(
    "words, message",
    [
        ({"points": ["nand_unit"]}, "expected points as NAME=NUMBER"),
        ({"points": ["nand_unit=0"]}, "expected points above 0"),
        ({"points": ["nandunit=1"]}, "got nandunit"),
        ({"without": ["nandunit"]}, "got nandunit"),
        ({"due": "tomorrow"}, "expected a date"),
    ],
)
def test_a_release_that_cannot_be_meant_is_refused(tmp_path, words, message):
    with pytest.raises(ValueError, match=message):
        release_command([SLUG], 1, course=tmp_path, **words)
    assert not list(tmp_path.glob("**/*.ipynb"))


def test_a_damaged_plan_is_named(tmp_path):
    (tmp_path / "x.json").write_text(json.dumps({"chapter": SLUG}))
    with pytest.raises(ValueError, match="release the chapter again"):
        plan.load(tmp_path / "x.json")


def test_written_questions_have_a_rubric_and_belong_to_chapters():
    names = [question.name for slug in written.QUESTIONS for question in written.QUESTIONS[slug]]
    assert len(set(names)) == len(names)
    for questions in written.QUESTIONS.values():
        for question in questions:
            assert len(question.rubric) >= 2 and all(points > 0 for points, _ in question.rubric)


@pytest.mark.parametrize("slug", CHAPTERS)
def test_a_chapter_has_a_written_question(slug):
    assert written.questions(slug), f"{slug}: a question with its rubric is missing in grading/written.py"


def test_words_of_a_result():
    assert reserved.words_of(Raises("ValueError")) == "raises ValueError"
    with pytest.raises(NotPlain):
        reserved.words_of(object())


def public_files():
    """Everything a reader can get: pages of the book, and the build where there is one."""
    kinds = {".md", ".ipynb", ".html", ".js", ".json", ".txt"}
    folders = [sources.ROOT / "book", sources.ROOT / "notebooks", sources.ROOT / "build" / "html"]
    return [
        p for folder in folders for p in folder.rglob("*") if p.suffix in kinds and "vendor" not in p.parts
    ]


def test_no_public_file_holds_a_rubric_an_exam_key_or_a_reserved_problem():
    secret = [key for _, _, key in exam.QUESTIONS]
    secret += [w for rows in written.QUESTIONS.values() for q in rows for _, w in q.rubric]
    secret += ["Which program printed which output?", "Four students ran their"]
    # as JSON and HTML write them, too: enough of each text that contains nothing to be escaped
    needles = {max(re.split(r"[^\w ,.;:()-]", text), key=len)[:60] for text in secret}
    assert min(map(len, needles)) > 8
    found = []
    for path in public_files():
        text = path.read_text("utf-8", "replace")
        found += [f"{path.name}: {needle}" for needle in needles if needle in text]
    assert found == []


def test_the_exam_has_twelve_questions_and_its_key_stands_apart(tmp_path):
    paper, key = exam.write(tmp_path)
    assert len(exam.QUESTIONS) == 12 and key.read_text().count("\n\n") >= 12
    assert not any(answer in paper.read_text() for _, _, answer in exam.QUESTIONS)
