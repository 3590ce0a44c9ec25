"""Where Rust is, which one it is, and where the course keeps what it builds."""

import functools
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

WORKSPACE = Path(__file__).resolve().parents[3] / "rust"
PINNED = "1.95"  # as in rust/rust-toolchain.toml: with this release, messages match the book's

HOW_TO_GET_RUST = (
    "Rust is not installed: get it from https://rustup.rs (about 300 MB), restart the kernel, run this again."
)


class RustMissing(RuntimeError):
    """There is no rustc on this machine."""

    def __init__(self):
        super().__init__(HOW_TO_GET_RUST)

    def _render_traceback_(self):
        return [str(self)]


@dataclass(frozen=True)
class Toolchain:
    """One installed Rust: its programs, and the words in which rustc describes itself."""

    rustc: Path
    cargo: str | None
    description: str  # all of `rustc -vV`: it decides what a cached program was built with

    @property
    def version(self):
        return re.search(r"^release: (\S+)", self.description, re.M)[1]

    @property
    def is_pinned(self):
        return self.version.startswith(f"{PINNED}.")

    @property
    def environment(self):
        """For cargo: the same toolchain all the way down, and no questions to the network's patience."""
        path = f"{self.rustc.parent}{os.pathsep}{os.environ.get('PATH', '')}"
        return {**os.environ, "PATH": path, "RUSTC": str(self.rustc), "CARGO_NET_RETRY": "1"}


def toolchain():
    """Return the pinned Rust if rustup has it or can fetch it, else the machine's own; else RustMissing."""
    return _find(os.environ.get("RUSTC"), os.environ.get("PATH"))


@functools.cache
def _find(chosen, path):
    """The arguments are what the answer depends on, so that a changed PATH is looked at anew."""
    command = chosen or shutil.which("rustc", path=path)
    if not command:
        raise RustMissing
    for folder in (WORKSPACE, Path.home()):  # inside the workspace, rustup obeys rust-toolchain.toml
        if folder.is_dir() and (sysroot := _answer([command, "--print", "sysroot"], folder)):
            suffix = ".exe" if os.name == "nt" else ""
            # Past rustup's proxy: faster, and independent of the folder a cell is compiled in.
            rustc = Path(sysroot.strip(), "bin", f"rustc{suffix}")
            cargo = shutil.which("cargo", path=rustc.parent) or shutil.which("cargo", path=path)
            return Toolchain(rustc, cargo, _answer([rustc, "-vV"], folder))
    raise RustMissing


def _answer(command, folder):
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    return done.stdout if done.returncode == 0 else None


def rustc_version():
    """Return the release of the rustc that cells use, e.g. "1.95.0"."""
    return toolchain().version


def cache_folder():
    """Return the folder for what can be built again: DLCOURSE_CACHE, or the system's place for caches."""
    if chosen := os.environ.get("DLCOURSE_CACHE"):
        return Path(chosen)
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "dlcourse"
