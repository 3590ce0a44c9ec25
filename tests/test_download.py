"""Downloads against a server of our own on this machine: asked for, checked, resumed, never half there."""

import errno
import hashlib
import http.server
import os
import threading

import pytest

from dlcourse.data import download
from dlcourse.data.download import PIECE, cached, folder

DATA = bytes(range(256)) * 2048  # several pieces
SHA256 = hashlib.sha256(DATA).hexdigest()


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves DATA under /data.bin, from any byte on; `server.breaks` says when it hangs up."""

    def do_GET(self):
        self.server.asked.append(self.headers.get("Range"))
        if self.path != "/data.bin":
            return self.send_error(404)
        wanted = self.headers.get("Range") if self.server.resumes else None
        start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted else 0
        if start >= len(DATA):
            return self.send_error(416)
        self.send_response(206 if wanted else 200)
        self.send_header("Content-Length", str(len(DATA) - start))
        self.end_headers()
        self.wfile.write(DATA[start:][: self.server.breaks])
        self.server.breaks = None  # only once

    def log_message(self, *_):
        pass


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.asked, server.breaks, server.resumes = [], None, True
    server.url = f"http://127.0.0.1:{server.server_port}/data.bin"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def there():
    return sorted(path.name for path in folder().iterdir()) if folder().exists() else []


def test_nothing_is_fetched_unasked(server):
    with pytest.raises(FileNotFoundError, match="data.bin is not in .*: download=True fetches it from http"):
        cached(server.url, SHA256, download=False)
    assert server.asked == [] and there() == []


def test_fetched_once_with_a_progress_bar(server, capsys):
    path = cached(server.url, SHA256, download=True)
    assert path == folder() / "data.bin" and path.read_bytes() == DATA and there() == ["data.bin"]
    bar = capsys.readouterr().err
    assert "data.bin" in bar and "100%" in bar
    assert cached(server.url, SHA256, download=True) == path == cached(server.url, SHA256, download=False)
    assert server.asked == [None]


def test_the_folder_is_the_users(monkeypatch, tmp_path):
    monkeypatch.setenv("DLCOURSE_HOME", str(tmp_path))
    assert folder() == tmp_path / "data"
    monkeypatch.delenv("DLCOURSE_HOME")
    assert folder().parts[-2:] == ("dlcourse", "data")


def test_a_broken_download_goes_on_where_it_stopped(server):
    server.breaks = 3 * PIECE
    with pytest.raises(ConnectionError, match="data.bin: no download from 127.0.0.1.*kept: ask again"):
        cached(server.url, SHA256, download=True)
    assert there() == ["data.bin.part"]  # nothing under the final name
    arrived = (folder() / "data.bin.part").stat().st_size
    assert 0 < arrived <= 3 * PIECE
    assert cached(server.url, SHA256, download=True).read_bytes() == DATA
    assert server.asked == [None, f"bytes={arrived}-"] and there() == ["data.bin"]


def test_a_server_that_cannot_resume_begins_again(server):
    server.breaks, server.resumes = 3 * PIECE, False
    with pytest.raises(ConnectionError):
        cached(server.url, SHA256, download=True)
    assert cached(server.url, SHA256, download=True).read_bytes() == DATA


def left_over(part):
    folder().mkdir(parents=True)
    (folder() / "data.bin.part").write_bytes(part)


@pytest.mark.parametrize("part", [DATA[::-1], DATA + b"more"])
def test_a_part_that_is_not_the_file_begins_again(server, part):
    left_over(part)
    assert cached(server.url, SHA256, download=True).read_bytes() == DATA
    assert there() == ["data.bin"]


def test_a_complete_part_lacks_only_its_name(server):
    left_over(DATA)
    assert cached(server.url, SHA256, download=True).read_bytes() == DATA
    assert server.asked == [] and there() == ["data.bin"]


def test_another_checksum_leaves_nothing(server):
    with pytest.raises(ValueError, match="data.bin: damaged on the way, or changed at its source: expected"):
        cached(server.url, "0" * 64, download=True)
    assert there() == []


def test_a_damaged_file_is_named_and_mended_when_asked(server):
    path = cached(server.url, SHA256, download=True)
    path.write_bytes(DATA[:-1])
    with pytest.raises(ValueError, match=f"its SHA-256 is not {SHA256}: damaged; download=True fetches it"):
        cached(server.url, SHA256, download=False)
    assert cached(server.url, SHA256, download=True).read_bytes() == DATA


def test_a_failed_replacement_keeps_the_old_file(server):
    path = cached(server.url, SHA256, download=True)
    path.write_bytes(b"old")
    server.breaks = PIECE
    with pytest.raises(ConnectionError):
        cached(server.url, SHA256, download=True)
    assert path.read_bytes() == b"old"


def test_missing_file_and_missing_network(server):
    with pytest.raises(ConnectionError, match="other.bin: no download from .*404"):
        cached(server.url.replace("data.bin", "other.bin"), SHA256, download=True)
    server.shutdown()
    server.server_close()
    with pytest.raises(ConnectionError, match="when the network is back, or bring the file from elsewhere"):
        cached(server.url, SHA256, download=True)
    assert there() == []


def test_a_full_disk_and_an_interrupt_leave_no_half_file(server, monkeypatch):
    replace = os.replace

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(download.os, "replace", full)
    with pytest.raises(OSError, match="No space left"):
        cached(server.url, SHA256, download=True)
    assert there() == ["data.bin.part"]

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(download.os, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        cached(server.url, SHA256, download=True)
    assert there() == ["data.bin.part"]
    monkeypatch.setattr(download.os, "replace", replace)
    assert cached(server.url, SHA256, download=True).read_bytes() == DATA
