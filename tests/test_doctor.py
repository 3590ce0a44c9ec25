"""What `dlcourse doctor` says of Rust: the toolchain, what is built, how much disk it takes."""

import os
import shutil
from pathlib import Path

import pytest

from dlcourse.course import doctor
from dlcourse.course.rust import RustMissing, crates, toolchain

RUST = toolchain.Toolchain(Path("rustc"), "cargo", "rustc 1.95.0\nrelease: 1.95.0\n")


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache, and the pinned Rust."""
    monkeypatch.setenv("DLCOURSE_CACHE", str(tmp_path))
    monkeypatch.delenv("CARGO_TARGET_DIR", raising=False)
    monkeypatch.setattr(doctor, "toolchain", lambda: RUST)
    return tmp_path


def write(path, size):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes(size))
    return path


def said(about):
    """The one line that mentions this."""
    (line,) = [line for line in doctor.rust_lines() if about in line]
    return line


def test_the_pinned_release_and_another(cache, monkeypatch):
    assert said("rustc") == "✓ rustc 1.95.0 (the course is made with 1.95)"
    newer = toolchain.Toolchain(Path("rustc"), None, "release: 1.99.1\n")
    monkeypatch.setattr(doctor, "toolchain", lambda: newer)
    assert said("rustc") == "✓ rustc 1.99.1 (the course is made with 1.95: only error codes will agree)"
    assert said("no cargo").startswith("○")


def test_without_rust_one_line_says_how_to_get_it(monkeypatch):
    def missing():
        raise RustMissing

    monkeypatch.setattr(doctor, "toolchain", missing)
    assert doctor.rust_lines() == ["○ no rustc: needed for Rust cells; get it from https://rustup.rs"]


def test_members_that_are_built_are_told_from_the_others(cache):
    assert said("not built yet").startswith(f"○ crates not built yet: {', '.join(crates.members())};")
    assert not any("crates built" in line for line in doctor.rust_lines())
    for library in ("dlcourse", "dlcourse_tch"):  # the first is core's, by its manifest
        write(cache / "target" / "release" / "deps" / f"lib{library}-0123.rlib", 1)
    assert said("crates built").startswith("✓ crates built: core, tch (")
    assert "core" not in said("not built yet") and "burn" in said("not built yet")


def test_disk_use_counts_a_file_with_two_names_once(cache):
    library = write(cache / "target" / "release" / "deps" / "libx-1.rlib", 3_000_000)
    assert said("Rust crates").startswith("✓ disk use, Rust crates: 3 MB in ")
    os.link(library, cache / "target" / "release" / "libx.rlib")
    write(cache / "cells" / "one" / "cell", 1_500_000)
    assert said("Rust crates").startswith("✓ disk use, Rust crates: 3 MB in ")
    assert said("Rust cells") == f"✓ disk use, Rust cells: 2 MB in {cache / 'cells'}"


def test_a_file_that_vanishes_meanwhile_does_no_harm(cache, monkeypatch):
    write(cache / "cells" / "one" / "cell", 1_000)
    (gone := cache / "cells" / "gone").touch()
    listed = [gone, cache / "cells" / "one" / "cell"]
    monkeypatch.setattr(Path, "rglob", lambda self, pattern: listed)
    gone.unlink()
    assert doctor.disk_use(cache / "cells") == 1_000


@pytest.mark.skipif(not shutil.which("rustc") and not os.environ.get("CI"), reason=toolchain.HOW_TO_GET_RUST)
def test_the_report_names_this_machines_rust(capsys):
    doctor.report()
    assert f"✓ rustc {toolchain.rustc_version()} (" in capsys.readouterr().out


def test_the_next_step_is_the_one_that_comes_first(monkeypatch, tmp_path):
    monkeypatch.setenv("DLCOURSE_HOME", str(tmp_path))
    monkeypatch.setattr(doctor, "version", lambda package: "1")
    assert doctor.next_step(["numpy", "nbclient"], "full").startswith("Next: `pip install numpy nbclient`")
    assert "DLCOURSE_HOME" in doctor.next_step([], "Read-only file system")
    assert "begin with 00_setup" in doctor.next_step([], None)
    doctor.progress.record("make_array", False)
    assert "`dlcourse next`" in doctor.next_step([], None)
    monkeypatch.setattr(doctor, "version", lambda package: None)
    assert "`dlcourse start`" in doctor.next_step([], None)


def test_without_torch_the_report_is_still_ready(monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("DLCOURSE_HOME", str(tmp_path))
    monkeypatch.setattr(doctor, "rust_lines", list)
    monkeypatch.setattr(doctor, "version", lambda package: None if package == "torch" else "1")
    assert doctor.report() == 0
    said = capsys.readouterr().out
    assert "○ torch is missing: needed for PyTorch cells, all others run without it" in said
    assert "Ready. Next:" in said
