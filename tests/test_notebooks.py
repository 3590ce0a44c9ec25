"""Building chapters: the same bytes every time, failures leave the old notebook, strict comparison."""

import base64
import io
import os
import shutil
import subprocess
import sys

import nbformat
import pytest
from PIL import Image, ImageDraw

import conftest
from dlcourse.course import sources
from tools import notebooks

SETUP = """# Toy chapter

The sum is {glue:text}`total:.1f`.

```{code-cell} ipython3
:tags: [setup]

import matplotlib.pyplot as plt
import numpy as np
from dlcourse.course.glue import glue
```
"""
FIGURE = """
```{code-cell} ipython3
---
mystnb:
  figure: {name: fig-line, caption: A line.}
  image: {alt: A straight line that rises}
tags: [figure]
---
fig, ax = plt.subplots(figsize=(3, 2))
ax.plot(np.arange(4.0))
ax.set_ylabel("loss");
```
"""
NUMBERS = """
```{code-cell} ipython3
total = np.arange(4.0).sum()
glue("total", total)
print(f"total {total:.1f}")
total;
```
"""
WIDGETS = """
```{code-cell} ipython3
import ipywidgets

box = ipywidgets.VBox([ipywidgets.FloatSlider(value=0.5), ipywidgets.Label("rate")])
ipywidgets.IntSlider()  # never shown, but stored
box
```
"""
TIMING = """
```{code-cell} ipython3
:tags: [timing]

import time
print(time.time_ns())
```
"""


@pytest.fixture
def chapter(tmp_path, monkeypatch):
    """A course of one chapter in a temporary folder: `chapter(text)` writes it and returns its slug."""
    (tmp_path / "book").mkdir()
    (tmp_path / "notebooks").mkdir()
    toc = "format: jb-book\nroot: book/index\nchapters:\n- file: notebooks/01_toy\n"
    (tmp_path / "book" / "_toc.yml").write_text(toc)
    monkeypatch.setattr(sources, "ROOT", tmp_path)
    for name in ("CH", "FORCE", "TIMINGS"):
        monkeypatch.delenv(name, raising=False)

    def write(text):
        sources.source_path("01_toy").write_text(text, encoding="utf-8")
        return "01_toy"

    return write


def stored_bytes():
    return sources.notebook_path("01_toy").read_bytes()


def code(notebook, word):
    """The one code cell whose source contains `word`."""
    (cell,) = [cell for cell in notebook.cells if cell.cell_type == "code" and word in cell.source]
    return cell


def test_a_rebuild_is_byte_identical_with_figure_widgets_and_timing(chapter):
    slug = chapter(SETUP + FIGURE + NUMBERS + WIDGETS + TIMING)
    assert notebooks.build(slug)
    first = stored_bytes()
    assert b"image/png" in first and b"widget-view" in first and notebooks.WIDGETS.encode() in first
    assert notebooks.build(slug, force=True)
    assert stored_bytes() == first
    assert notebooks.check() == []
    assert b'"version": "3.' not in first and b"iopub" not in first


def test_an_unchanged_chapter_is_not_executed_again(chapter):
    slug = chapter("# Title\n\n```{code-cell}\nprint(1)\n```\n")
    assert notebooks.build(slug)
    assert not notebooks.build(slug)


def test_where_only_the_text_changed_the_outputs_stay(chapter):
    slug = chapter("# Title\n" + WIDGETS + "\n```{code-cell}\nimport os\nprint(os.getpid())\n```\n")
    assert notebooks.build(slug) == "executed"
    before = code(sources.stored(slug), "getpid").outputs
    chapter(sources.source_path(slug).read_text().replace("# Title", "# Another title\n\nWith a line."))
    assert notebooks.build(slug) == "text renewed"
    renewed = stored_bytes()
    assert code(sources.stored(slug), "getpid").outputs == before and b"With a line." in renewed
    assert notebooks.check() == [] and notebooks.build(slug) == "" and notebooks.WIDGETS.encode() in renewed
    assert notebooks.build(slug, force=True) == "executed" and stored_bytes() != renewed


def test_a_cell_that_moved_or_changed_its_tags_is_executed(chapter):
    cells = [f"\n```{{code-cell}}\n:tags: [hide-input]\n\nprint({n})\n```\n" for n in (1, 2)]
    slug = chapter("# Title\n" + cells[0] + cells[1])
    notebooks.build(slug)
    chapter("# Title\n" + cells[1] + cells[0])
    assert notebooks.build(slug) == "executed"
    chapter("# Title\n" + cells[1] + cells[0].replace("hide-input", "timing"))
    assert notebooks.build(slug) == "executed"


def test_timings_are_kept_until_asked_for_anew(chapter):
    slug = chapter("# Title\n" + TIMING + "\n```{code-cell}\nx = 1\n```\n")
    notebooks.build(slug)
    before = code(sources.stored(slug), "time_ns").outputs
    chapter(sources.source_path(slug).read_text().replace("x = 1", "x = 2"))
    assert notebooks.build(slug)
    assert code(sources.stored(slug), "time_ns").outputs == before
    notebooks.build(slug, force=True, timings=True)
    assert code(sources.stored(slug), "time_ns").outputs != before


def test_a_timing_cell_that_changed_gets_new_outputs(chapter):
    slug = chapter("# Title\n" + TIMING)
    notebooks.build(slug)
    chapter("# Title\n" + TIMING.replace("print(", "print('ns', "))
    notebooks.build(slug)
    assert code(sources.stored(slug), "time_ns").outputs[0].text.startswith("ns ")


def test_a_failing_cell_fails_the_build_and_leaves_the_old_notebook(chapter, capsys):
    chapter(SETUP + NUMBERS)
    assert notebooks.main(["build"]) == 0
    before = stored_bytes()
    chapter(SETUP + NUMBERS + "\n```{code-cell}\n1 / 0\n```\n")
    assert notebooks.main(["build"]) == 1
    message = capsys.readouterr().err
    assert "01_toy, cell 4 failed" in message and "ZeroDivisionError" in message
    assert stored_bytes() == before


def test_an_announced_exception_is_no_failure(chapter):
    slug = chapter("# Title\n\n```{code-cell}\n:tags: [raises-exception]\n\n1 / 0\n```\n")
    notebooks.build(slug)
    assert notebooks.check() == []
    assert code(sources.stored(slug), "1 / 0").outputs[0].ename == "ZeroDivisionError"


def test_a_notebook_above_one_megabyte_is_refused(chapter):
    slug = chapter("# Title\n\n```{code-cell}\nprint(('x' * 99 + '\\n') * 11_000)\n```\n")
    with pytest.raises(notebooks.BuildError, match="at most 1,000,000 bytes.*cell 2 alone"):
        notebooks.build(slug)
    assert not sources.notebook_path(slug).exists()


def test_the_kernel_sees_a_private_progress_folder_and_one_thread(chapter):
    names = ("DLCOURSE_HOME", "OMP_NUM_THREADS", "PYTHONHASHSEED", "COLUMNS", "MPLBACKEND")
    slug = chapter(f"# T\n\n```{{code-cell}}\nimport os\nprint(*[os.environ.get(n) for n in {names}])\n```\n")
    notebooks.build(slug, force=True)
    home, *rest = code(sources.stored(slug), "import os").outputs[0].text.split()
    assert home != os.environ["DLCOURSE_HOME"]
    assert rest[:3] == ["1", "0", "80"] and "inline" in rest[3]


def test_chapters_are_chosen_by_number_or_slug(chapter):
    assert notebooks.selected([]) == notebooks.selected(["1"]) == notebooks.selected(["01_toy"]) == ["01_toy"]
    with pytest.raises(notebooks.BuildError, match="expected one of the chapters 01_toy, got '99'"):
        notebooks.selected(["99"])


# --- check: each kind of difference is seen ------------------------------------------------------------


@pytest.fixture(scope="module")
def executed():
    """The toy chapter's notebook, executed once for all tests that change it."""
    return {}


@pytest.fixture
def built(chapter, executed):
    slug = chapter(SETUP + NUMBERS + FIGURE)
    if not executed:
        notebooks.build(slug)
        executed[slug] = stored_bytes()
    sources.notebook_path(slug).write_bytes(executed[slug])
    assert notebooks.check() == []
    return chapter


def test_a_word_changed_only_in_the_source_is_seen(built):
    built((SETUP + NUMBERS + FIGURE).replace("The sum is", "The total is"))
    (problem,) = [line for line in notebooks.check() if "source" in line]
    assert "01_toy.ipynb: cell 1 differs" in problem


@pytest.mark.parametrize(
    "change, said",
    [
        (lambda nb: nb.cells[2].update(execution_count=None), "expected execution count 2, got None"),
        (lambda nb: nb.cells[2].metadata.update(tags=["skip"]), "cell 3 differs (metadata)"),
        (lambda nb: nb.cells[2].update(id="other"), "cell 3 differs (id)"),
        (lambda nb: nb.metadata.update(author="me"), "metadata differ"),
        (lambda nb: nb.cells.pop(), "expected 4 cells, got 3"),
        (
            lambda nb: nb.cells[2].update(outputs=[nbformat.v4.new_output("error", ename="E", evalue="")]),
            "an error is stored",
        ),
    ],
)
def test_a_change_in_the_notebook_is_seen(built, change, said):
    notebook = sources.stored("01_toy")
    change(notebook)
    nbformat.write(notebook, sources.notebook_path("01_toy"))
    assert any(said in line for line in notebooks.check())


def test_a_notebook_without_source_and_a_source_without_notebook_are_seen(built):
    sources.notebook_path("01_toy").rename(sources.notebook_path("02_lost"))
    problems = "\n".join(notebooks.check())
    assert "02_lost.ipynb: a notebook without its source" in problems
    assert "01_toy.ipynb: missing" in problems


def test_check_reports_by_its_exit_status(built, capsys):
    assert not notebooks.main(["check"])
    sources.notebook_path("01_toy").write_text("{")
    assert notebooks.main(["check"])
    assert "01_toy.ipynb: not a notebook" in capsys.readouterr().out


# --- the strict comparison -------------------------------------------------------------------------------


def nbval(*arguments, **environment):
    """Run pytest on the toy chapter as `make test` does; return its exit status and what it printed."""
    command = [sys.executable, "-m", "pytest", "-p", "conftest", "-p", "no:cacheprovider", "--nbval"]
    command += ["--nbval-current-env", "--nbval-sanitize-with", "tests/nbval_sanitize.cfg", *arguments]
    env = os.environ | {"PYTHONPATH": str(ROOT), "CI": "", "DLCOURSE_NOTEBOOKS": "strict"} | environment
    path = str(sources.notebook_path("01_toy"))
    result = subprocess.run([*command, path], cwd=ROOT, env=env, capture_output=True, text=True, timeout=300)
    return result.returncode, result.stdout + result.stderr


ROOT = sources.ROOT  # before any test points it elsewhere


def change_output(word, change):
    """Apply `change` to the last output of the cell with `word` and write the notebook back."""
    notebook = sources.stored("01_toy")
    change(code(notebook, word).outputs[-1])
    nbformat.write(notebook, sources.notebook_path("01_toy"))


def draw_over(output):
    image = Image.open(io.BytesIO(base64.b64decode(output.data["image/png"]))).convert("RGBA")
    ImageDraw.Draw(image).line([(0, 0), image.size], fill=(255, 0, 0, 255), width=2)
    buffer = io.BytesIO()
    image.save(buffer, format="png")
    output.data["image/png"] = base64.b64encode(buffer.getvalue()).decode()


def test_stored_outputs_reproduce_with_semicolons_widgets_and_timings(chapter):
    notebooks.build(chapter(SETUP + NUMBERS + FIGURE + WIDGETS + TIMING))
    status, printed = nbval()
    assert status == 0, printed
    assert "5 passed" in printed


def test_a_changed_number_and_a_drawn_over_figure_fail_in_their_cells_alone(built):
    change_output("total;", lambda output: output.update(text="total 6.1\n"))
    change_output("ax.plot", draw_over)
    status, printed = nbval()
    assert status == 1 and "2 failed, 1 passed" in printed
    assert "total 6.1" in printed and "mismatch 'image/png'" in printed


def test_on_another_platform_only_exceptions_count(built):
    change_output("total;", lambda output: output.update(text="total 6.1\n"))
    status, printed = nbval("-v", DLCOURSE_NOTEBOOKS="lax")
    assert status == 0 and "lax" in printed


# --- Without Rust ----------------------------------------------------------------------------------------

RUST = """# Rust

```{code-cell}
%load_ext dlcourse.course.rust
```

```{code-cell}
%%rust --out answer
fn main() { println!("{}", 42); }
```

```{code-cell}
double = 2 * answer
```

```{code-cell}
print(double)
```

```{code-cell}
double = 3
print(double)
```

```{code-cell}
print(double + 1)
```
"""


@pytest.mark.parametrize(
    "cell, needs",
    [
        ("print(answer)", True),
        ("answer = answer + 1", True),
        ("def f():\n    return answer", True),
        ("if True:\n    with open(answer) as file:\n        pass", True),
        ('check("lib")', True),
        ("answer = 1\nprint(answer)", False),
        ("for answer in range(3):\n    print(answer)", False),
        ("def f(answer):\n    other = answer", False),
        ("[answer for answer in range(3)]", False),
        ("{answer: 2 for answer in range(3)}", False),
        ("x = [[answer] + [b for b in range(answer)] for answer in {answer for answer in 'ab'}]", False),
        ("[b for b in answer]", True),
        ("{b: answer for b in range(3)}", True),
        ("print('answer')", False),
        ("%time print(1)", False),
    ],
)
def test_what_needs_rust_is_found_by_the_names_it_reads(cell, needs):
    first = nbformat.v4.new_code_cell("%%rust --out answer")
    library = nbformat.v4.new_code_cell("%%rust --lib lib")
    found = conftest.needing_rust([first, library, nbformat.v4.new_code_cell(cell)])
    assert found == ({0, 1, 2} if needs else {0, 1})


@pytest.fixture
def path_without_rust():
    """A search path on which nothing is called rustc."""
    folders = os.environ["PATH"].split(os.pathsep)
    return os.pathsep.join(folder for folder in folders if not shutil.which("rustc", path=folder))


@pytest.mark.skipif(not shutil.which("rustc"), reason="missing tool: rustc, from https://rustup.rs")
def test_without_rustc_its_cells_and_what_needs_them_are_skipped_but_fail_on_ci(chapter, path_without_rust):
    notebooks.build(chapter(RUST))
    status, printed = nbval("-rs", PATH=path_without_rust)
    assert status == 0 and "3 passed, 3 skipped" in printed and "missing tool: rustc" in printed
    status, printed = nbval(PATH=path_without_rust, CI="true")
    assert status == 1 and "3 passed, 3 errors" in printed and "On CI nothing may be skipped" in printed


def test_a_skip_for_want_of_a_gpu_is_no_failure_on_ci(tmp_path):
    (tmp_path / "test_gpu.py").write_text("import pytest\ndef test_x():\n    pytest.skip('needs a GPU')\n")
    command = [sys.executable, "-m", "pytest", "-p", "conftest", "-p", "no:cacheprovider", str(tmp_path)]
    env = os.environ | {"PYTHONPATH": str(ROOT), "CI": "true"}
    assert subprocess.run(command, cwd=tmp_path, env=env, capture_output=True).returncode == 0
