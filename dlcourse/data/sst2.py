"""SST-2: 68,000 phrases from film reviews, good or bad (socher2013, wang2019), 7 MB. Chapter: 22_text."""

import zipfile

import numpy as np

from dlcourse.data.archive import MOST, RefusedArchive
from dlcourse.data.download import cached

URL = "https://dl.fbaipublicfiles.com/glue/data/SST-2.zip"
SHA256 = "d67e16fb55739c1b32cdce9877596db1c127dc322d93c082281f64057c16deaa"
HEADER = "sentence\tlabel"


def sst2(*, download=False):
    """Return texts_train, y_train, texts_dev, y_dev: 67,349 and 872 phrases, good (1) or bad (0).

    texts     list of str: lower case, words and signs set apart by spaces
    y         (N,), integers; the labels of the third part, "test", have never been published
    download  True fetches what is not there yet; see dlcourse.data.download for what can go wrong
    """
    path = cached(URL, SHA256, download=download)
    try:
        with zipfile.ZipFile(path) as archive:
            train, dev = (_member(path, archive, f"SST-2/{part}.tsv") for part in ("train", "dev"))
    except RefusedArchive:
        raise
    except Exception as error:  # zipfile and zlib pass on whatever they stumble over
        raise ValueError(f"{path}: truncated, or not the SST-2 archive: {error}") from error
    return *read_tsv(train), *read_tsv(dev)


def _member(path, archive, name):
    if (size := archive.getinfo(name).file_size) > MOST:
        raise RefusedArchive(f"{path}: refused, {name} unpacks to {size:,} bytes")
    return archive.read(name)


def read_tsv(data):
    """Return texts and labels (N,) from the bytes of a table: a header, then text, tab, 0 or 1 in each line.

    Raises ValueError for another header, what is not UTF-8, and a line of another form, which it names.
    """
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"sst2: the table is not UTF-8: {error}") from error
    header, *lines = text.replace("\r\n", "\n").removesuffix("\n").split("\n")
    if header != HEADER:
        raise ValueError(f"sst2: expected the header {HEADER!r}, got {header[:40]!r}")
    rows = [line.split("\t") for line in lines]
    for number, row in enumerate(rows, start=2):
        if len(row) != 2 or row[1] not in ("0", "1"):
            raise ValueError(f"sst2: expected a text, a tab and 0 or 1 in line {number}, got {row}")
    return [text for text, _ in rows], np.array([int(label) for _, label in rows], dtype=np.int64)
