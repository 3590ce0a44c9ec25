"""`make lock`: pin all packages that pyproject.toml allows, for every system, in requirements.txt."""

import os
import subprocess
import sys

from tools.environment import ROOT

HEADER = "# Made by `make lock` from pyproject.toml: the pinned environment, for every system.\n"


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
    print(f"requirements.txt: {result.stdout.count('==')} pins")


if __name__ == "__main__":
    main()
