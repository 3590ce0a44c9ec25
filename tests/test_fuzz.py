"""Damaged files of every kind that the course reads: the designed error or a sound result, and nothing else.

Each reader gets files that were sound before some of their bytes were changed, cut, doubled or mixed. No
input may end the interpreter, take long, take much memory, or raise what only its author would understand.
"""

import gzip
import io
import json
import random
import signal
import struct
import sys
import tarfile
import zipfile
from contextlib import contextmanager

import nbformat
import numpy as np
import pytest

from dlcourse import checkpoint
from dlcourse import reference as ref
from dlcourse.course import progress, reset, sources
from dlcourse.data import archive, cifar, mnist, sst2
from dlcourse.data.archive import read_members
from tools import notebooks

pytestmark = pytest.mark.filterwarnings("ignore")  # the parsers warn of most of it
QUICK = 500
SECONDS = 10  # for one input: a hang, as each takes milliseconds
MEGABYTES = 300  # more than before, at the most
VALUES = (b"\0", b"\xff", b"\x7f", b"\xff\xff\xff\xff", b"\x80\0\0\0", b"9" * 30, b"{", b"]", b'"', b"\n")


def damaged(data, random):
    """The bytes after one to four accidents."""
    data = bytearray(data)
    for _ in range(random.randint(1, 4)):
        start = random.randrange(len(data) + 1)
        stop = min(len(data), start + random.choice((1, 2, 4, 30, len(data))))
        match random.randrange(6):
            case 0 if start < len(data):
                data[start] ^= 1 << random.randrange(8)
            case 1:
                data[start : start + random.randint(0, 4)] = random.choice(VALUES)
            case 2:
                del data[start:stop]
            case 3:
                data[start:start] = data[start : min(stop, start + 1000)]
            case 4:
                del data[start:]
            case 5:
                other = random.randrange(len(data) + 1)
                data[other : other + 8] = data[start : start + 8]
    return bytes(data)


@contextmanager
def in_time():
    def late(*_):
        raise AssertionError(f"no answer within {SECONDS} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def peak_megabytes():
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10


# --- What is read ----------------------------------------------------------------------------------------


def idx(dtype, *shape):
    code = {code: number for number, code in mnist.TYPES.items()}[dtype]
    head = bytes([0, 0, code, len(shape)]) + struct.pack(f">{len(shape)}I", *shape)
    return head + np.arange(np.prod(shape)).astype(dtype).tobytes()


def read_idx(path):
    array = mnist.read_idx(path)
    assert array.nbytes <= 2**20


def tar(mode):
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode=mode) as made:
        for name in ("good/one", "good/" + "long" * 40, "good/three"):
            info = tarfile.TarInfo(name)
            info.size = 700
            made.addfile(info, io.BytesIO(bytes(range(256)) * 2 + bytes(188)))
    return file.getvalue()


def read_tar(path):
    for name, data in read_members(path, cifar.re.compile(r"good/.*", cifar.re.DOTALL)):
        assert len(data) <= 2**20 and ".." not in name.split("/")


def read_cifar(path):
    x, y = cifar.read_records(path.read_bytes())
    assert x.shape[1:] == cifar.IMAGE and len(x) == len(y) and x.max(initial=0) <= 1
    assert y.min(initial=0) >= 0 and y.max(initial=0) <= 9


def packed_table():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as made:
        for part in ("train", "dev"):
            made.writestr(f"SST-2/{part}.tsv", "sentence\tlabel\n" + "a fine film\t1\n" * 9)
    return file.getvalue()


def read_table(path):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sst2, "cached", lambda *_, **__: path)
        texts, y, _, _ = sst2.sst2()
    assert len(texts) == len(y) and set(y.tolist()) <= {0, 1}


def model():
    made = ref.Linear(3, 2, rng=np.random.default_rng(0))
    return made, ref.Adam(made)


def training_state(folder):
    made, optimiser = model()
    checkpoint.save_training(
        folder / "state", made, optimiser, rng=np.random.default_rng(0), epoch=3, history={"loss": [1.0, 0.5]}
    )
    return (folder / "state").read_bytes()


def foreign(folder):
    """As another program writes it: without our digest, so that damage goes deeper."""
    from safetensors.numpy import save_file

    save_file({"weight": np.eye(3), "half": np.ones(2, np.float16)}, folder / "other", {"epoch": "3"})
    return (folder / "other").read_bytes()


def read_checkpoint(path):
    arrays, notes = checkpoint.load(path)
    assert all(isinstance(array, np.ndarray) for array in arrays.values()) and isinstance(notes, dict)


def read_training(path):
    made, optimiser = model()
    before = made.state_dict()
    try:
        epoch, history = checkpoint.resume(path, made, optimiser, rng=np.random.default_rng(0))
    except ValueError:
        after = made.state_dict()
        assert all(np.array_equal(after[name], before[name]) for name in before)
        raise
    assert isinstance(epoch, int) and isinstance(history, dict)


def read_progress(path):
    record = progress.load()
    progress.save(record)
    assert progress.load() == record
    for row in record.values():
        assert type(row["tries"]) is int and type(row["solved"]) is bool and type(row["hints"]) is int
    for aside in path.parent.glob("progress.damaged-*"):
        aside.unlink()


CHAPTER = """---
jupytext:
  text_representation: {extension: .md, format_name: myst}
kernelspec: {display_name: Python 3, language: python, name: python3}
---

# A chapter

Text with `code`, $x^2$ and {glue:text}`number`.

```{code-cell} ipython3
:tags: [setup]

import numpy as np
```

+++ {"tags": ["exercise"]}

**Exercise.** Return the mean.

```{code-cell} ipython3
:name: mean
:tags: [exercise-solution]

def mean(x):
    ### BEGIN SOLUTION
    return sum(x) / len(x)
    ### END SOLUTION
```

```{code-cell} ipython3
:points: 2
:tags: [exercise-check]

check("mean", mean)
```
"""


@contextmanager
def course_of(path):
    """A course whose one chapter lies at `path`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sources, "ROOT", path.parent.parent)
        yield path.stem


def read_source(path):
    with course_of(path) as slug:
        notebook = sources.read(slug)
        nbformat.validate(notebook)
        sources.exercises(notebook)
        sources.released(notebook)


def executed(folder):
    """The chapter's notebook, and with it the source that it is compared with."""
    path = folder / "notebooks" / "01_toy.md"
    path.write_text(CHAPTER)
    with course_of(path) as slug:
        return nbformat.writes(sources.read(slug)).encode()


def read_stored(path):
    """What `make notebooks` and `make check` do with a stored notebook."""
    with course_of(path) as slug:
        problems = notebooks.check()
        assert all(isinstance(line, str) and len(line) < 2000 and "\n" not in line for line in problems)
        notebooks.differences(sources.read(slug), sources.stored(slug))


def read_students(path):
    """What `dlcourse reset` does with a student's notebook: a backup, or a refusal in one line."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sources, "stored", lambda slug: nbformat.reads(FRESH, as_version=4))
        patch.setattr(sources, "student", lambda notebook: notebook)
        reset.reset_exercise(path, "01_toy", "mean").unlink()


FRESH = ""
RECORD = {"schema": 1, "exercises": {"a": {"tries": 3, "solved": True, "hints": 1}}}
SOUND = {
    "idx": lambda _: [idx("u1", 2, 3, 5), idx(">f4", 7), gzip.compress(idx(">i4", 4, 4))],
    "cifar": lambda _: [bytes([3]) + bytes(3072) + bytes([9]) + bytes(3072)],
    "tar": lambda _: [tar("w"), tar("w:gz")],
    "zip": lambda _: [packed_table()],
    "checkpoint": lambda folder: [training_state(folder), foreign(folder)],
    "training": lambda folder: [training_state(folder), foreign(folder)],
    "progress": lambda _: [json.dumps(RECORD).encode()],
    "source": lambda _: [CHAPTER.encode()],
    "stored": lambda folder: [executed(folder)],
    "student": lambda folder: [executed(folder)],
}
READERS = {  # what reads it, the errors that it may raise, the number of inputs in the slow lane
    "idx": (read_idx, ValueError, 30_000),
    "cifar": (read_cifar, ValueError, 10_000),
    "tar": (read_tar, ValueError, 15_000),
    "zip": (read_table, ValueError, 5_000),
    "checkpoint": (read_checkpoint, ValueError, 20_000),
    "training": (read_training, ValueError, 5_000),
    "progress": (read_progress, (), 15_000),
    "source": (read_source, sources.SourceError, 3_000),
    "stored": (read_stored, sources.SourceError, 2_000),
    "student": (read_students, ValueError, 2_000),
}
FILES = {"progress": "progress.json", "source": "notebooks/01_toy.md", "stored": "notebooks/01_toy.ipynb"}
FILES["student"] = "work/01_toy.ipynb"


def test_the_slow_lane_has_a_hundred_thousand_inputs():
    assert sum(slow for *_, slow in READERS.values()) >= 100_000


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGALRM, which Windows does not have")
@pytest.mark.parametrize("many", [False, pytest.param(True, marks=pytest.mark.slow)], ids=["quick", "slow"])
@pytest.mark.parametrize("name", READERS)
def test_damaged_files(name, many, tmp_path, monkeypatch, capsys):
    global FRESH
    read, errors, slow = READERS[name]
    path = tmp_path / FILES.get(name, "file")
    for folder in ("notebooks", "book", "work"):
        (tmp_path / folder).mkdir()
    (tmp_path / "book" / "_toc.yml").write_text("root: book/index\nchapters:\n- file: notebooks/01_toy\n")
    monkeypatch.setenv("DLCOURSE_HOME", str(tmp_path))
    files = SOUND[name](tmp_path)
    FRESH = files[0].decode("utf-8", "replace") if name == "student" else ""
    for data in files:  # what is sound is read
        path.write_bytes(data)
        if not (name == "training" and data is files[1]):  # no training state
            read(path)
    dice, peak, refused = random.Random(1 if many else 0), peak_megabytes(), 0
    for number in range(slow if many else QUICK):
        data = damaged(dice.choice(files), dice)
        path.write_bytes(data)
        try:
            with in_time():
                read(path)
        except errors as error:
            refused += 1
            assert str(error), f"input {number}"
        except BaseException as error:
            kept = tmp_path / "refused_badly"
            kept.write_bytes(data)
            raise AssertionError(f"{name}, input {number}, kept as {kept}: {error!r}") from error
    capsys.readouterr()
    assert peak_megabytes() - peak < MEGABYTES
    assert refused or not errors, "no input was damaged enough to be refused"


# --- What no accident makes ------------------------------------------------------------------------------


def test_a_bomb_is_refused_before_it_fills_the_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "MOST", 2**20)
    monkeypatch.setattr(sst2, "MOST", 2**20)
    zeros, path = bytes(2**21), tmp_path / "bomb"
    path.write_bytes(gzip.compress(idx("u1", 2**21)))
    with pytest.raises(ValueError, match="bomb: refused, it unpacks to more than 1,048,576 bytes"):
        mnist.read_idx(path)
    with tarfile.open(path, "w:gz") as made:
        info = tarfile.TarInfo("good/zeros")
        info.size = len(zeros)
        made.addfile(info, io.BytesIO(zeros))
    for wanted in ("good/.*", "nothing"):  # whether it is asked for or passed over
        with pytest.raises(ValueError, match="refused, it unpacks to more than"):
            list(read_members(path, cifar.re.compile(wanted)))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("SST-2/train.tsv", zeros)
    monkeypatch.setattr(sst2, "cached", lambda *_, **__: path)
    with pytest.raises(ValueError, match="refused, SST-2/train.tsv unpacks to 2,097,152 bytes"):
        sst2.sst2()


def test_a_file_with_holes_is_refused(tmp_path):
    """A kilobyte that stands for terabytes of zeros."""
    info = tarfile.TarInfo("good/sparse")
    info.pax_headers = {
        "GNU.sparse.major": "0",
        "GNU.sparse.minor": "1",
        "GNU.sparse.size": str(2**43),
        "GNU.sparse.map": "0,0",
    }
    path = tmp_path / "sparse.tar"
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as made:
        made.addfile(info)
    with pytest.raises(ValueError, match="refused, 'good/sparse' is a file with holes"):
        list(read_members(path, cifar.re.compile(".*")))


@pytest.mark.parametrize("text", ["[" * 100_000, '{"schema": 1, "exercises": {"a": {"tries": 1e999}}}'])
def test_progress_that_json_itself_stumbles_over(text, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("DLCOURSE_HOME", str(tmp_path))
    (tmp_path / "progress.json").write_text(text)
    assert progress.load() == {} and "is kept as progress.damaged-1.json" in capsys.readouterr().out
