"""Killed at any moment, or out of disk: what was there is still whole, and the next try succeeds.

The same for the answers of a student stands in test_reset and test_progress, for an interrupt in
test_checkpoint and test_download.
"""

import contextlib
import http.server
import multiprocessing
import os
import random
import shutil
import subprocess
import sys
import threading
import time

import nbformat
import numpy as np
import pytest

from dlcourse import checkpoint
from dlcourse.course import progress
from dlcourse.data.download import cached, folder
from tests import test_download
from tools import book, notebooks

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs fork, which Windows does not have")
KILLS = pytest.mark.parametrize("kills", [12, pytest.param(200, marks=pytest.mark.slow)])


def killed(work, *arguments, kills, within):
    """Start `work` in a process of its own and kill it after up to `within` seconds, again and again."""
    context, moments = multiprocessing.get_context("fork"), random.Random()
    for _ in range(kills):
        process = context.Process(target=work, args=arguments, daemon=True)
        process.start()
        time.sleep(moments.uniform(0, within))
        process.kill()
        process.join()
        yield


def counter():
    """A number that both processes see; without a lock, which a killed process would keep for ever."""
    return multiprocessing.get_context("fork").Value("i", 0, lock=False)


# --- kill -9 ---------------------------------------------------------------------------------------------


def save_for_ever(path, done):
    while True:
        number = done.value + 1
        checkpoint.save(path, {"weight": np.full(50_000, float(number))}, number=number)
        done.value = number


@KILLS
def test_a_checkpoint_is_the_last_one_or_the_one_before(kills, tmp_path):
    path, done = tmp_path / "model.safetensors", counter()
    checkpoint.save(path, {"weight": np.zeros(50_000)}, number=0)
    for _ in killed(save_for_ever, path, done, kills=kills, within=0.1):
        arrays, notes = checkpoint.load(path)
        assert notes["number"] in (done.value, done.value + 1)
        assert (arrays["weight"] == notes["number"]).all()
        done.value = notes["number"]
    assert done.value > 0
    checkpoint.save(path, {"weight": np.ones(3)})
    assert checkpoint.load(path)[0]["weight"].tolist() == [1, 1, 1]


def numbered(number):
    cells = [nbformat.v4.new_code_cell(f"x = {number}", id=f"cell-{i}") for i in range(200)]
    return nbformat.v4.new_notebook(cells=cells, metadata={"number": number})


def write_for_ever(path, done):
    while True:
        notebooks.write(numbered(done.value + 1), path)
        done.value += 1


@KILLS
def test_a_generated_notebook_is_whole(kills, tmp_path):
    path, done = tmp_path / "01_toy.ipynb", counter()
    notebooks.write(numbered(0), path)
    for _ in killed(write_for_ever, path, done, kills=kills, within=0.2):
        found = nbformat.read(path, as_version=4)
        assert found == numbered(found.metadata.number)
        assert found.metadata.number in (done.value, done.value + 1)
        done.value = found.metadata.number


PAGES = 100


def make_pages(solutions):
    """In place of Sphinx: pages in the folder where it builds, then the stamp."""
    pages = book.WORK / "_build" / "html"
    pages.mkdir(parents=True, exist_ok=True)
    (book.WORK / book.STAMP).unlink(missing_ok=True)
    for number in range(PAGES):
        (pages / f"{number}.html").write_text("page " * 200)
    (book.WORK / book.STAMP).write_text("machinery")


@pytest.fixture
def small_book(tmp_path, monkeypatch):
    """A book whose sources change with every build; its pages take milliseconds."""
    monkeypatch.setattr(book, "HTML", tmp_path / "build" / "html")
    monkeypatch.setattr(book, "WORK", tmp_path / "build" / "book")
    monkeypatch.setattr(book, "digest", lambda *_: str(time.time_ns()))
    monkeypatch.setattr(book, "build_pages", make_pages)
    monkeypatch.setattr(book.vendor, "fetch", lambda: None)
    return book.HTML


def build_for_ever(done):
    while True:
        book.build()
        done.value += 1


def complete(html):
    pages = list(html.glob("*.html"))
    return book.stamp(html) and len(pages) == PAGES and all(len(p.read_text()) == 1000 for p in pages)


@KILLS
def test_the_book_is_complete_or_not_there(kills, small_book):
    done = counter()
    for _ in killed(build_for_ever, done, kills=kills, within=0.3):
        assert not small_book.exists() or complete(small_book)
    assert book.build() and complete(small_book)
    left = {path.name for path in small_book.parent.iterdir()}
    assert left == {"html", "book", "book.lock"}


class Slow(test_download.Handler):
    """Sends a piece at a time, so that there is time to be killed in."""

    class Pieces:
        def __init__(self, file):
            self.file = file

        def write(self, data):
            for start in range(0, len(data), 2**14):
                time.sleep(0.002)
                self.file.write(data[start : start + 2**14])

        def __getattr__(self, name):
            return getattr(self.file, name)

    def handle(self):
        self.wfile = self.Pieces(self.wfile)
        with contextlib.suppress(OSError):  # the other side was killed
            super().handle()


@pytest.fixture
def url(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Slow)
    server.asked, server.breaks, server.resumes = [], None, True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/data.bin"
    server.shutdown()
    server.server_close()


def fetch(url):
    with open(os.devnull, "w") as null, contextlib.redirect_stderr(null):
        cached(url, test_download.SHA256, download=True)


@KILLS
def test_a_download_goes_on_after_each_kill(kills, url):
    target, arrived = folder() / "data.bin", 0
    for _ in killed(fetch, url, kills=kills, within=0.15):
        part = folder() / "data.bin.part"
        if target.exists():
            assert target.read_bytes() == test_download.DATA
            target.unlink()  # and from the beginning
            arrived = 0
        elif part.exists():
            assert test_download.DATA.startswith(part.read_bytes())
            assert part.stat().st_size >= arrived  # nothing that had arrived is lost
            arrived = part.stat().st_size
    fetch(url)
    assert target.read_bytes() == test_download.DATA


# --- A full disk -----------------------------------------------------------------------------------------


@pytest.fixture
def disk(tmp_path):
    """A folder, and a function that leaves no room in it (and returns one that gives it back).

    A file system of its own in memory where this may be mounted, else a limit on the size of files.
    """
    where = tmp_path / "disk"
    where.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=2m", "none", str(where)]
    mounted = shutil.which("mount") and subprocess.run(command, capture_output=True).returncode == 0

    def fill():
        if not mounted:
            import resource

            before = resource.getrlimit(resource.RLIMIT_FSIZE)
            resource.setrlimit(resource.RLIMIT_FSIZE, (64, before[1]))
            return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, before)
        filler = where / "filler"
        with contextlib.suppress(OSError), open(filler, "wb", buffering=0) as file:
            while True:
                file.write(bytes(2**12))
        return filler.unlink

    yield where, fill
    if mounted:
        subprocess.run(["umount", "--lazy", str(where)], check=True)


def tree(where):
    """Every file but the one that fills the disk, and what is in it."""
    files = (path for path in where.rglob("*") if path.is_file() and path.name != "filler")
    return {path.relative_to(where): path.read_bytes() for path in files}


WRITERS = {
    "checkpoint": lambda where, n: checkpoint.save(where / "model", {"weight": np.full(9_000, float(n))}),
    "progress": lambda where, n: progress.record(f"exercise-{n}" + "x" * 9_000, True),
    "notebook": lambda where, n: notebooks.write(numbered(n), where / "01_toy.ipynb"),
}


@pytest.mark.parametrize("name", WRITERS)
def test_a_full_disk_changes_nothing(name, disk, monkeypatch):
    where, fill = disk
    monkeypatch.setenv("DLCOURSE_HOME", str(where))
    WRITERS[name](where, 1)
    before = tree(where)
    room = fill()
    try:
        with pytest.raises(OSError, match="No space left|File too large"):
            WRITERS[name](where, 2)
    finally:
        room()
    assert tree(where) == before  # nothing half-written beside it, either
    WRITERS[name](where, 2)
    assert tree(where) != before and tree(where).keys() == before.keys()


def test_a_download_goes_on_when_there_is_room_again(disk, url, monkeypatch):
    where, fill = disk
    monkeypatch.setenv("DLCOURSE_HOME", str(where))
    room = fill()
    try:
        with pytest.raises(OSError, match="No space left|File too large"):
            fetch(url)
    finally:
        room()
    assert not (folder() / "data.bin").exists()
    fetch(url)
    assert (folder() / "data.bin").read_bytes() == test_download.DATA


def test_a_book_without_room_is_not_there_and_is_built_when_there_is(disk, small_book, monkeypatch):
    where, fill = disk
    monkeypatch.setattr(book, "HTML", where / "build" / "html")
    monkeypatch.setattr(book, "WORK", where / "build" / "book")
    assert book.build() and complete(book.HTML)
    room = []
    monkeypatch.setattr(book, "build_pages", lambda solutions: (make_pages(solutions), room.append(fill())))
    try:
        with pytest.raises((OSError, shutil.Error)):  # while the pages are copied
            book.build()
        assert not book.HTML.exists()
    finally:
        room.pop()()
    monkeypatch.setattr(book, "build_pages", make_pages)
    assert book.build() and complete(book.HTML)
