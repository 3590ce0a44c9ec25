"""Inside the sandbox: a submitted file in (stdin), its cells out (one line of JSON); standard library only.

Whatever students' tools made of a notebook is read as far as possible: other encodings and line ends,
version 3, missing fields. Outputs are left behind. What was not as it should be is said in `notes`.
"""

import json
import sys

MOST_CELLS, MOST_CHARACTERS, MOST_TEXT = 2_000, 200_000, 4_000_000


def text_of(data, notes):
    """The file as text: UTF-8 in most cases, else as Windows writes it."""
    for mark, encoding in ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if data.startswith(mark):
            return data.decode(encoding, "replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        notes.append("the file is not UTF-8: read as Windows-1252")
        return data.decode("cp1252", "replace")


def raw_cells(notebook, notes):
    """The cells as they are stored, of version 4 or 3."""
    version = notebook.get("nbformat")
    if isinstance(notebook.get("cells"), list):
        return notebook["cells"]
    if isinstance(notebook.get("worksheets"), list):
        notes.append(f"a notebook of version {version}: converted")
        sheets = [sheet.get("cells") for sheet in notebook["worksheets"] if isinstance(sheet, dict)]
        return [cell for cells in sheets if isinstance(cells, list) for cell in cells]
    raise ValueError("it has no cells")


def joined(value):
    """A source is a text or a list of texts."""
    parts = value if isinstance(value, list) else [value]
    return "".join(part for part in parts if isinstance(part, str))


def cell_of(raw):
    """What the grader needs of one cell; None where there is nothing to be had."""
    if not isinstance(raw, dict):
        return None
    kind = raw.get("cell_type")
    metadata = raw.get("metadata") if isinstance(raw.get("metadata"), dict) else {}
    nbgrader = metadata.get("nbgrader") if isinstance(metadata.get("nbgrader"), dict) else {}
    source = joined(raw.get("source", raw.get("input", "")))
    tags = metadata.get("tags") if isinstance(metadata.get("tags"), list) else []
    names = {"grade_id": nbgrader.get("grade_id"), "id": raw.get("id"), "name": metadata.get("name")}
    return {
        "code": kind == "code",
        "source": source.replace("\r\n", "\n").replace("\r", "\n")[:MOST_CHARACTERS],
        "tags": [tag for tag in tags if isinstance(tag, str)][:20],
        **{key: value[:200] if isinstance(value, str) else "" for key, value in names.items()},
    }


def read(data):
    """{"notes", "chapter", "cells"}, or {"reason"} where the file cannot be read at all."""
    notes = []
    try:
        notebook = json.loads(text_of(data, notes).replace("\x00", ""))
        if not isinstance(notebook, dict):
            raise ValueError("it is no notebook")
        found = raw_cells(notebook, notes)
    except RecursionError:
        return {"reason": "its file is nested too deeply to be read"}
    except MemoryError:
        return {"reason": "its file is too large to be read"}
    except json.JSONDecodeError as error:
        return {"reason": f"its file is no notebook: {error.msg} in line {error.lineno}"}
    except ValueError as error:
        return {"reason": f"its file cannot be read: {error}"}
    metadata = notebook.get("metadata") if isinstance(notebook.get("metadata"), dict) else {}
    course = metadata.get("dlcourse") if isinstance(metadata.get("dlcourse"), dict) else {}
    chapter = course.get("chapter")
    if len(found) > MOST_CELLS:
        notes.append(f"{len(found):,} cells: the first {MOST_CELLS:,} were read")
    cells, left = [], MOST_TEXT
    for cell in filter(None, map(cell_of, found[:MOST_CELLS])):
        left -= len(cell["source"])
        if left < 0:
            notes.append("more than 4 MB of code and text: the rest was not read")
            break
        cells.append(cell)
    return {"notes": notes, "chapter": chapter if isinstance(chapter, str) else "", "cells": cells}


if __name__ == "__main__":
    try:
        answer = json.dumps(read(sys.stdin.buffer.read()))
    except MemoryError:
        answer = '{"reason": "its file is too large to be read"}'
    print(answer, flush=True)
