"""nbgitpuller's merge rules, tried on a local repository: a new version never overwrites a student's cells.

The book describes them in `book/how-to-read.md`. nbgitpuller is no dependency of the course.
"""

import subprocess

import nbformat
import pytest

pull = pytest.importorskip("nbgitpuller.pull", reason="tried where nbgitpuller is installed")


def notebook(*cells):
    new = [nbformat.v4.new_code_cell(text, id=f"cell-{i}") for i, text in enumerate(cells)]
    return nbformat.writes(nbformat.v4.new_notebook(cells=new))


@pytest.fixture
def course(tmp_path, monkeypatch):
    """publish(name=notebook, …) makes a version of the course; update() is what the student's server does."""
    for who in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{who}_NAME", "someone")
        monkeypatch.setenv(f"GIT_{who}_EMAIL", "someone@example.org")
    monkeypatch.chdir(tmp_path)
    remote, student = tmp_path / "remote", tmp_path / "student"
    subprocess.run(["git", "init", "-q", "-b", "students", remote], check=True)

    def publish(**files):
        for name, text in files.items():
            path = remote / f"{name}.ipynb"
            path.write_text(text) if text else path.unlink()
        subprocess.run(["git", "add", "-A"], cwd=remote, check=True)
        subprocess.run(["git", "commit", "-q", "-m", "a version"], cwd=remote, check=True)

    def update():
        list(pull.GitPuller(remote.as_uri(), "student", branch="students").pull())
        return {path.name: path.read_text() for path in student.glob("*.ipynb")}

    publish(a=notebook("x = 1", "# YOUR CODE HERE", "check()"), b=notebook("b = 1"))
    update()
    (student / "a.ipynb").write_text(notebook("x = 1", "answer = 42", "check()"))
    publish.student = student
    return publish, update


def test_another_cell_changes_mine_stays_and_the_notebook_is_whole(course):
    publish, update = course
    publish(a=notebook("x = 2", "# YOUR CODE HERE", "check()"), b=notebook("b = 2"))
    files = update()
    cells = [cell.source for cell in nbformat.reads(files["a.ipynb"], as_version=4).cells]
    assert cells == ["x = 2", "answer = 42", "check()"] and "b = 2" in files["b.ipynb"]


def test_where_both_changed_a_cell_mine_stays(course):
    publish, update = course
    publish(a=notebook("x = 1", "# WRITE HERE", "check()"))
    assert "answer = 42" in update()["a.ipynb"]


def test_my_file_under_a_new_files_name_is_renamed(course):
    publish, update = course
    (publish.student / "own.ipynb").write_text(notebook("mine"))
    publish(own=notebook("theirs"))
    files = update()
    assert "theirs" in files.pop("own.ipynb") and any("mine" in text for text in files.values())


def test_a_notebook_that_the_course_drops_stays_with_my_answers(course):
    publish, update = course
    publish(a=None)
    assert "answer = 42" in update()["a.ipynb"]


def test_a_deleted_notebook_comes_back_fresh(course):
    publish, update = course
    (publish.student / "b.ipynb").unlink()
    assert "b = 1" in update()["b.ipynb"]
