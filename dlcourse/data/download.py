"""Files that are fetched when asked for, never otherwise: checked by SHA-256, kept, resumed after a break.

They lie in `data` under DLCOURSE_HOME, or else in the user's folder for caches. Chapters: 11_mlp_project,
22_text.
"""

import os
from pathlib import Path
from urllib.parse import urlparse

PIECE = 2**16  # bytes


def folder():
    """Where downloaded files are kept."""
    import pooch  # only here: most of the course never downloads anything

    return Path(os.environ.get("DLCOURSE_HOME") or pooch.os_cache("dlcourse")) / "data"


def cached(url, sha256, *, download):
    """Return the path of the file behind `url`, named as its last part; with download=True fetch it first.

    Raises FileNotFoundError if it is not there and download is False, ValueError if its SHA-256 is another,
    ConnectionError if the network or the server fails. A file appears complete and checked, or not at all;
    what had arrived before a break waits beside it, ending in ".part", and the next try goes on from there.
    """
    from requests import RequestException

    path = folder() / url.rpartition("/")[2]
    if not download or _digest(path) == sha256:
        return _checked(path, url, sha256)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    try:
        if _digest(part) != sha256:  # else only its name is missing
            _receive_all(url, part)
    except RequestException as error:
        host = urlparse(url).netloc
        raise ConnectionError(
            f"{path.name}: no download from {host} ({error}). What has arrived is kept: ask again when the "
            f"network is back, or bring the file from elsewhere and put it into {path.parent}"
        ) from error
    if (found := _digest(part)) != sha256:
        part.unlink()
        raise ValueError(
            f"{path.name}: damaged on the way, or changed at its source: expected the SHA-256 {sha256}, "
            f"got {found}"
        )
    os.replace(part, path)
    return path


def _digest(path):
    """The SHA-256 of a file, or None if there is none."""
    from pooch import file_hash

    return file_hash(str(path)) if path.exists() else None


def _checked(path, url, sha256):
    if not path.exists():
        raise FileNotFoundError(f"{path.name} is not in {path.parent}: download=True fetches it from {url}")
    if _digest(path) != sha256:
        raise ValueError(f"{path}: its SHA-256 is not {sha256}: damaged; download=True fetches it anew")
    return path


def _receive_all(url, part):
    """Go on where an earlier try broke off, until the part is complete."""
    done = part.stat().st_size if part.exists() else 0
    if not _receive(url, part, done):
        _receive(url, part, 0)  # as long as the file or longer, but not the file: begin again


def _receive(url, part, done):
    """Append what is missing to the part, with a bar; False if the server has nothing after `done` bytes."""
    import requests
    from tqdm import tqdm

    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={done}-"} if done else {})
    with requests.get(url, headers=headers, stream=True, timeout=30) as answer:
        if done and answer.status_code == requests.codes.range_not_satisfiable:
            return False
        answer.raise_for_status()
        if answer.status_code != requests.codes.partial_content:
            done = 0  # this server always sends the whole
        total = done + int(answer.headers.get("Content-Length", 0)) or None
        bar = tqdm(desc=part.stem, initial=done, total=total, unit="B", unit_scale=True, ncols=79)
        with bar, open(part, "ab" if done else "wb") as file:
            for piece in answer.iter_content(PIECE):
                file.write(piece)
                bar.update(len(piece))
    return True
