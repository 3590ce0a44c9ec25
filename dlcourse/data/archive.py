"""Read tar archives without unpacking them: nothing that a hostile one contains reaches the disk."""

import gzip
import tarfile
import zlib
from pathlib import PureWindowsPath


def read_members(path, wanted):
    """Yield (name, bytes) of the regular files in a tar archive whose names match the pattern `wanted`.

    wanted  a compiled regular expression, for the whole name

    Raises ValueError for a damaged archive, and for one that would write elsewhere if it were unpacked: by an
    absolute name, by "..", or by a link or device.
    """
    try:
        with tarfile.open(path, "r:*") as archive:
            for member in archive:
                _refuse_hostile(path, member)
                if member.isfile() and wanted.fullmatch(member.name):
                    yield member.name, archive.extractfile(member).read()
    except (tarfile.TarError, EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise ValueError(f"{path}: truncated or no tar archive: {error}") from error


def _refuse_hostile(path, member):
    name = PureWindowsPath(member.name)  # it knows both slashes, and the letters of drives
    if name.anchor or ".." in name.parts:
        raise ValueError(f"{path}: refused, {member.name!r} points out of the archive")
    if not (member.isfile() or member.isdir()):
        raise ValueError(f"{path}: refused, {member.name!r} is a link or a device")
