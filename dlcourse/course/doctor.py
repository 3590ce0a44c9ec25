"""`dlcourse doctor`: what is installed, what is missing, and how to get it."""

import contextlib
import platform
import shutil
import sys
import tomllib
from importlib import metadata

from dlcourse.course import progress
from dlcourse.course.rust import RustMissing, crates
from dlcourse.course.rust.toolchain import PINNED, cache_folder, toolchain

NEEDED = ("numpy", "matplotlib", "ipykernel", "ipywidgets", "jupytext", "nbclient", "nbformat")
OPTIONAL = {
    "torch": "PyTorch cells, all others run without it; install it with `pip install torch`",
    "scikit-learn": "the chapters' real data; install it with `pip install scikit-learn`",
    "jupyterlab": "`dlcourse lab`; install it with `pip install 'jupyterlab<5'`",
    "nbgrader": "grading only; install it with `pip install nbgrader`",
}
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome", "msedge")


def version(package):
    """The installed version, without importing anything; None where it is missing."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def rust_lines():
    """What is said of Rust: the toolchain, the members of the workspace that are built, their disk use."""
    try:
        rust = toolchain()
    except RustMissing:
        return ["○ no rustc: needed for Rust cells; get it from https://rustup.rs"]
    pinned = f"the course is made with {PINNED}" + ("" if rust.is_pinned else ": only error codes will agree")
    lines = [f"✓ rustc {rust.version} ({pinned})"]
    if not rust.cargo:
        lines.append("○ no cargo: needed for Rust cells with crates; get it from https://rustup.rs")
    built = [member for member in crates.members() if is_built(member)]
    missing = [member for member in crates.members() if member not in built]
    if built:
        lines.append(f"✓ crates built: {', '.join(built)} (cells compile again what has changed since)")
    if missing:
        lines.append(f"○ crates not built yet: {', '.join(missing)}; the first cell that needs them does it")
    sizes = {"crates": crates.target_folder(), "cells": cache_folder() / "cells"}
    for what, folder in sizes.items():
        lines.append(f"✓ disk use, Rust {what}: {disk_use(folder) / 1e6:,.0f} MB in {folder}")
    return lines


def is_built(member):
    """Has cargo built this member of the workspace, whatever has changed in it since?"""
    manifest = tomllib.loads((crates.WORKSPACE / member / "Cargo.toml").read_text("utf-8"))
    library = manifest.get("lib", {}).get("name") or manifest["package"]["name"].replace("-", "_")
    folder = crates.target_folder() / "release" / "deps"
    return any(folder.glob(f"lib{library}-*.rlib")) or any(folder.glob(f"lib{library}.rlib"))


def disk_use(folder):
    """Bytes of all files below a folder; cargo gives some files two names, which count once."""
    sizes = {}
    for path in folder.rglob("*"):
        with contextlib.suppress(OSError):  # another process may have removed it meanwhile
            found = path.lstat()
            sizes[found.st_dev, found.st_ino] = found.st_size
    return sum(sizes.values())


def _writable(folder):
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".probe"
        probe.touch()
        probe.unlink()
    except OSError as error:
        return error.strerror
    return None


def report():
    """Print one line for each thing; return 1 if something is missing without which no chapter runs."""
    print(f"✓ Python {platform.python_version()} ({sys.platform})")
    missing = [name for name in NEEDED if version(name) is None]
    for name in NEEDED:
        found = version(name)
        print(f"✓ {name} {found}" if found else f"✗ {name} is missing: `pip install {name}`")
    for name, use in OPTIONAL.items():
        print(f"✓ {name} {found}" if (found := version(name)) else f"○ {name} is missing: needed for {use}")
    print(*rust_lines(), sep="\n")
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    print(f"✓ browser {browser}" if browser else "○ no Chromium: needed only to print the book as PDF")
    home, reason = progress.home(), _writable(progress.home())
    print(f"✗ progress cannot be saved in {home}: {reason}" if reason else f"✓ progress in {home}")
    print(next_step(missing, reason))
    return 1 if missing or reason else 0


def next_step(missing, reason):
    """The one thing to do now; `missing` packages, or the reason why progress cannot be saved, come first."""
    if missing:
        return f"Next: `pip install {' '.join(missing)}`, then `dlcourse doctor` again."
    if reason:
        return "Next: set DLCOURSE_HOME to a folder that you may write to, then `dlcourse doctor` again."
    if version("jupyterlab") is None:
        return "Next: `pip install 'jupyterlab<5'`; or `dlcourse start`, and open work/ in your editor."
    if not any(row["tries"] for row in progress.load().values()):
        return "Ready. Next: `dlcourse lab` opens the course; begin with 00_setup.ipynb."
    return "Ready. Next: `dlcourse lab` opens the course, `dlcourse next` names the next exercise."
