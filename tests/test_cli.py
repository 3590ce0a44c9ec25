"""The command line, as a learner uses it: start, check, hint, status, doctor."""

import nbformat
import pytest

from dlcourse.course import cli, doctor, exercises, progress, sources
from dlcourse.course.exercises import Exercise

SLUG = sources.chapters()[0]
SOURCES = sources.exercises(sources.read(SLUG))
SOURCE = next(source for source in SOURCES if source.language == "python")


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("DLCOURSE_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(capsys, *arguments):
    status = cli.main(list(arguments))
    out, err = capsys.readouterr()
    return status, out, err


def solve(path, source):
    """Write the author's solution into the student's notebook."""
    notebook = nbformat.read(path, as_version=4)
    (cell,) = [cell for cell in notebook.cells if cell.metadata.get("name") == source.name]
    cell.source = sources.solved(source.solution)
    nbformat.write(notebook, path)


def test_start_writes_stubs_and_never_overwrites(home, capsys):
    status, out, _ = run(capsys, "start")
    path = home / "work" / f"{SLUG}.ipynb"
    assert status == 0 and f"{SLUG}.ipynb: written" in out
    assert "BEGIN SOLUTION" not in path.read_text() and "YOUR CODE HERE" in path.read_text()
    path.write_text("my work")
    assert "exists, left as it is" in run(capsys, "start", SLUG.split("_")[0])[1]
    assert path.read_text() == "my work"
    assert len(list((home / "work").iterdir())) == len(sources.chapters())


def test_check_runs_the_students_own_cells(home, capsys):
    run(capsys, "start", SLUG)
    status, out, _ = run(capsys, "check", SOURCE.name)
    assert status == 1 and f"✗ {SOURCE.name}: not solved yet" in out
    solve(home / "work" / f"{SLUG}.ipynb", SOURCE)
    status, out, _ = run(capsys, "check", SOURCE.name)
    assert status == 0 and out.startswith(f"✓ {SOURCE.name}: right in all")
    assert progress.solved(SOURCE.name)


def test_check_names_cells_that_are_gone(home, capsys):
    run(capsys, "start", SLUG)
    path = home / "work" / f"{SLUG}.ipynb"
    notebook = nbformat.read(path, as_version=4)
    notebook.cells = [cell for cell in notebook.cells if cell.metadata.get("name") != SOURCE.name]
    nbformat.write(notebook, path)
    status, _, err = run(capsys, "check", SOURCE.name)
    assert status == 1 and f"expected the cells of {SOURCE.name}" in err


def test_check_before_start_says_so(capsys):
    status, _, err = run(capsys, "check", SOURCE.name)
    assert status == 1 and "`dlcourse start` writes it" in err


def test_status_marks_what_was_solved_and_tried(capsys):
    names = [entry.name for entry in exercises.entries(SLUG) if isinstance(entry, Exercise)]
    known = [entry for slug in sources.chapters() for entry in exercises.entries(slug)]
    total = sum(isinstance(entry, Exercise) for entry in known)
    progress.record(names[0], True)
    progress.record(names[1], False)
    status, out, _ = run(capsys, "status")
    line = next(line for line in out.splitlines() if line.startswith(SLUG))
    assert status == 0 and f" 1/{len(names)}" in line and "✓·" + "○" * (len(names) - 2) in line
    assert f"next: {names[1]}" in line and f"1 of {total} exercises solved" in out


def test_hint_tells_first_what_the_exercise_is(capsys):
    status, out, _ = run(capsys, "hint", SOURCE.name)
    assert status == 0 and out.splitlines()[0].startswith(f"{SOURCE.name}: ●")
    assert out.splitlines()[1].startswith(f"Hint 1 of 3 for {SOURCE.name}: ")


def test_doctor_says_what_is_missing(home, capsys, monkeypatch):
    status, out, _ = run(capsys, "doctor")
    assert status == 0 and "✓ numpy" in out and "Ready" in out
    monkeypatch.setattr(doctor, "version", lambda name: None if name in ("numpy", "torch") else "1")
    status, out, _ = run(capsys, "doctor")
    assert status == 1 and "✗ numpy is missing" in out and "○ torch is missing" in out
    (home / "a file").touch()
    monkeypatch.undo()
    monkeypatch.setenv("DLCOURSE_HOME", str(home / "a file"))
    assert "✗ progress cannot be saved" in run(capsys, "doctor")[1]


@pytest.mark.parametrize("arguments", [("status", "99"), ("check", "maen"), ("hint", "maen")])
def test_unknown_names_are_one_line(capsys, arguments):
    status, out, err = run(capsys, *arguments)
    assert status == 1 and out == "" and err.startswith("dlcourse: expected ") and err.count("\n") == 1
