"""Where the course runs elsewhere: workflows call tasks that exist, Binder has the pins without PyTorch."""

import os
import re
import subprocess
import tomllib

import pytest
import yaml

pytest.importorskip("packaging", reason="an extra package")

from dlcourse.course import sources
from tools import lock

BINDER = sources.ROOT / "binder"
PROJECT = tomllib.loads((sources.ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_the_light_pins_are_those_of_the_course_without_torch():
    pins = (sources.ROOT / "requirements.txt").read_text(encoding="utf-8")
    stored = (BINDER / "requirements.txt").read_text(encoding="utf-8")
    assert stored == lock.light(pins, PROJECT), "`make lock` writes it"
    names = {re.split("[= ;]", line)[0] for line in stored.splitlines()[1:]}
    assert {"numpy", "matplotlib", "jupytext", "jupyterlab", "scikit-learn"} <= names and "torch" not in names


def test_a_new_dependency_would_be_in_the_light_pins():
    project = PROJECT | {"dependencies": ["torch==1", "New_Thing>=2"]}
    assert (
        lock.light("# head\nnew-thing==2.1\ntorch==1\nother==3\n", project) == lock.LIGHT + "new-thing==2.1\n"
    )


def test_binder_gets_an_allowed_python_and_a_script_that_runs():
    version = (BINDER / "runtime.txt").read_text(encoding="utf-8").strip()
    assert re.fullmatch(r"python-3\.\d+", version) and version.removeprefix("python-") == "3.11"
    assert PROJECT["requires-python"] == ">=3.11"
    script = BINDER / "postBuild"
    assert script.read_bytes().startswith(b"#!/bin/sh\n") and b"\r" not in script.read_bytes()
    if os.name == "posix":
        assert os.access(script, os.X_OK)
        assert subprocess.run(["sh", "-n", script]).returncode == 0
    assert "dlcourse start" in script.read_text(encoding="utf-8")


def test_the_workflows_call_tasks_that_exist():
    targets = set(re.findall(r"^([\w-]+):", (sources.ROOT / "Makefile").read_text(), re.M))
    runs = []
    for path in sorted((sources.ROOT / ".github" / "workflows").glob("*.yml")):
        for job in yaml.safe_load(path.read_text())["jobs"].values():
            runs += [step["run"] for step in job["steps"] if "run" in step]
    tasks = [word for run in runs for word in re.findall(r"\bmake ([\w-]+)", run)]
    assert {"test", "book"} <= set(tasks) <= targets
