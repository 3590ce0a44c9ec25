"""Reset: stubs come back, the student's own cells stay, and nothing is lost, whenever the process dies."""

import copy
import multiprocessing
import random
import stat
import sys
import time

import nbformat
import pytest

from dlcourse.course import cli, reset, sources

SLUG = sources.chapters()[0]
SOURCE = next(s for s in sources.exercises(sources.read(SLUG)) if s.language == "python")
NAME = SOURCE.name


@pytest.fixture
def path(tmp_path, monkeypatch, capsys):
    """A student's notebook with an answer and a cell of the student's own."""
    monkeypatch.chdir(tmp_path)
    cli.main(["start", SLUG])
    path = tmp_path / "work" / f"{SLUG}.ipynb"
    notebook = nbformat.read(path, as_version=4)
    notebook.cells.insert(1, nbformat.v4.new_code_cell("my_own_cell = 1"))
    nbformat.write(notebook, path)
    answer(path, "MY ANSWER")
    capsys.readouterr()
    return path


def answer(path, text):
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if cell.metadata.get("name") == NAME:
            cell.source = text
    reset.atomic.write(path, nbformat.writes(notebook))


def backups(path):
    return sorted((path.parent / reset.BACKUPS).glob("*"))


def test_an_exercise_gets_its_stub_back_and_nothing_else_changes(path, capsys):
    before = nbformat.read(path, as_version=4)
    path.chmod(0o640)
    assert cli.main(["reset", NAME]) == 0
    after = nbformat.read(path, as_version=4)
    (changed,) = [new for old, new in zip(before.cells, after.cells, strict=True) if old != new]
    assert changed.source == sources.stub(SOURCE.solution)
    (backup,) = backups(path)
    assert nbformat.read(backup, as_version=4) == before and str(backup.name) in capsys.readouterr().out
    assert stat.S_IMODE(path.stat().st_mode) == 0o640 or sys.platform == "win32"


def test_a_chapter_starts_anew(path):
    old = path.read_text("utf-8")
    assert cli.main(["reset", SLUG]) == 0
    assert "MY ANSWER" not in path.read_text("utf-8") and "my_own_cell" not in path.read_text("utf-8")
    assert [b.read_text("utf-8") for b in backups(path)] == [old]


def test_an_exercise_that_was_deleted_comes_back_at_the_end(path):
    notebook = nbformat.read(path, as_version=4)
    notebook.cells = [cell for cell in notebook.cells if cell.metadata.get("name") != NAME]
    nbformat.write(notebook, path)
    assert cli.main(["reset", NAME]) == 0
    after = nbformat.read(path, as_version=4)
    assert [sources.role(cell) for cell in after.cells[-3:]] == list(sources.EXERCISE)
    assert after.cells[-2].metadata.name == NAME
    nbformat.validate(after)  # ids are unique


def test_no_backup_is_ever_replaced(path):
    for number in range(3):
        answer(path, f"ANSWER {number}")
        assert cli.main(["reset", NAME]) == 0
    assert [f"ANSWER {n}" in b.read_text("utf-8") for n, b in enumerate(backups(path))] == [True] * 3


def test_a_notebook_that_cannot_be_read_is_left_alone_by_exercise_and_replaced_by_chapter(path, capsys):
    path.write_text("<<<<<<< not json")
    assert cli.main(["reset", NAME]) == 1
    assert "is not a notebook" in capsys.readouterr().err and path.read_text() == "<<<<<<< not json"
    assert cli.main(["reset", SLUG]) == 0
    assert [b.read_text() for b in backups(path)] == ["<<<<<<< not json"]
    nbformat.validate(nbformat.read(path, as_version=4))


def test_what_is_not_there_is_one_line(path, capsys):
    path.unlink()
    assert cli.main(["reset", NAME]) == 1
    assert "`dlcourse start` writes it" in capsys.readouterr().err
    assert cli.main(["reset", "nonsense"]) == 1
    assert "expected one of the chapters" in capsys.readouterr().err


def work(path, counter):
    """Answer and reset for ever; the counter tells which answer stood in the notebook last."""
    while True:
        answer(path, f"ANSWER {counter.value + 1}.")
        counter.value += 1
        reset.reset_exercise(path, SLUG, NAME)


@pytest.mark.skipif(sys.platform == "win32", reason="needs fork")
@pytest.mark.parametrize("kills", [20, pytest.param(100, marks=pytest.mark.slow)])
def test_killed_at_any_moment_no_answer_and_no_own_cell_is_lost(path, monkeypatch, kills):
    fresh = sources.student(sources.stored(SLUG))
    monkeypatch.setattr(sources, "stored", lambda slug: None)
    monkeypatch.setattr(sources, "student", lambda notebook: copy.deepcopy(fresh))  # reading takes longest
    start = time.perf_counter()
    reset.reset_exercise(path, SLUG, NAME)
    cycle = time.perf_counter() - start
    context = multiprocessing.get_context("fork")
    counter, moments = context.Value("i", 0, lock=False), random.Random()  # a killed process keeps its lock
    for _ in range(kills):
        process = context.Process(target=work, args=(path, counter), daemon=True)
        process.start()
        time.sleep(moments.uniform(0, 6 * cycle))
        process.kill()
        process.join()
        notebook = nbformat.read(path, as_version=4)  # whole
        assert any(cell.source == "my_own_cell = 1" for cell in notebook.cells)
        kept = [b.read_text("utf-8") for b in backups(path)] + [path.read_text("utf-8")]
        last = counter.value, counter.value + 1  # killed before it counted the one that it had written
        assert counter.value == 0 or any(f"ANSWER {n}." in text for text in kept for n in last)
    assert counter.value > kills / 5
