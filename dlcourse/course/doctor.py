"""`dlcourse doctor`: what is installed, what is missing, and how to get it."""

import platform
import shutil
import sys
from importlib import metadata

from dlcourse.course import progress
from dlcourse.course.rust import RustMissing, rustc_version

NEEDED = ("numpy", "matplotlib", "ipykernel", "ipywidgets", "jupytext", "nbclient", "nbformat")
OPTIONAL = {
    "torch": "PyTorch cells; install it with `pip install torch`",
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


def _rust():
    try:
        return rustc_version()
    except RustMissing:
        return None


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
    rust = _rust()
    print(f"✓ rustc {rust}" if rust else "○ no rustc: needed for Rust cells; get it from https://rustup.rs")
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    print(f"✓ browser {browser}" if browser else "○ no Chromium: needed only to print the book as PDF")
    home, reason = progress.home(), _writable(progress.home())
    print(f"✗ progress cannot be saved in {home}: {reason}" if reason else f"✓ progress in {home}")
    if not missing and not reason:
        print("Ready: `dlcourse lab` opens the course.")
    return 1 if missing or reason else 0
