"""The readers of MNIST, CIFAR-10, IMDB and SST-2, on small files that the tests write themselves."""

import gzip
import hashlib
import io
import re
import struct
import tarfile
import zipfile

import numpy as np
import pytest

from dlcourse.data import cifar, imdb, mnist, sst2
from dlcourse.data.archive import read_members
from dlcourse.data.download import folder
from dlcourse.data.mnist import read_idx

SHA256 = re.compile(r"[0-9a-f]{64}")


def put(name, data):
    """Lay a file where downloads lie; return its SHA-256."""
    folder().mkdir(parents=True, exist_ok=True)
    (folder() / name).write_bytes(data)
    return hashlib.sha256(data).hexdigest()


def test_the_checksums_are_whole():
    known = [*mnist.FILES.values(), cifar.SHA256, imdb.SHA256, sst2.SHA256]
    assert all(SHA256.fullmatch(sha256) for sha256 in known) and len(set(known)) == 7


@pytest.mark.parametrize("read", [mnist.mnist, cifar.cifar10, imdb.imdb, sst2.sst2])
def test_nothing_is_downloaded_unasked(read, monkeypatch):
    monkeypatch.setattr("requests.get", lambda *_, **__: pytest.fail("the network was used"))
    with pytest.raises(FileNotFoundError, match=r"is not in .*: download=True fetches it from https://"):
        read()


# --- IDX ------------------------------------------------------------------------------------------------


def idx(array):
    codes = {np.dtype(code): number for number, code in mnist.TYPES.items()}
    dtype = array.dtype.newbyteorder(">")
    sizes = struct.pack(f">{array.ndim}I", *array.shape)
    return bytes([0, 0, codes[dtype], array.ndim]) + sizes + array.astype(dtype).tobytes()


@pytest.mark.parametrize("code", mnist.TYPES.values())
@pytest.mark.parametrize("shape", [(), (3,), (2, 3, 5), (0, 4)])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_idx(tmp_path, code, shape, pack):
    array = np.random.default_rng(0).integers(0, 100, shape).astype(np.dtype(code).newbyteorder("="))
    (tmp_path / "file").write_bytes(pack(idx(np.asarray(array))))
    found = read_idx(tmp_path / "file")
    assert found.dtype == array.dtype and found.dtype.isnative
    assert found.shape == shape and (found == array).all()


IMAGES = np.arange(30, dtype="u1").reshape(2, 3, 5)


@pytest.mark.parametrize(
    "data, words",
    [
        (b"", "no IDX file, it begins with nothing"),
        (b"\0\0\x08", "no IDX file, it begins with 00 00 08"),
        (b"PNG!" + idx(IMAGES), "no IDX file, it begins with 50 4e 47 21"),
        (b"\0\0\x07\x01" + bytes(20), "no IDX file, it begins with 00 00 07 01"),
        (idx(IMAGES)[:9], "truncated, 3 sizes expected in its first 16 bytes"),
        (idx(IMAGES)[:-1], r"truncated, 46 bytes expected for sizes \(2, 3, 5\), got 45"),
        (idx(IMAGES) + b"!", r"too long, 46 bytes expected for sizes \(2, 3, 5\), got 47"),
        (b"\0\0\x08\x03" + b"\xff" * 12, r"truncated, \d{29} bytes expected"),
        (gzip.compress(idx(IMAGES))[:-9], "truncated or damaged gzip file"),
        (b"\x1f\x8b" + bytes(30), "truncated or damaged gzip file"),
    ],
)
def test_damaged_idx(tmp_path, data, words):
    (tmp_path / "images").write_bytes(data)
    with pytest.raises(ValueError, match=f"images: {words}"):
        read_idx(tmp_path / "images")


def put_mnist(monkeypatch, arrays):
    names = zip(mnist.FILES, arrays)
    monkeypatch.setattr(mnist, "FILES", {name: put(name, gzip.compress(idx(a))) for name, a in names})


def test_mnist(monkeypatch):
    rng = np.random.default_rng(0)
    images, labels = rng.integers(0, 256, (7, 28, 28)).astype("u1"), np.arange(7, dtype="u1")
    put_mnist(monkeypatch, [images[:5], labels[:5], images[5:], labels[5:]])
    x, y, x_test, y_test = mnist.mnist()
    assert x.shape == (5, 784) and x.dtype == np.float32 and x_test.shape == (2, 784)
    assert y.tolist() == [0, 1, 2, 3, 4] and y_test.tolist() == [5, 6] and y.dtype == np.int64
    x, _, x_test, _ = mnist.mnist(flat=False, dtype=float)
    assert x.shape == (5, 1, 28, 28) and x.dtype == float
    assert (np.concatenate([x, x_test])[:, 0] == images / 255).all()


def test_mnist_of_unequal_parts(monkeypatch):
    images, labels = np.zeros((7, 28, 28), "u1"), np.zeros(7, "u1")
    put_mnist(monkeypatch, [images, labels, images[5:], labels[:3]])
    with pytest.raises(ValueError, match="mnist: 2 images but 3 labels in the test part"):
        mnist.mnist()


def test_mnist_with_a_damaged_file(monkeypatch):
    images, labels = np.zeros((7, 28, 28), "u1"), np.zeros(7, "u1")
    put_mnist(monkeypatch, [images, labels, images, labels])
    put("t10k-images-idx3-ubyte.gz", b"something else")
    with pytest.raises(ValueError, match="t10k-images-idx3-ubyte.gz: its SHA-256 is not .*: damaged"):
        mnist.mnist()


# --- CIFAR-10 -------------------------------------------------------------------------------------------


def tar(members, mode="w:gz"):
    """An archive of the given members: names to bytes, or to TarInfo objects for what is no regular file."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode=mode) as archive:
        for name, data in members.items():
            if isinstance(data, tarfile.TarInfo):
                archive.addfile(data)
                continue
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return file.getvalue()


def put_cifar(monkeypatch, members):
    members = {f"cifar-10-batches-bin/{name}": data for name, data in members.items()}
    monkeypatch.setattr(cifar, "SHA256", put("cifar-10-binary.tar.gz", tar(members)))


def batch(rng, labels):
    images = rng.integers(0, 256, (len(labels), 3, 32, 32)).astype("u1")
    records = np.concatenate([np.array(labels, "u1")[:, None], images.reshape(len(labels), -1)], axis=1)
    return images, records.tobytes()


def test_cifar10(monkeypatch):
    rng = np.random.default_rng(0)
    batches = {f"data_batch_{i}.bin": batch(rng, [i, 9]) for i in (3, 1, 5, 2, 4)}  # in any order
    test, test_bytes = batch(rng, [0])
    members = {name: data for name, (_, data) in batches.items()}
    put_cifar(monkeypatch, members | {"test_batch.bin": test_bytes, "batches.meta.txt": b"airplane"})
    x, y, x_test, y_test = cifar.cifar10()
    assert x.shape == (10, 3, 32, 32) and x.dtype == np.float32 and x.max() <= 1
    assert y.tolist() == [1, 9, 2, 9, 3, 9, 4, 9, 5, 9] and y_test.tolist() == [0]
    assert (x[4:6] == batches["data_batch_3.bin"][0].astype(np.float32) / 255).all()
    assert (x_test == test.astype(np.float32) / 255).all()
    assert cifar.cifar10(dtype=float)[0].dtype == float
    assert len(cifar.CLASSES) == 10 and cifar.CLASSES[3] == "cat"


def test_incomplete_cifar10(monkeypatch):
    put_cifar(monkeypatch, {f"data_batch_{i}.bin": b"" for i in (1, 2, 4, 5)})
    with pytest.raises(ValueError, match="cifar-10-binary.tar.gz: without data_batch_3, test_batch"):
        cifar.cifar10()


def test_damaged_records():
    _, data = batch(np.random.default_rng(0), [1, 12])
    with pytest.raises(ValueError, match="truncated, records of 3073 bytes expected, got 6145 bytes"):
        cifar.read_records(data[:-1])
    with pytest.raises(ValueError, match="expected labels 0 … 9, got 12 in row 1"):
        cifar.read_records(data)


# --- Archives -------------------------------------------------------------------------------------------

ANY = re.compile(".*")


def link(kind, target="/etc/passwd"):
    info = tarfile.TarInfo("good/link")
    info.type, info.linkname = kind, target
    return info


@pytest.mark.parametrize("name", ["../evil", "good/../../evil", "/etc/evil", "C:\\evil", "a\\..\\..\\evil"])
def test_names_that_point_outside_are_refused(tmp_path, name):
    path = tmp_path / "archive.tar.gz"
    path.write_bytes(tar({"good/one": b"1", name: b"2"}))
    with pytest.raises(ValueError, match="refused, .*evil' points out of the archive"):
        list(read_members(path, ANY))
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE])
def test_links_and_devices_are_refused(tmp_path, kind):
    path = tmp_path / "archive.tar.gz"
    path.write_bytes(tar({"good/link": link(kind)}))
    with pytest.raises(ValueError, match="refused, 'good/link' is a link or a device"):
        list(read_members(path, ANY))


def test_only_what_is_wanted_is_read(tmp_path):
    path, directory = tmp_path / "archive.tar", tarfile.TarInfo("good")
    directory.type = tarfile.DIRTYPE
    path.write_bytes(tar({"good": directory, "good/one": b"1", "good/other": b"2"}, "w"))
    assert list(read_members(path, re.compile("good/o.e"))) == [("good/one", b"1")]


@pytest.mark.parametrize("cut", [0, 3, 20, 100, 3000])
def test_truncated_archives(tmp_path, cut):
    path, noise = tmp_path / "archive.tar.gz", np.random.default_rng(0).bytes(5000)
    path.write_bytes(tar({"good/one": noise})[:cut])
    with pytest.raises(ValueError, match="truncated or no tar archive"):
        list(read_members(path, ANY))


# --- Texts ----------------------------------------------------------------------------------------------


def test_imdb(monkeypatch):
    members = {
        "aclImdb/train/pos/2_9.txt": "A café, a joy.<br />Twice!".encode(),
        "aclImdb/train/neg/10_1.txt": b"Dull.",
        "aclImdb/train/neg/9_2.txt": b"Duller.",
        "aclImdb/test/pos/0_10.txt": b"Fine.",
        "aclImdb/train/unsup/0_0.txt": b"not rated",
        "aclImdb/README": b"read me",
    }
    monkeypatch.setattr(imdb, "SHA256", put("aclImdb_v1.tar.gz", tar(members)))
    texts, y, texts_test, y_test = imdb.imdb()
    assert texts == ["Duller.", "Dull.", "A café, a joy.<br />Twice!"] and y.tolist() == [0, 0, 1]
    assert texts_test == ["Fine."] and y_test.tolist() == [1] and y.dtype == np.int64


def test_imdb_without_texts(monkeypatch):
    monkeypatch.setattr(imdb, "SHA256", put("aclImdb_v1.tar.gz", tar({"aclImdb/train/pos/2_9.txt": b"Joy."})))
    with pytest.raises(ValueError, match="without aclImdb/test/neg and aclImdb/test/pos"):
        imdb.imdb()
    monkeypatch.setattr(imdb, "SHA256", put("aclImdb_v1.tar.gz", tar({"aclImdb/test/pos/2_9.txt": b"\xff"})))
    with pytest.raises(ValueError, match="imdb: aclImdb/test/pos/2_9.txt is not UTF-8"):
        imdb.imdb()


def put_sst2(monkeypatch, data):
    monkeypatch.setattr(sst2, "SHA256", put("SST-2.zip", data))


def zipped(members):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, text in members.items():
            archive.writestr(f"SST-2/{name}.tsv", text)
    return file.getvalue()


def test_sst2(monkeypatch):
    train = 'sentence\tlabel\nhide new secretions \t0\na "fine" one\t1\n'
    tables = {
        "train": train,
        "dev": "sentence\tlabel\r\nwarm\t1\r\n",
        "test": "index\tsentence\n0\tunknown\n",
    }
    put_sst2(monkeypatch, zipped(tables))
    texts, y, texts_dev, y_dev = sst2.sst2()
    assert texts == ["hide new secretions ", 'a "fine" one'] and y.tolist() == [0, 1]  # quotes are only signs
    assert texts_dev == ["warm"] and y_dev.tolist() == [1] and y.dtype == np.int64


def test_damaged_sst2(monkeypatch):
    whole = zipped({"train": "sentence\tlabel\n", "dev": "sentence\tlabel\n"})
    for data in (whole[:-5], b"", zipped({"train": "sentence\tlabel\n"})):
        put_sst2(monkeypatch, data)
        with pytest.raises(ValueError, match="SST-2.zip: truncated, or not the SST-2 archive"):
            sst2.sst2()
    with pytest.raises(ValueError, match=r"expected the header 'sentence\\tlabel', got 'index"):
        sst2.read_tsv(b"index\tsentence\n")
    for row in ("half a li", "text\t2", "text\t1\textra", ""):
        with pytest.raises(ValueError, match="expected a text, a tab and 0 or 1 in line 3, got"):
            sst2.read_tsv(f"sentence\tlabel\nfine\t1\n{row}\nfine\t1\n".encode())
