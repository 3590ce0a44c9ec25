"""Check a student's notebook from the command line: its cells, in a fresh kernel, by exercise."""

import copy

import nbformat

from dlcourse.course import sources

SECONDS = 120  # for one cell; an endless loop inside an answer is stopped much earlier by `check`


def groups(notebook):
    """The code cells of each exercise, {name: [those from the text to the check]}, the student's own too."""
    found, cells, inside, name = {}, [], False, None
    for cell in notebook.cells:
        role = sources.role(cell)
        if role == sources.TEXT:
            cells, inside, name = [], True, None
        if inside and cell.cell_type == "code":
            cells.append(cell)
        if role == sources.SOLUTION:
            name = cell.metadata.get("name")
        if role == sources.CHECK and inside and name:
            found[name], inside = cells, False
    return found


def check_notebook(path, names=None):
    """Run the set-up cells and the exercises (None: all), print each verdict; True if all are right.

    Raises ValueError where the notebook or an exercise in it is missing.
    """
    if not path.exists():
        raise ValueError(f"expected your notebook {path}: `dlcourse start` writes it")
    notebook = nbformat.read(path, as_version=4)
    known = groups(notebook)
    names = list(known) if names is None else names
    if missing := [name for name in names if name not in known]:
        raise ValueError(f"{path}: expected the cells of {', '.join(missing)}; were they renamed or deleted?")
    part = copy.deepcopy(notebook)
    setup = [cell for cell in notebook.cells if cell.cell_type == "code" and "setup" in sources.tags(cell)]
    ours = {e.name: sources.visible(e.check) for e in sources.exercises(sources.read(path.stem))}
    answers = [cell for name in names for cell in _with_our_check(known[name], ours[name])]
    part.cells = copy.deepcopy([*setup, *answers])
    _execute(part, path.parent)
    verdicts, rest = [], iter(part.cells[len(setup) :])
    failed = _errors(part.cells[: len(setup)])
    for name in names:
        cells = [next(rest) for _ in known[name]]
        errors = failed + _errors(cells)
        passed = not errors and any("✓" in out.get("text", "") for out in cells[-1].outputs)
        printed = [out.text.rstrip() for out in cells[-1].outputs if out.output_type == "stream"]
        print("\n".join(errors[:1] or printed) or f"✗ {name}: its check cell said nothing")
        verdicts.append(passed)
    return all(verdicts)


def _with_our_check(cells, text):
    """The student's cells, but the author's check: theirs may have been changed, or `check` rebound."""
    last = copy.deepcopy(cells[-1])
    last.source = f"from dlcourse.course.exercises import check\n\n{text}"
    return [*cells[:-1], last]


def _execute(notebook, folder):
    from dlcourse.course import kernel  # nbclient takes half a second to import

    resources = {"metadata": {"path": str(folder)}}
    kernel.client(notebook, timeout=SECONDS, allow_errors=True, resources=resources).execute()


def _errors(cells):
    outputs = [out for cell in cells for out in cell.outputs if out.output_type == "error"]
    shown = (out.evalue if out.ename == "CheckFailed" else f"✗ {out.ename}: {out.evalue}" for out in outputs)
    return list(shown)
