"""The branch of the students' notebooks: one commit more where something changed, and nothing else moves."""

import shutil
import subprocess

import pytest

from tools import students

pytestmark = pytest.mark.skipif(not shutil.which("git"), reason="missing tool: git")


@pytest.fixture
def git(tmp_path, monkeypatch):
    """A repository with one commit, in the place of the course's."""
    for who in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{who}_NAME", "someone")
        monkeypatch.setenv(f"GIT_{who}_EMAIL", "someone@example.org")

    def git(*words):
        return subprocess.run(
            ["git", *words], cwd=tmp_path, check=True, capture_output=True, text=True
        ).stdout

    monkeypatch.setattr(students, "ROOT", tmp_path)
    git("init", "-q", "-b", "main")
    (tmp_path / "README.md").write_text("the course")
    git("add", ".")
    assert students.git("rev-parse", "--show-toplevel") == str(tmp_path)  # not the course's own
    git("commit", "-q", "-m", "first")
    (tmp_path / "README.md").write_text("the course, in work")
    return git


@pytest.fixture
def chapters(monkeypatch):
    """{name: text} of what `dlcourse start` writes."""
    files = {"01_a.ipynb": "one", "02_b.ipynb": "two"}

    def start(options):
        options.folder.mkdir()
        for name, text in files.items():
            (options.folder / name).write_text(text)
        return 0

    monkeypatch.setattr(students.cli, "start", start)
    return files


def test_the_branch_holds_the_notebooks_alone_and_nothing_else_moves(git, chapters):
    before = git("status", "--porcelain"), git("rev-parse", "HEAD"), git("branch", "--show-current")
    assert students.commit()
    assert git("ls-tree", "-r", "--name-only", "students").split() == ["01_a.ipynb", "02_b.ipynb"]
    assert (git("status", "--porcelain"), git("rev-parse", "HEAD"), git("branch", "--show-current")) == before


def test_a_change_is_one_commit_and_none_is_none(git, chapters):
    first = students.commit()
    assert students.commit() is None
    chapters["01_a.ipynb"] = "one, mended"
    del chapters["02_b.ipynb"]
    second = students.commit()
    assert git("rev-list", "students").split() == [second, first]
    assert git("ls-tree", "-r", "--name-only", "students").split() == ["01_a.ipynb"]


def test_a_fresh_clone_goes_on_where_the_branch_was_left(git, chapters, tmp_path, monkeypatch):
    first = students.commit()
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", tmp_path, clone], check=True)
    monkeypatch.setattr(students, "ROOT", clone)
    chapters["03_c.ipynb"] = "three"
    second = students.commit()
    found = subprocess.run(["git", "rev-list", second], cwd=clone, check=True, capture_output=True, text=True)
    assert found.stdout.split() == [second, first]


def test_a_chapter_that_cannot_be_had_leaves_the_branch(git, monkeypatch):
    monkeypatch.setattr(students.cli, "start", lambda options: 1)
    with pytest.raises(SystemExit):
        students.commit()
    assert not git("branch", "--list", "students")
