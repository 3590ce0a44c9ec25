"""Read tar archives without unpacking them: nothing that a hostile one contains reaches the disk."""

import gzip
import tarfile
from pathlib import PureWindowsPath

MOST = 2**30  # bytes, unpacked: three times what the largest archive of the course holds


class RefusedArchive(ValueError):
    """The archive is whole, and made to do harm."""


def read_members(path, wanted):
    """Yield (name, bytes) of the regular files in a tar archive, packed by gzip or not, that match `wanted`.

    wanted  a compiled regular expression, for the whole name

    Raises ValueError for a damaged archive, for one of more than MOST bytes, and for one that would write
    elsewhere if it were unpacked: by an absolute name, by "..", or by a link or device.
    """
    try:
        with open(path, "rb") as file, tarfile.open(fileobj=Unpacked(path, file), mode="r|") as archive:
            for member in archive:
                _refuse_hostile(path, member)
                if member.isfile() and wanted.fullmatch(member.name):
                    yield member.name, archive.extractfile(member).read()
    except (RefusedArchive, FileNotFoundError):
        raise
    except Exception as error:  # tarfile, gzip and zlib pass on whatever they stumble over
        raise ValueError(f"{path}: truncated or no tar archive: {error}") from error


def _refuse_hostile(path, member):
    name = PureWindowsPath(member.name)  # it knows both slashes, and the letters of drives
    if name.anchor or ".." in name.parts:
        raise RefusedArchive(f"{path}: refused, {member.name!r} points out of the archive")
    if not (member.isfile() or member.isdir()):
        raise RefusedArchive(f"{path}: refused, {member.name!r} is a link or a device")
    if member.issparse():  # a few bytes that stand for terabytes of zeros
        raise RefusedArchive(f"{path}: refused, {member.name!r} is a file with holes")


class Unpacked:
    """A file's bytes, by gzip if it is packed; RefusedArchive as soon as there are more than MOST."""

    def __init__(self, path, file):
        packed = file.read(2) == b"\x1f\x8b"
        file.seek(0)
        self.path, self.file, self.count = path, gzip.GzipFile(fileobj=file) if packed else file, 0

    def read(self, size):
        data = self.file.read(size)
        self.count += len(data)
        if self.count > MOST:
            raise RefusedArchive(f"{self.path}: refused, it unpacks to more than {MOST:,} bytes")
        return data
