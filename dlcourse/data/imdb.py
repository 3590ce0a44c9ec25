"""IMDB: 50,000 opinions on films, good or bad (maas2011), 84 MB. Chapter: 22_text."""

import re

import numpy as np

from dlcourse.data.archive import read_members
from dlcourse.data.download import cached

URL = "https://ai.stanford.edu/~amaas/data/sentiment/aclImdb_v1.tar.gz"
SHA256 = "c40f74a18d3b61f90feba1e17730e0d38e8b97c05fde7008942e91923d1658fe"
REVIEW = re.compile(r"aclImdb/(train|test)/(neg|pos)/(\d+)_\d+\.txt")


def imdb(*, download=False):
    """Return texts_train, y_train, texts_test, y_test: 25,000 each, half of them good (1), half bad (0).

    texts     list of str, line breaks written as <br />; first the bad ones, in the order of their numbers
    y         (N,), integers
    download  True fetches what is not there yet; see dlcourse.data.download for what can go wrong
    """
    path = cached(URL, SHA256, download=download)
    found = {"train": [], "test": []}
    for name, data in read_members(path, REVIEW):
        part, label, number = REVIEW.fullmatch(name).groups()
        found[part].append((label == "pos", int(number), _text(name, data)))
    for part, reviews in found.items():
        if not reviews:
            raise ValueError(f"{path}: without aclImdb/{part}/neg and aclImdb/{part}/pos")
        reviews.sort()
    return *_columns(found["train"]), *_columns(found["test"])


def _columns(reviews):
    labels, _, texts = zip(*reviews)
    return list(texts), np.array(labels, dtype=np.int64)


def _text(name, data):
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"imdb: {name} is not UTF-8: {error}") from error
