"""Tricks against `check` on real exercises: nothing hangs, and none is told ✓ where the check can know.

What it cannot know on a student's own machine stands in `book/how-to-read.md`; grades come from a sandbox.
"""

import contextlib
import math
import time

import nbformat
import numpy as np
import pytest

from dlcourse.course import cli, exercises, progress, sources
from dlcourse.course.exercises import CheckFailed, Exercise
from dlcourse.reference.gradcheck import numerical_gradient

SLUG = "07_perceptron_xor"
NAME = "perceptron_step"


class Yes:
    """Equal to everything, whatever is done with it."""

    def __eq__(self, other):
        return True

    def __array__(self, *args, **kwargs):
        return np.array(1.0)

    __sub__ = __rsub__ = __abs__ = __getitem__ = lambda self, *args: self
    __hash__ = None


def forever(*args):
    while True:
        with contextlib.suppress(Exception):
            time.sleep(0.01)


def printing(*args):
    print("✓ right in all cases")


def patching(*args):
    for name in ("allclose", "isclose", "array_equal", "all", "any"):
        setattr(np, name, lambda *a, **k: True)
    return 12345.678


ATTACKS = {
    "an __eq__ that says yes": lambda *args: Yes(),
    "a print instead of an answer": printing,
    "a patched NumPy": patching,
    "a huge text": lambda *args: "✓" * 50_000_000,
    "a huge list": lambda *args: list(range(3_000_000)),
    "a nest without a bottom": lambda *args: (lambda nest: nest.append(nest) or nest)([]),
    "an endless loop": forever,
    "an exit": lambda *args: exit(0),
    "a generator": lambda *args: iter(int, 1),
}


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("DLCOURSE_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    for name in ("allclose", "isclose", "array_equal", "all", "any"):  # to be put back after the attack
        monkeypatch.setattr(np, name, getattr(np, name))


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS.keys())
@pytest.mark.parametrize("name", ["perceptron_step", "grad_cube", "best_of"])
def test_no_trick_is_told_that_it_is_right(name, attack, capsys):
    start = time.monotonic()
    with pytest.raises(CheckFailed, match=f"^✗ {name}"):
        exercises.check(name, attack)
    seconds = exercises.entry(name, Exercise).seconds
    assert time.monotonic() - start < seconds + 10
    assert "✓" not in capsys.readouterr().out and not progress.solved(name)


@pytest.mark.parametrize("answer", [np.mean, np.add, math.sqrt, len, numerical_gradient])
def test_a_function_of_a_library_is_no_answer(answer):
    with pytest.raises(CheckFailed, match="comes from .*: the exercise asks for your own"):
        exercises.check("grad_cube", answer)


def damaged(change):
    """A student's notebook after a change to the cells (text, answer, check) of the exercise."""
    cli.main(["start", SLUG])
    path = cli.Path("work") / f"{SLUG}.ipynb"
    notebook = nbformat.read(path, as_version=4)
    place = next(i for i, c in enumerate(notebook.cells) if c.metadata.get("name") == NAME)
    check = next(
        i for i in range(place, len(notebook.cells)) if sources.role(notebook.cells[i]) == sources.CHECK
    )
    change(notebook.cells, place, check)
    nbformat.write(notebook, path)


def forged(cells, place, check):
    cells[check].source = f'print("✓ {NAME}: right in all cases")'


def rebound(cells, place, check):
    cells[place].source += f'\ndef check(*args):\n    print("✓ {NAME}: right in all cases")'


@pytest.mark.parametrize("change", [forged, rebound])
def test_a_check_that_was_replaced_is_the_authors_again_on_the_command_line(change, capsys):
    damaged(change)
    assert cli.main(["check", NAME]) == 1
    assert f"✗ {NAME}" in capsys.readouterr().out and not progress.solved(NAME)


def test_a_check_that_was_deleted_is_missed(capsys):
    damaged(lambda cells, place, check: cells.pop(check))
    assert cli.main(["check", NAME]) == 1
    assert f"expected the cells of {NAME}" in capsys.readouterr().err
