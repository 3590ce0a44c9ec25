"""Whose submission a file is: folders as nbgrader, a learning platform or a colleague leaves them.

    FOLDER/STUDENT/ASSIGNMENT/any.ipynb    FOLDER/STUDENT/any.ipynb    FOLDER/STUDENT.ipynb

Links are never followed: a link in a submission would hand its author another file to look at.
"""

import os
import re
import stat
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

LARGEST = 150_000_000  # bytes of one file
MOST_FILES, DEEPEST = 200, 4


@dataclass
class Submission:
    """All that one student handed in: notebooks, and words about what was not taken."""

    student: str
    folder: Path
    files: list = field(default_factory=list)
    notes: list = field(default_factory=list)

    def digest(self):
        """Changes with every byte handed in."""
        total = sha256(self.student.encode())
        for file in self.files:
            total.update(str(file.relative_to(self.folder)).encode("utf-8", "surrogateescape"))
            total.update(sha256(data_of(file)).digest())
        total.update("\n".join(self.notes).encode())
        return total.hexdigest()


def data_of(file):
    """The bytes of a plain file; OSError where it has become a link."""
    with open(os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as opened:
        return opened.read(LARGEST + 1)


def student_id(name):
    """A folder's name as an id for gradebook and file names; other characters become _ and a checksum."""
    clean = re.sub(r"[^\w.@+-]", "_", name.encode("utf-8", "replace").decode()).lstrip(".")[:80]
    return clean if clean == name else f"{clean}-{sha256(os.fsencode(name)).hexdigest()[:6]}"


def collect(folder):
    """The submissions in a folder, sorted by student; ValueError where there is no folder."""
    folder = Path(folder)
    if not folder.is_dir():
        raise ValueError(f"expected a folder of submissions, got {folder}")
    found = []
    for entry in sorted(os.scandir(folder), key=lambda e: os.fsencode(e.name)):
        if entry.name.startswith("."):
            continue
        if entry.is_symlink():
            notes = ["what was handed in is a link: not followed"]
            found.append(Submission(student_id(entry.name.removesuffix(".ipynb")), folder, [], notes))
        elif entry.is_dir():
            submission = Submission(student_id(entry.name), Path(entry.path))
            _walk(submission, Path(entry.path), 0)
            found.append(submission)
        elif entry.name.endswith(".ipynb"):
            submission = Submission(student_id(entry.name.removesuffix(".ipynb")), folder)
            _take(submission, Path(entry.path))
            found.append(submission)
    return found


def _walk(submission, folder, depth):
    try:
        entries = sorted(os.scandir(folder), key=lambda e: os.fsencode(e.name))
    except OSError as error:
        submission.notes.append(f"a folder cannot be read: {error.strerror}")
        return
    for entry in entries:
        if entry.name.startswith(".") or entry.name == "__MACOSX":
            continue
        if entry.is_symlink():
            submission.notes.append(f"{shown(entry.name)} is a link: not followed")
        elif entry.is_dir() and depth < DEEPEST:
            _walk(submission, Path(entry.path), depth + 1)
        elif entry.name.endswith(".ipynb"):
            _take(submission, Path(entry.path))


def _take(submission, path):
    state = path.lstat()
    if not stat.S_ISREG(state.st_mode):
        submission.notes.append(f"{shown(path.name)} is no plain file")
    elif state.st_size > LARGEST:
        size = f"{state.st_size / 1e6:,.0f} MB, more than {LARGEST / 1e6:,.0f}"
        submission.notes.append(f"{shown(path.name)} has {size}: clear its outputs and hand it in again")
    elif len(submission.files) >= MOST_FILES:
        submission.notes.append(f"more than {MOST_FILES} notebooks: the rest was left out")
    else:
        submission.files.append(path)


def shown(name):
    """A file's name as text, whatever bytes it is made of."""
    return name.encode("utf-8", "replace").decode()[:80]


def chapter_of(file, said, plans):
    """The released chapter a notebook belongs to: by its words, folder or name, or as the only one."""
    for word in (said, file.parent.name, file.stem):
        for slug in plans:
            if word == slug or word.startswith(slug):
                return slug
    return next(iter(plans)) if len(plans) == 1 else None
