"""A light start: without torch the NumPy and Rust parts run, with their exercises; the rest says so."""

import importlib

import pytest

from dlcourse.course import kernel, light, recorded, sources

HIDE = """import sys
class Hide:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "torch":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Hide())
import importlib.util
_find = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name == "torch" else _find(name, *rest)
"""


@pytest.fixture
def leave_out(monkeypatch):
    """The transformer on a machine without torch: text in, text out."""
    real = importlib.import_module

    def absent(name, package=None):
        if name.partition(".")[0] == "torch" or name.startswith("dlcourse.pytorch"):
            raise ModuleNotFoundError("No module named 'torch'", name="torch")
        return real(name, package)

    monkeypatch.setattr(importlib, "import_module", absent)
    transformer = light.LeaveOut()
    return lambda text: "".join(transformer(text.splitlines(keepends=True)))


def test_what_needs_no_torch_is_left_untouched(leave_out):
    cell = "import numpy as np\nx = np.ones(3)  # a comment\nx;\n"
    assert leave_out(cell) == cell
    assert leave_out("def broken(:\n") == "def broken(:\n"


def test_only_the_statements_that_need_torch_are_left_out(leave_out):
    made = leave_out(
        "import math, torch\nfrom dlcourse.pytorch.mlp import MLP\ntorch.manual_seed(0)\nx = math.pi\n"
    )
    assert "import math\n" in made and "x = math.pi" in made and "manual_seed" not in made
    assert made.startswith("print('PyTorch is not installed: left out here what needs torch.")


def test_what_depends_on_it_is_left_out_too_until_the_name_is_made_again(leave_out):
    leave_out("import torch\ndef net(x):\n    return torch.tanh(x)\n")
    assert "needs net" in leave_out("y = net(1)\n") and "needs y" in leave_out("check('y', y)\n")
    assert leave_out("y = 2\n") == "y = 2\n" and leave_out("print(y)\n") == "print(y)\n"


def test_what_a_left_out_statement_would_have_filled_is_missing_too(leave_out):
    leave_out("import torch\nrows, found, plt = {}, [], 1\nfor i in range(2):\n    rows[i] = torch.ones(1)\n")
    leave_out("found.append(torch.ones(1))\n")
    assert "needs rows" in leave_out("print(rows)\n") and "needs found" in leave_out("len(found)\n")
    assert leave_out("rows = {}\n") == "rows = {}\n" and leave_out("print(rows)\n") == "print(rows)\n"


def test_an_import_inside_a_function_counts(leave_out):
    assert "needs torch" in leave_out("def small():\n    import torch\n    return torch\n")
    assert "needs torch" in leave_out('run("""\nimport torch\nprint(torch.ones(1))""")\n')
    leave_out("import torch\nbig = torch.ones(9)\n")
    assert "needs big" in leave_out("del big\n")


def test_rust_cells_with_tch_are_left_out_and_others_run(leave_out):
    cell = "get_ipython().run_cell_magic('rust', '{}', 'fn main() {{}}\\n')\n"
    assert "needs tch" in leave_out(cell.format("--crates tch --out rows"))
    assert "needs rows" in leave_out("print(rows)\n")
    assert leave_out(cell.format("--crates candle --out rows")) == cell.format("--crates candle --out rows")
    assert leave_out("print(rows)\n") == "print(rows)\n"


def test_records_are_read_without_torch(monkeypatch):
    def gone(chapter):
        raise ModuleNotFoundError("No module named 'torch'", name="torch")

    rows = recorded.recorded("17_rnn", "shift")
    monkeypatch.setattr(recorded, "experiments", gone)
    assert recorded.recorded("17_rnn", "shift") == rows


def test_with_torch_nothing_is_changed():
    class Shell:
        input_transformers_post = []

    light.load_ipython_extension(Shell)
    assert bool(Shell.input_transformers_post) == (importlib.util.find_spec("torch") is None)


def test_a_students_notebook_begins_with_it():
    first = next(
        c for c in sources.student(sources.stored("07_perceptron_xor")).cells if c.cell_type == "code"
    )
    assert first.source.endswith("%load_ext dlcourse.course.light") and "setup" in sources.tags(first)


@pytest.mark.parametrize("slug", ["07_perceptron_xor"])
def test_a_chapter_runs_without_torch_and_its_exercises_can_be_solved(slug, tmp_path, monkeypatch):
    monkeypatch.setenv("DLCOURSE_HOME", str(tmp_path))
    notebook = sources.student(sources.stored(slug))
    answers = {e.name: sources.solved(e.solution) for e in sources.exercises(sources.read(slug))}
    for cell in notebook.cells:
        if sources.role(cell) == sources.SOLUTION:
            cell.source = answers[cell.metadata.name]
    notebook.cells.insert(0, type(notebook.cells[0])(cell_type="code", source=HIDE, metadata={}, outputs=[]))
    notebook.cells[0].update(id="hide", execution_count=None)
    for cell in notebook.cells:
        cell.metadata["tags"] = [t for t in sources.tags(cell) if t != "raises-exception"]
    kernel.client(notebook, timeout=300).execute()
    text = "".join(o.get("text", "") for c in notebook.cells for o in c.get("outputs", []))
    assert "PyTorch is not installed: left out here what needs torch" in text
    for exercise in sources.exercises(sources.read(slug)):
        if exercise.language == "python" and "torch" not in exercise.solution:
            assert f"✓ {exercise.name}" in text, exercise.name
