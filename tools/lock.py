"""`make lock`: pin all packages that pyproject.toml allows, for every system, in requirements.txt.

And without PyTorch, in binder/requirements.txt, what a light start needs: see `dlcourse.course.light`. The
same pins with the SHA-256 of every file that may be installed stand in requirements-hashes.txt.
"""

import subprocess
import sys
import tomllib

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from dlcourse.course import atomic
from tools.environment import ROOT

HEADER = "# Made by `make lock` from pyproject.toml: the pinned environment, for every system.\n"
LIGHT = "# Made by `make lock`: the pins without PyTorch, for a light start and for Binder.\n"
HASHES = "# Made by `make lock`: the same pins and the hashes of their files, for `make setup HASHES=1`.\n"
WITHOUT = "torch"
COMMON = ["--universal", "--python-version", "3.11", "--no-annotate", "--no-header", "--quiet"]
COMMON += ["--no-emit-index-url", "--no-emit-find-links"]


def light(pins, project):
    """Of the pins, those of the packages that pyproject.toml names for chapters and JupyterLab, but torch."""
    extras = project["optional-dependencies"]
    named = [Requirement(line).name for line in project["dependencies"] + extras["chapters"] + extras["lab"]]
    wanted = {canonicalize_name(name) for name in named} - {WITHOUT}
    lines = [line for line in pins.splitlines() if line and not line.startswith("#")]
    return LIGHT + "".join(
        f"{line}\n" for line in lines if canonicalize_name(Requirement(line).name) in wanted
    )


def compiled(source, *options):
    """What uv makes of the requirements in `source`."""
    command = [sys.executable, "-m", "uv", "pip", "compile", *COMMON, *options, source]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if result.returncode:
        sys.exit(result.stderr)
    return result.stdout.rstrip() + "\n"


def main():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    pins = compiled("pyproject.toml", "--all-extras")
    atomic.write(ROOT / "requirements.txt", HEADER + pins)
    hashes = compiled("requirements.txt", "--no-deps", "--generate-hashes")
    atomic.write(ROOT / "requirements-hashes.txt", HASHES + hashes)
    atomic.write(ROOT / "binder" / "requirements.txt", light(pins, project))
    print(f"requirements.txt: {pins.count('==')} pins")


if __name__ == "__main__":
    main()
