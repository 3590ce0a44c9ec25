"""CIFAR-10: 60,000 small colour photographs (krizhevsky2009), 170 MB, in its binary form, without pickles.

Chapter: 16_cnn.
"""

import re

import numpy as np

from dlcourse.data.archive import read_members
from dlcourse.data.download import cached

URL = "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz"
SHA256 = "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"
CLASSES = ("aeroplane", "car", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "lorry")
BATCHES = re.compile(r"cifar-10-batches-bin/(data_batch_[1-5]|test_batch)\.bin")
IMAGE = (3, 32, 32)
RECORD = 1 + 3 * 32 * 32  # bytes: the label, then the red, the green and the blue plane


def cifar10(*, dtype=np.float32, download=False):
    """Return x_train, y_train, x_test, y_test: 50,000 and 10,000 images, pixels in [0, 1], labels 0 … 9.

    x         (N, 3, 32, 32), 0.6 GB in float32
    y         (N,), integers; CLASSES names them
    download  True fetches what is not there yet; see dlcourse.data.download for what can go wrong
    """
    path = cached(URL, SHA256, download=download)
    batches = {BATCHES.fullmatch(name)[1]: data for name, data in read_members(path, BATCHES)}
    missing = {"test_batch", *(f"data_batch_{i}" for i in range(1, 6))} - batches.keys()
    if missing:
        raise ValueError(f"{path}: without {', '.join(sorted(missing))}")
    test = batches.pop("test_batch")
    train = b"".join(batches[name] for name in sorted(batches))
    return *read_records(train, dtype), *read_records(test, dtype)


def read_records(data, dtype=np.float32):
    """Return images (N, 3, 32, 32) and labels (N,) from the bytes of a batch.

    Raises ValueError for half a record, or for a label above 9.
    """
    if len(data) % RECORD:
        raise ValueError(f"cifar10: truncated, records of {RECORD} bytes expected, got {len(data)} bytes")
    records = np.frombuffer(data, np.uint8).reshape(-1, RECORD)
    labels = records[:, 0].astype(np.int64)
    if (labels >= len(CLASSES)).any():
        row = int((labels >= len(CLASSES)).argmax())
        raise ValueError(f"cifar10: expected labels 0 … 9, got {labels[row]} in row {row}")
    images = records[:, 1:].astype(dtype)
    images /= 255  # in place: this is the largest array of the course
    return images.reshape(-1, *IMAGE), labels
