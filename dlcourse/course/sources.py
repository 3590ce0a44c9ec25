"""The one reader of chapters: what the author wrote, and every version that is made from it.

An author marks an exercise with tags, one name and points; `read` adds the metadata that nbgrader wants.
Book, student notebook, assignment and tests all come from here, so they cannot disagree about a marker.
"""

import copy
import functools
import hashlib
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import jupytext
import nbformat
import yaml

from dlcourse.course import markers, readable, repository
from dlcourse.course.exercises import Exercise, entries

stub, solved, visible, is_rust = markers.stub, markers.solved, markers.visible, markers.is_rust

ROOT = Path(__file__).resolve().parents[2]

KERNELSPEC = {"display_name": "Python 3", "language": "python", "name": "python3"}
LANGUAGE = {
    "codemirror_mode": {"name": "ipython", "version": 3},
    "file_extension": ".py",
    "mimetype": "text/x-python",
    "name": "python",
    "pygments_lexer": "ipython3",
}

TEXT, SOLUTION, CHECK = EXERCISE = ("exercise", "exercise-solution", "exercise-check")
GRADES = {
    TEXT: {"grade": False, "locked": True, "solution": False, "cell_type": "markdown"},
    SOLUTION: {"grade": False, "locked": False, "solution": True},
    CHECK: {"grade": True, "locked": True, "solution": False},
}
SUFFIX = {TEXT: "text", SOLUTION: "code", CHECK: "check"}


class SourceError(ValueError):
    """A chapter's source is damaged; the message is one line that names file and cell."""


@dataclass(frozen=True)
class ExerciseSource:
    """One exercise as its author wrote it: statement, solution with markers, check with hidden tests."""

    name: str
    text: str
    solution: str
    check: str
    points: float
    language: str


def source_path(slug):
    return ROOT / "notebooks" / f"{slug}.md"


def notebook_path(slug):
    return ROOT / "notebooks" / f"{slug}.ipynb"


def toc_files():
    """The files named in book/_toc.yml, in order and without suffix."""

    def files(node):
        if isinstance(node, dict):
            yield from (str(node[key]) for key in ("root", "file") if key in node)
        for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
            yield from files(child)

    return list(files(_toc()))


def parts():
    """(caption, [files of the part]) for each part of book/_toc.yml; a file's sections stand behind it."""

    def files(entry):
        return [entry["file"], *(name for below in entry.get("sections", ()) for name in files(below))]

    return [
        (part["caption"], [name for entry in part["chapters"] for name in files(entry)])
        for part in _toc().get("parts", ())
    ]


def _toc():
    return _parsed((ROOT / "book" / "_toc.yml").read_text(encoding="utf-8"))


_parsed = functools.lru_cache(maxsize=4)(yaml.safe_load)  # a build asks for the chapters a thousand times


def chapters():
    """The chapters' slugs, in the order of book/_toc.yml."""
    return [Path(file).name for file in toc_files() if file.startswith("notebooks/")]


def tags(cell):
    return cell.metadata.get("tags", [])


def role(cell):
    """Which part of an exercise the cell is: TEXT, SOLUTION, CHECK or None."""
    return next((tag for tag in EXERCISE if tag in tags(cell)), None)


# --- Reading -----------------------------------------------------------------------------------------


def read(slug):
    """The chapter `slug` as its .md gives it: expanded metadata, fixed ids, nothing executed.

    Raises SourceError when the file is missing or damaged, or an exercise is incomplete.
    """
    path = source_path(slug)
    try:
        text = path.read_text(encoding="utf-8")
        _expect_fences(text)
        notebook = jupytext.reads(text, fmt="md:myst")
    except FileNotFoundError:
        raise SourceError(f"{path.name}: no such chapter in {path.parent.name}/") from None
    except Exception as error:  # jupytext passes on whatever its parsers raise
        raise SourceError(f"{path.name}: {' '.join(str(error).split())}") from None
    notebook.metadata = nbformat.from_dict(
        {"kernelspec": KERNELSPEC, "language_info": LANGUAGE, "dlcourse": {"chapter": slug}}
    )
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    for number, cell in enumerate(notebook.cells, 1):
        try:
            _expect_cell(cell)
        except ValueError as error:
            raise _error(path, number, cell, error) from None
    _name_exercises(notebook, path)
    _number(notebook)
    return notebook


def stored(slug):
    """The executed notebook of the chapter; SourceError when it is missing or damaged."""
    path = notebook_path(slug)
    try:
        return nbformat.read(path, as_version=nbformat.NO_CONVERT)
    except FileNotFoundError:
        raise SourceError(f"{path.name}: missing; `make notebooks` writes it") from None
    except Exception as error:
        raise SourceError(f"{path.name}: not a notebook: {' '.join(str(error).split())[:200]}") from None


def _error(path, number, cell, message):
    first = next((line for line in cell.source.splitlines() if line.strip()), "empty")[:50]
    return SourceError(f"{path.name}, cell {number} (`{first}`): {message}")


def _expect_fences(text):
    """ValueError for a fence that is never closed: the parser would swallow the cells after it, silently."""
    fence, start = "", 0
    for number, line in enumerate(text.splitlines(), 1):
        found = re.match(r"\s*(`{3,}|~{3,})(.*)", line)
        if fence and re.match(r"`{3,}\{code-cell\}", line) and len(fence) == 3:
            raise ValueError(f"line {number}: a code cell begins inside the fence of line {start}")
        if found and not fence:
            fence, start = found[1], number
        elif found and found[1].startswith(fence) and not found[2].strip():
            fence = ""
    if fence:
        raise ValueError(f"line {start}: this fence is never closed")


def _expect_cell(cell):
    """ValueError for a cell whose markers, tags or metadata do not fit together."""
    kinds = markers.kinds(cell.source) if cell.cell_type == "code" else set()
    if not isinstance(tags(cell), list):
        raise ValueError(f"expected tags as a list, got {tags(cell)!r}")
    part = role(cell)
    if part and (cell.cell_type == "markdown") != (part == TEXT):
        raise ValueError(f"the tag `{part}` stands on a {cell.cell_type} cell")
    if part == SOLUTION and "SOLUTION" not in kinds:
        raise ValueError("expected a solution between BEGIN SOLUTION and END SOLUTION, got none")
    if "SOLUTION" in kinds and part != SOLUTION:
        raise ValueError(f"a solution marker in a cell without the tag `{SOLUTION}`")
    if "HIDDEN TESTS" in kinds and part != CHECK:
        raise ValueError(f"hidden tests in a cell without the tag `{CHECK}`")


def _groups(notebook, fail):
    """Collect the cells of each exercise: {TEXT: cell, SOLUTION: cell, CHECK: cell} in reading order."""
    group = {}
    for number, cell in enumerate(notebook.cells, 1):
        part = role(cell)
        if part is None:
            continue
        wanted = EXERCISE[len(group)]
        if part != wanted:
            after = f" after `{EXERCISE[len(group) - 1]}`" if group else ""
            raise fail(number, cell, f"expected a cell tagged `{wanted}`{after}, got `{part}`")
        group[part] = number, cell
        if part == CHECK:
            yield group
            group = {}
    if group:
        number, cell = list(group.values())[-1]
        raise fail(number, cell, f"expected a cell tagged `{EXERCISE[len(group)]}` after it, got none")


def _name_exercises(notebook, path):
    """Write nbgrader's metadata; SourceError for a missing or repeated name, or missing points."""

    def fail(*place_and_message):
        return _error(path, *place_and_message)

    seen = set()
    for group in _groups(notebook, fail):
        number, cell = group[SOLUTION]
        name = cell.metadata.get("name", "")
        if not re.fullmatch(r"[A-Za-z][\w-]{0,56}", name, re.ASCII):
            raise fail(number, cell, f"expected `:name:` with letters, digits, - or _, got {name!r}")
        if name in seen:
            raise fail(number, cell, f"the name `{name}` is taken by an earlier exercise")
        seen.add(name)
        points = group[CHECK][1].metadata.get("points")
        if isinstance(points, bool) or not isinstance(points, int | float) or not points > 0:
            raise fail(*group[CHECK], f"expected positive `:points:` for `{name}`, got {points}")
        for part, (_, cell) in group.items():
            grade = {"grade_id": f"{name}-{SUFFIX[part]}", "schema_version": 3, "task": False, **GRADES[part]}
            cell.metadata["nbgrader"] = grade | ({"points": points} if part == CHECK else {})


def _number(notebook):
    """Give every cell an id that depends on the chapter's text alone."""
    seen = Counter()
    for cell in notebook.cells:
        plain = hashlib.sha256(cell.source.encode()).hexdigest()[:8]
        name = cell.metadata.get("nbgrader", {}).get("grade_id", plain)
        seen[name] += 1
        cell["id"] = name if seen[name] == 1 else f"{name}-{seen[name]}"


# --- Versions ----------------------------------------------------------------------------------------


def exercises(notebook):
    """The exercises of a chapter as `ExerciseSource`s, in reading order."""
    result = []
    for group in _groups(notebook, lambda number, cell, text: SourceError(f"cell {number}: {text}")):
        text, solution, check = (group[part][1] for part in EXERCISE)
        grade = check.metadata.nbgrader
        name = grade.grade_id.removesuffix("-check")
        result.append(
            ExerciseSource(
                name,
                text.source,
                solution.source,
                check.source,
                grade.points,
                markers.language(solution.source),
            )
        )
    return result


def released(notebook):
    """A copy without answers: stubs for solutions, no hidden tests, no outputs."""
    result = copy.deepcopy(notebook)
    result.metadata.pop("widgets", None)
    for cell in result.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
        if role(cell) == SOLUTION:
            cell.source = stub(cell.source)
        elif role(cell) == CHECK:
            cell.source = visible(cell.source)
    return result


def _vocabulary(notebook):
    bibliography = ROOT / "book" / "references.bib"
    return readable.vocabulary(notebook, bibliography.read_text("utf-8") if bibliography.exists() else "")


def student(notebook):
    """What a learner downloads: no answers, captions as text, and Markdown that JupyterLab can show.

    `notebook` is the executed one: its stored numbers replace the `{glue:text}` roles.
    """
    result = released(notebook)
    words = _vocabulary(notebook)
    for cell in result.cells:
        if cell.cell_type == "markdown":
            cell.source = readable.plain(cell.source, words) + _facts(cell)
    result.cells = [new for cell in result.cells for new in (cell, *_caption(cell, words))]
    first = next((i for i, cell in enumerate(result.cells) if cell.cell_type == "code"), len(result.cells))
    result.cells.insert(first, _first_cell())
    for cell in result.cells:
        for key in ("nbgrader", "mystnb"):
            cell.metadata.pop(key, None)
    stops = {cell.id for cell in (*_using_answers(result), *_calling_rustc(result))}
    for cell in result.cells:  # "run all" goes on past an exercise that is not solved yet, and without Rust
        if cell.id in stops:
            cell.metadata["tags"] = [*tags(cell), "raises-exception"]
    return result


def _first_cell():
    """The first code cell of a learner's notebook: a chapter runs without PyTorch, too, and on Colab."""
    text = "# Without PyTorch, what needs it is left out and says so.\n%load_ext dlcourse.course.light"
    if found := repository.address(ROOT):
        text = f"{repository.bring(found)}\n{text}"
    return nbformat.v4.new_code_cell(text, metadata={"tags": ["setup"]}, id="light-start")


def _using_answers(notebook):
    """The cells of the exercises, and those after an exercise that call its function or class."""
    names = set()
    for cell in notebook.cells:
        if role(cell) == SOLUTION and "name" in cell.metadata:
            names.add(cell.metadata["name"])
        used = names and re.search(rf"(?<![\w.])({'|'.join(names)})\(", cell.source)
        if cell.cell_type == "code" and (role(cell) or used and not is_rust(cell.source)):
            yield cell


def _calling_rustc(notebook):
    """The Python cells that need Rust; a `%%rust` cell says by itself that there is none."""
    return [
        c for c in notebook.cells if c.cell_type == "code" and "rust" in tags(c) and not is_rust(c.source)
    ]


def _facts(cell):
    """What the student should know of an exercise besides its text; empty for other cells."""
    name = cell.metadata.get("nbgrader", {}).get("grade_id", "").removesuffix("-text")
    known = {e.name: e for e in entries() if isinstance(e, Exercise)} if role(cell) == TEXT else {}
    return f'\n\n*{known[name].facts} · stuck? Run* `hint("{name}")`' if name in known else ""


def _caption(cell, words):
    """The Markdown cell that follows a figure, since JupyterLab does not show the caption: one or none."""
    figure = cell.metadata.get("mystnb", {}).get("figure", {})
    if "caption" not in figure:
        return []
    number = words["labels"].get(figure.get("name"), "Figure")
    text = f"*{number}.* {readable.plain(figure['caption'], words)}"
    return [nbformat.v4.new_markdown_cell(text, id=f"{cell.id[:56]}-caption")]


def assignment(notebook):
    """nbgrader's source version: the set-up cells and the exercises, with solutions and hidden tests."""
    result = copy.deepcopy(notebook)
    words = _vocabulary(notebook)
    result.metadata.pop("widgets", None)
    result.cells = [cell for cell in result.cells if role(cell) or "setup" in tags(cell)]
    for cell in result.cells:
        cell.metadata.pop("mystnb", None)
        if cell.cell_type == "markdown":
            cell.source = readable.plain(cell.source, words)
        else:
            cell.outputs, cell.execution_count = [], None
    return result
