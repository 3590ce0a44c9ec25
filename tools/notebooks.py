"""`make notebooks`: execute the chapters that changed (FORCE=1: all, CH=07: one, TIMINGS=1: with new times).

`build` writes notebooks/NN_slug.ipynb from NN_slug.md, the same bytes every time; `check` executes nothing
and reports where the two differ. "Changed" is judged by the .md: after a change in dlcourse use FORCE=1.
Where only the text changed, the cells keep the outputs they have.
"""

import argparse
import copy
import hashlib
import json
import os
import sys
import tempfile

import nbformat
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

from dlcourse.course import atomic, kernel, sources
from tools.environment import ONE_THREAD

ENVIRONMENT = ONE_THREAD | {"PYTHONHASHSEED": "0", "COLUMNS": "80", "DLCOURSE_DEVICE": "cpu"}
WIDGETS = "application/vnd.jupyter.widget-state+json"
LARGEST = 1_000_000  # bytes: a notebook is read, compared and downloaded whole
SECONDS = 600  # for one cell


class BuildError(RuntimeError):
    """A chapter cannot be built; the message names chapter and cell."""


# --- Build -------------------------------------------------------------------------------------------


def kernel_environment(folder):
    """What a chapter's kernel sees: fixed threads and hash seed, nobody's progress or IPython settings."""
    private = {"DLCOURSE_HOME": f"{folder}/home", "IPYTHONDIR": f"{folder}/ipython"}
    return {k: v for k, v in os.environ.items() if k != "MPLBACKEND"} | ENVIRONMENT | private


def execute(notebook, slug):
    """Run all cells in a new kernel, in place. Raises BuildError with the failing cell's own message."""
    with tempfile.TemporaryDirectory() as folder:
        client = kernel.client(
            notebook,
            timeout=SECONDS,
            extra_arguments=["--log-level=40"],  # errors only: it warns about TCP at every start
            resources={"metadata": {"path": str(sources.ROOT / "notebooks")}},
            record_timing=False,
            coalesce_streams=True,
            store_widget_state=True,
        )
        try:
            client.execute(env=kernel_environment(folder))
        except CellExecutionError as error:
            number = 1 + next(i for i, cell in enumerate(notebook.cells) if _failed(cell))
            raise BuildError(f"{slug}, cell {number} failed:\n{error}") from None
        except (CellTimeoutError, DeadKernelError) as error:
            raise BuildError(f"{slug}: {error}") from None


def _failed(cell):
    expected = "raises-exception" in sources.tags(cell)
    return not expected and any(out.output_type == "error" for out in cell.get("outputs", []))


def clean(notebook, source):
    """Remove what differs from run to run: clock times, the interpreter's version."""
    notebook.metadata.update(copy.deepcopy(source.metadata))  # nbclient adds the kernel's description
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)


def keep_timings(notebook, old):
    """Put the stored outputs of unchanged `timing` cells back: a rebuild must not change them."""
    stored = {cell.id: cell for cell in old.cells if cell.cell_type == "code"}
    for cell in notebook.cells:
        before = stored.get(cell.id)
        if "timing" in sources.tags(cell) and before is not None and before.source == cell.source:
            cell.outputs = before.outputs


def fixed_widget_ids(notebook, slug):
    """Rename the widgets' random ids, in order of creation, wherever they occur."""
    text = nbformat.writes(notebook)
    for count, old in enumerate(notebook.metadata.get("widgets", {}).get(WIDGETS, {}).get("state", {})):
        text = text.replace(old, hashlib.sha256(f"{slug}/{count}".encode()).hexdigest()[:32])
    return nbformat.reads(text, as_version=nbformat.NO_CONVERT)


def write(notebook, path):
    """Validate and write at once or not at all. Raises BuildError above one megabyte."""
    nbformat.validate(notebook)
    text = nbformat.writes(notebook).rstrip("\n") + "\n"
    if (size := len(text.encode())) > LARGEST:
        cells = [(len(json.dumps(cell.get("outputs", []))), n) for n, cell in enumerate(notebook.cells, 1)]
        most, number = max(cells)
        limit = f"{path.name}: expected at most {LARGEST:,} bytes, got {size:,}"
        raise BuildError(f"{limit}; cell {number} alone puts out {most:,}")
    atomic.write(path, text)


def with_stored_outputs(source, old):
    """The new text around the cells and outputs of `old`; None if the cells differ or never ran."""
    stored = {cell.id: cell for cell in old.cells if cell.cell_type == "code"}
    cells = [cell for cell in source.cells if cell.cell_type == "code"]
    parts = [[(c.id, c.source, c.metadata) for c in some] for some in (cells, stored.values())]
    if parts[0] != parts[1] or unexecuted(old):
        return None
    notebook = copy.deepcopy(source)
    notebook.cells = [stored.get(cell.id, cell) for cell in notebook.cells]
    if "widgets" in old.metadata:
        notebook.metadata["widgets"] = old.metadata["widgets"]
    return notebook


def build(slug, *, force=False, timings=False):
    """Bring the chapter's .ipynb up to date; return what was done: "executed", "text renewed" or ""."""
    source = sources.read(slug)
    try:
        old = sources.stored(slug)
    except sources.SourceError:  # missing or damaged: then it is written anew
        old = None
    if old is not None and not force:
        if not differences(source, old):
            return ""
        if (notebook := with_stored_outputs(source, old)) is not None:
            write(notebook, sources.notebook_path(slug))
            return "text renewed"
    notebook = copy.deepcopy(source)
    execute(notebook, slug)
    clean(notebook, source)
    notebook = fixed_widget_ids(notebook, slug)
    if old is not None and not timings:
        keep_timings(notebook, old)
    write(notebook, sources.notebook_path(slug))
    return "executed"


# --- Check -------------------------------------------------------------------------------------------


def differences(source, notebook):
    """What in the executed `notebook` does not come from `source`: a list of lines, empty when they agree."""
    constant = {key: value for key, value in notebook.metadata.items() if key != "widgets"}
    problems = [] if constant == source.metadata else ["the notebook's metadata differ"]
    if len(source.cells) != len(notebook.cells):
        problems.append(f"expected {len(source.cells)} cells, got {len(notebook.cells)}")
    for number, (wanted, cell) in enumerate(zip(source.cells, notebook.cells), 1):
        for part in ("cell_type", "source", "metadata", "id"):
            if wanted[part] != cell.get(part):
                problems.append(f"cell {number} differs ({part})")
                break
    return problems


def unexecuted(notebook):
    """Cells that were not run in order, from 1, or that ended in an error nobody announced."""
    problems, count = [], 0
    for number, cell in enumerate(notebook.cells, 1):
        if cell.cell_type != "code" or not cell.source.strip():
            continue
        count += 1
        if cell.execution_count != count:
            problems.append(f"cell {number}: expected execution count {count}, got {cell.execution_count}")
        if _failed(cell):
            problems.append(f"cell {number}: an error is stored; tag the cell `raises-exception` or mend it")
    return problems


def check():
    """Compare every chapter's source with its notebook; return the problems as lines."""
    folder, problems = sources.ROOT / "notebooks", []
    slugs = {path.stem for path in folder.glob("*.md")}
    for path in sorted(folder.glob("*.ipynb")):
        if path.stem not in slugs:
            problems.append(f"{path.name}: a notebook without its source {path.stem}.md")
    for slug in sorted(slugs):
        try:
            source, notebook = sources.read(slug), sources.stored(slug)
            nbformat.validate(notebook)
        except (sources.SourceError, nbformat.ValidationError) as error:
            problems.append(str(error).split("\n")[0])
            continue
        found = differences(source, notebook) + unexecuted(notebook)
        rest = [f"and {len(found) - 3} more"] if len(found) > 3 else []  # one new cell moves all after it
        problems += [f"{slug}.ipynb: {line}; `make notebooks` mends it" for line in found[:3] + rest]
    return problems


# --- Command line ------------------------------------------------------------------------------------


def selected(words):
    """The chapters meant by numbers or slugs ("7", "07", "07_perceptron_xor"); all of them for no words."""
    known = sources.chapters()
    chosen = []
    for word in words:
        found = [slug for slug in known if word == slug or word.zfill(2) == slug.split("_")[0]]
        if not found:
            raise BuildError(f"expected one of the chapters {', '.join(known)}, got {word!r}")
        chosen += found
    return chosen or known


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m tools.notebooks")
    parser.add_argument("task", choices=["build", "check"])
    parser.add_argument("chapters", nargs="*", metavar="CHAPTER", help="number or slug; default: CH, or all")
    parser.add_argument("--force", action="store_true", default=os.environ.get("FORCE", "") not in ("", "0"))
    options = parser.parse_args(arguments)
    if options.task == "check":
        problems = check()
        print("\n".join(problems) or "Sources and notebooks agree.")
        return bool(problems)
    timings = os.environ.get("TIMINGS", "") not in ("", "0")
    try:
        for slug in selected(options.chapters or os.environ.get("CH", "").split()):
            done = build(slug, force=options.force, timings=timings)
            print(f"{slug}: {done or 'up to date'}", flush=True)
    except (BuildError, sources.SourceError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
