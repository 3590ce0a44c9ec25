"""`make lock`: pin all packages that pyproject.toml allows, for every system, in requirements.txt.

And without PyTorch, in binder/requirements.txt, what a light start needs: see `dlcourse.course.light`.
"""

import os
import subprocess
import sys
import tomllib

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tools.environment import ROOT

HEADER = "# Made by `make lock` from pyproject.toml: the pinned environment, for every system.\n"
LIGHT = "# Made by `make lock`: the pins without PyTorch, for a light start and for Binder.\n"
WITHOUT = "torch"


def light(pins, project):
    """Of the pins, those of the packages that pyproject.toml names for chapters and JupyterLab, but torch."""
    extras = project["optional-dependencies"]
    named = [Requirement(line).name for line in project["dependencies"] + extras["chapters"] + extras["lab"]]
    wanted = {canonicalize_name(name) for name in named} - {WITHOUT}
    lines = [line for line in pins.splitlines() if line and not line.startswith("#")]
    return LIGHT + "".join(
        f"{line}\n" for line in lines if canonicalize_name(Requirement(line).name) in wanted
    )


def main():
    target = ROOT / "requirements.txt"
    command = [
        sys.executable,
        "-m",
        "uv",
        "pip",
        "compile",
        "--universal",
        "--python-version",
        "3.11",
        "--all-extras",
    ]
    command += ["--no-annotate", "--no-header", "--no-emit-index-url", "--no-emit-find-links", "--quiet"]
    result = subprocess.run([*command, "pyproject.toml"], cwd=ROOT, capture_output=True, text=True)
    if result.returncode:
        sys.exit(result.stderr)
    new = target.with_suffix(".new")
    new.write_text(HEADER + result.stdout.rstrip() + "\n")
    os.replace(new, target)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    (ROOT / "binder" / "requirements.txt").write_text(light(target.read_text(), project))
    print(f"requirements.txt: {result.stdout.count('==')} pins")


if __name__ == "__main__":
    main()
