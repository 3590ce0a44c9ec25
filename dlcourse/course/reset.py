"""Give an exercise, or a whole chapter, of the student's notebook its empty stub back; a backup comes first.

The backup stands beside the notebooks in `backup/`, complete and on the disk, before anything is changed.
"""

import os

import nbformat

from dlcourse.course import atomic, sources

BACKUPS = "backup"


def back_up(path):
    """Copy a notebook to backup/NAME-N.ipynb beside it, with the first free N; return the copy's path."""
    folder = path.parent / BACKUPS
    folder.mkdir(exist_ok=True)
    number = 1
    while True:
        copy = folder / f"{path.stem}-{number}{path.suffix}"
        try:
            with copy.open("xb") as file:  # never over an older backup
                file.write(path.read_bytes())
                file.flush()
                os.fsync(file.fileno())
            return copy
        except FileExistsError:
            number += 1


def reset_chapter(path, slug):
    """Replace the notebook by a fresh one; return the path of the backup."""
    copy = back_up(path)
    atomic.write(path, nbformat.writes(sources.student(sources.stored(slug))) + "\n")
    return copy


def reset_exercise(path, slug, name):
    """Replace the answer's cell by the stub and keep every other cell; return the path of the backup.

    Where the answer's cell is gone, the three cells of the exercise are appended at the end. Raises
    ValueError where the notebook cannot be read.
    """
    try:
        notebook = nbformat.read(path, as_version=4)
        nbformat.writes(notebook)  # what could not be written again is refused before anything changes
        answers = [
            c
            for c in notebook.cells
            if sources.role(c) == sources.SOLUTION and c.metadata.get("name") == name
        ]
    except Exception as error:
        reason = " ".join(str(error).split())[:120]
        raise ValueError(
            f"{path} is not a notebook ({reason}); `dlcourse reset {slug}` makes a new one"
        ) from None
    fresh = {sources.role(c): c for c in exercise_cells(sources.student(sources.stored(slug)), name)}
    copy = back_up(path)
    for cell in answers:
        cell.source, cell.outputs, cell.execution_count = fresh[sources.SOLUTION].source, [], None
    if not answers:
        taken = {cell.get("id") for cell in notebook.cells}
        for cell in fresh.values():
            if cell.id in taken:
                cell["id"] = f"{cell.id[:50]}-again"
            notebook.cells.append(cell)
    atomic.write(path, nbformat.writes(notebook) + "\n")
    return copy


def exercise_cells(notebook, name):
    """The cells of one exercise in a fresh student notebook: text, answer and check."""
    cells, found = [], []
    for cell in notebook.cells:
        if sources.role(cell) == sources.TEXT:
            cells = []
        if sources.role(cell):
            cells.append(cell)
        if sources.role(cell) == sources.SOLUTION and cell.metadata.get("name") == name:
            found = cells
    return found
