"""MNIST: 70,000 handwritten digits of 28 x 28 pixels (lecun1998), 12 MB. Chapter: 11_mlp_project."""

import gzip
import struct
import zlib

import numpy as np

from dlcourse.data.archive import Unpacked
from dlcourse.data.download import cached

URL = "https://ossci-datasets.s3.amazonaws.com/mnist/"
FILES = {  # in the order of what `mnist` returns -> SHA-256
    "train-images-idx3-ubyte.gz": "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
    "train-labels-idx1-ubyte.gz": "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
    "t10k-images-idx3-ubyte.gz": "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
    "t10k-labels-idx1-ubyte.gz": "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
}
TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


def mnist(*, flat=True, dtype=np.float32, download=False):
    """Return x_train, y_train, x_test, y_test: 60,000 and 10,000 images, pixels in [0, 1], labels 0 … 9.

    x         (N, 784), or (N, 1, 28, 28) with flat=False
    y         (N,), integers
    download  True fetches what is not there yet; see dlcourse.data.download for what can go wrong
    """
    parts = [read_idx(cached(URL + name, sha256, download=download)) for name, sha256 in FILES.items()]
    for part, (images, labels) in zip(("training", "test"), (parts[:2], parts[2:])):
        if len(images) != len(labels):
            raise ValueError(f"mnist: {len(images)} images but {len(labels)} labels in the {part} part")
    x, y, x_test, y_test = parts
    return _pixels(x, flat, dtype), y.astype(np.int64), _pixels(x_test, flat, dtype), y_test.astype(np.int64)


def _pixels(images, flat, dtype):
    shape = (len(images), -1) if flat else (len(images), 1, *images.shape[1:])
    return (images / 255).astype(dtype).reshape(shape)


def read_idx(path):
    """Return the array in an IDX file, packed by gzip or not.

    The file begins with two zero bytes, a byte for the type of the elements and one for the number of axes,
    then the sizes as big-endian integers of four bytes, then the elements.
    Raises ValueError for a wrong beginning, if there are fewer or more elements than the sizes say, or for a
    file that unpacks to more than a gigabyte.
    """
    data = _unpacked(path)
    if len(data) < 4 or data[:2] != b"\0\0" or data[2] not in TYPES:
        raise ValueError(f"{path}: no IDX file, it begins with {data[:4].hex(' ') or 'nothing'}")
    dtype, axes = np.dtype(TYPES[data[2]]), data[3]
    header = 4 + 4 * axes
    if len(data) < header:
        raise ValueError(f"{path}: truncated, {axes} sizes expected in its first {header} bytes")
    sizes = struct.unpack(f">{axes}I", data[4:header])
    expected = header + dtype.itemsize * int(np.prod(sizes, dtype=object))
    if len(data) != expected:
        kind = "truncated" if len(data) < expected else "too long"
        raise ValueError(f"{path}: {kind}, {expected} bytes expected for sizes {sizes}, got {len(data)}")
    elements = np.frombuffer(data, dtype, offset=header).reshape(sizes)
    return elements.astype(dtype.newbyteorder("="))


def _unpacked(path):
    with open(path, "rb") as file:
        unpacked = Unpacked(path, file)
        try:
            return b"".join(iter(lambda: unpacked.read(2**20), b""))
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise ValueError(f"{path}: truncated or damaged gzip file: {error}") from error
