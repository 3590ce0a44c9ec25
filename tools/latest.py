"""`make test-latest`: all tests and notebooks with the newest packages that pyproject.toml allows.

In an environment of its own in the user's cache (6 GB), made anew for every Python and brought up to date at
every start. `--python 3.13` takes another interpreter, `--pinned` the packages of requirements.txt instead,
and what stands behind `--` chooses tests and notebooks: `python -m tools.latest -- tests/test_linear.py`.
Prints first which packages differ from the pins, and leaves build/latest-PYTHON-DATE.txt and .xml.
"""

import argparse
import datetime
import os
import subprocess
import sys

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from dlcourse.course.rust.toolchain import cache_folder
from tools.environment import ROOT

EXTRAS = "chapters,lab,grading,book,test"
OWN = {"dlcourse", "pip"}


def find(wanted):
    """Path and version of an interpreter on this machine: ("/usr/bin/python3.13", "3.13")."""
    command = [sys.executable, "-m", "uv", "python", "find", "--no-python-downloads", wanted]
    found = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if found.returncode:
        sys.exit(f"No Python {wanted} here: install it, or give its path after --python.")
    path = found.stdout.strip()
    program = "import sys; print('.'.join(map(str, sys.version_info[:2])))"
    version = subprocess.run([path, "-c", program], capture_output=True, text=True, check=True).stdout.strip()
    return path, version


def folder(version, pinned):
    """Where the environment is kept: apart from `.venv` and from the tree."""
    return cache_folder() / f"environment-{'pinned' if pinned else 'latest'}-{version}"


def interpreter(place):
    return place / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def install(place, python, pinned):
    """Make or update the environment; pip's resolver is uv's, which says why where there is no solution."""
    uv = [sys.executable, "-m", "uv"]
    if not interpreter(place).exists():
        _expect(subprocess.run([*uv, "venv", "--quiet", "--python", python, place]))
    pip = [*uv, "pip", "install", "--quiet", "--python", interpreter(place)]
    if pinned:
        _expect(subprocess.run([*pip, "pip", "-r", "requirements.txt"], cwd=ROOT))
        _expect(subprocess.run([*pip, "--no-deps", "-e", "."], cwd=ROOT))
    else:
        _expect(subprocess.run([*pip, "--upgrade", "pip", "-e", f".[{EXTRAS}]"], cwd=ROOT))


def _expect(done):
    if done.returncode:
        sys.exit("The environment could not be made: see uv's message above.")


def installed(place):
    """{package: version} in the environment."""
    command = [sys.executable, "-m", "uv", "pip", "freeze", "--python", interpreter(place)]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    return dict(line.split("==") for line in lines if "==" in line)


def differences(found, pins, environment):
    """Lines "package: pinned → found"; `environment`: what markers of the pins are to be read with."""
    wanted = {}
    for line in pins.splitlines():
        if line and not line.startswith("#"):
            pin = Requirement(line)
            if pin.marker is None or pin.marker.evaluate(environment):
                wanted[canonicalize_name(pin.name)] = next(iter(pin.specifier)).version
    found = {canonicalize_name(name): version.partition("+")[0] for name, version in found.items()}
    names = sorted((wanted.keys() | found.keys()) - OWN)
    pairs = [(name, wanted.get(name, "-"), found.get(name, "-")) for name in names]
    return [f"{name}: {old} → {new}" for name, old, new in pairs if old != new]


def main():
    parser = argparse.ArgumentParser(prog="python -m tools.latest")
    parser.add_argument("--python", default="3.11", help="3.13, or a path")
    parser.add_argument("--pinned", action="store_true", help="the packages of requirements.txt")
    parser.add_argument("chosen", nargs="*", metavar="TEST", help="tests and notebooks; default: all")
    options = parser.parse_args()
    python, version = find(options.python)
    place = folder(version, options.pinned)
    print(f"Installing into {place} …", flush=True)
    install(place, python, options.pinned)
    markers = {"python_version": version, "python_full_version": f"{version}.99"}
    differing = differences(installed(place), (ROOT / "requirements.txt").read_text(), markers)
    print("\n".join(differing) or "The packages are the pinned ones.", flush=True)
    (ROOT / "build").mkdir(exist_ok=True)
    report = f"build/latest-{version}-{datetime.date.today().isoformat()}"
    (ROOT / f"{report}.txt").write_text("".join(f"{line}\n" for line in differing))
    words = ["-m", "tools.test", "--report", report, "--", *options.chosen]
    environment = os.environ | {"DLCOURSE_ENV": "here"}
    sys.exit(subprocess.run([interpreter(place), *words], cwd=ROOT, env=environment).returncode)


if __name__ == "__main__":
    main()
