"""The course's own environment, `.venv`: made once, completed when the pins change, entered by every task.

With HASHES=1 only files that requirements-hashes.txt knows are installed. With DLCOURSE_ENV=here the tasks
use the interpreter at hand (conda, a container, a GPU machine).
"""

import hashlib
import os
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / ".venv"
PYTHON = FOLDER / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
STAMP = FOLDER / "dlcourse.stamp"
OLDEST = (3, 11)
ONE_THREAD = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}


def fingerprint():
    """What the environment depends on: the pins, the package's metadata, the interpreter and the place."""
    pins = (ROOT / "requirements.txt").read_bytes() + (ROOT / "pyproject.toml").read_bytes()
    return hashlib.sha256(pins + f"{sys.version_info[:2]} {FOLDER}".encode()).hexdigest()


def hashes_wanted():
    return os.environ.get("HASHES", "") not in ("", "0")


def complete():
    """Whether the pins are installed, and with their hashes checked if that is wanted."""
    if not (PYTHON.exists() and STAMP.exists()):
        return False
    made, *checked = STAMP.read_text().split()
    return made == fingerprint() and (bool(checked) or not hashes_wanted())


def create():
    """Create `.venv` and install the pins; the stamp is written last, so that a broken try is repeated."""
    if sys.version_info < OLDEST:
        wanted, got = ".".join(map(str, OLDEST)), sys.version.split()[0]
        sys.exit(
            f"dlcourse needs Python {wanted} or newer, this is {got}: run `make PYTHON=python{wanted} …`"
        )
    print(f"Installing the pinned packages into {FOLDER.name} (a few minutes, 6 GB, once) …", flush=True)
    # In place where only pins have changed; anew where a try was left half made, or where there may be
    # packages whose hashes nobody looked at: pip would keep them.
    in_place = STAMP.exists() and not hashes_wanted()
    STAMP.unlink(missing_ok=True)
    if not in_place:
        venv.create(FOLDER, clear=True, with_pip=True)
    pip = [PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    pins = ["-r", "requirements.txt"]
    if hashes_wanted():
        # The pins are complete. With dependencies, pip before 24 looks for a pin of "coverage[toml]" itself.
        pins = ["--require-hashes", "--no-deps", "-r", "requirements-hashes.txt"]
    for arguments in (pins, ["--no-deps", "--no-build-isolation", "-e", "."]):
        if subprocess.run(pip + arguments, cwd=ROOT).returncode:
            sys.exit("The installation failed: see pip's message above, then run the same command again.")
    STAMP.write_text(fingerprint() + (" hashes" if hashes_wanted() else ""))


def enter(module_and_arguments):
    """Run this task inside the environment; returns only when it already is there."""
    inside = Path(sys.prefix).resolve() == FOLDER.resolve()
    if os.environ.get("DLCOURSE_ENV") == "here" or (inside and complete()):
        return
    if inside:  # started with .venv's own Python, but the pins have changed
        sys.exit("The pins have changed: run `python3 -m tools.setup` with the system's Python.")
    if not complete():
        create()
    command = [PYTHON, "-m", *module_and_arguments]
    sys.exit(subprocess.run(command, cwd=ROOT, env=ONE_THREAD | os.environ).returncode)
