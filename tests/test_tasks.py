"""Every task has one name: a target of one line, a module that any Python starts, a line in `make help`."""

import ast
import importlib
import re
import subprocess
import sys

import pytest

from dlcourse.course import sources

ROOT = sources.ROOT
TARGET = re.compile(r"^([\w-]+): +; @\$\(PYTHON\) -m tools\.(\w+)( .*)?$")
LINES = [line for line in (ROOT / "Makefile").read_text().splitlines() if re.match(r"[\w-]+:", line)]
TASKS = {match[1]: match[2] for match in map(TARGET.match, LINES) if match}
PYTHON = [*sorted((ROOT / "tools").glob("*.py")), *sorted((ROOT / "dlcourse").rglob("*.py"))]


def test_every_target_is_one_line_that_starts_a_module():
    assert [line for line in LINES if not TARGET.match(line)] == []
    phony = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)[1]
    assert set(phony.split()) == set(TASKS)


@pytest.mark.parametrize("task", TASKS)
def test_a_task_runs_as_a_module_without_make(task):
    module = importlib.import_module(f"tools.{TASKS[task]}")  # to import it starts nothing
    text = (ROOT / "tools" / f"{TASKS[task]}.py").read_text()
    assert module.__doc__ and '__name__ == "__main__"' in text


def test_help_names_every_task():
    result = subprocess.run([sys.executable, "-m", "tools.help"], cwd=ROOT, capture_output=True, text=True)
    named = set(re.findall(r"^  make ([\w-]+)", result.stdout, re.MULTILINE))
    missing = set(TASKS) - named - {"help", "test-slow"}  # test-slow stands in the line of `make test`
    assert result.returncode == 0 and missing == set()


@pytest.mark.parametrize("path", PYTHON, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_program_needs_a_shell(path):
    """A shell is missing on Windows, and reads the names of files as commands."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.keyword) and node.arg == "shell":
            pytest.fail(f"line {node.value.lineno}: shell=")
        if isinstance(node, ast.Attribute) and ast.unparse(node) in ("os.system", "os.popen"):
            pytest.fail(f"line {node.lineno}: {ast.unparse(node)}")
        if isinstance(node, ast.List) and node.elts and isinstance(first := node.elts[0], ast.Constant):
            assert first.value not in ("bash", "sh", "/bin/sh", "/bin/bash"), f"line {node.lineno}"


def test_the_workflows_start_modules_that_are_tasks():
    text = "".join(path.read_text() for path in (ROOT / ".github" / "workflows").glob("*.yml"))
    assert set(re.findall(r"-m tools\.(\w+)", text)) <= set(TASKS.values())


WARN = "import warnings\n\ndef old(kind):\n    warnings.warn('use new()', kind)\n"
TOY = """import dlcourse_toy
import other

def test_deprecation(): dlcourse_toy.old(DeprecationWarning)
def test_pending(): dlcourse_toy.old(PendingDeprecationWarning)
def test_future(): dlcourse_toy.old(FutureWarning)
def test_said(): dlcourse_toy.old(UserWarning)
def test_of_another(): other.old(DeprecationWarning)
"""


def test_a_deprecation_that_the_package_raises_is_an_error(tmp_path):
    """As pyproject.toml says; one that another package raises is only told."""
    for name, text in (("dlcourse_toy.py", WARN), ("other.py", WARN), ("test_toy.py", TOY)):
        (tmp_path / name).write_text(text)
    command = [sys.executable, "-m", "pytest", "-c", ROOT / "pyproject.toml", "--rootdir", tmp_path, "-rA"]
    command += ["-p", "no:cacheprovider", tmp_path / "test_toy.py"]
    printed = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True).stdout
    failed = set(re.findall(r"^FAILED test_toy.py::test_(\w+)", printed, re.MULTILINE))
    assert failed == {"deprecation", "pending", "future"} and "2 passed" in printed
