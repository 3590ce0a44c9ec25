"""The pins with hashes: the same as those without, and pip refuses a file that is another one."""

import ast
import base64
import hashlib
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import packages_distributions

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from dlcourse.course.sources import ROOT
from tools import environment, lock


def pins(name):
    """{requirement: its options} of a requirements file, over continued lines."""
    lines = (ROOT / name).read_text().replace("\\\n", " ").splitlines()
    rows = [line.partition("--hash=") for line in lines if line.strip() and not line.startswith("#")]
    return {str(Requirement(pin.strip())): mark + rest for pin, mark, rest in rows}


def test_the_pins_are_the_same_and_each_has_a_hash():
    plain, hashed = pins("requirements.txt"), pins("requirements-hashes.txt")
    assert plain.keys() == hashed.keys() and len(plain) > 100
    for pin, options in hashed.items():
        hashes = options.split()
        assert hashes and all(h.startswith("--hash=sha256:") and len(h) == 78 for h in hashes), pin


def test_what_the_package_imports_is_declared():
    """Not only there because another package needs it today."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    lines = project["dependencies"] + extras["chapters"] + extras["grading"]
    declared = {canonicalize_name(Requirement(line).name) for line in lines}
    packages, imported = packages_distributions(), set()
    for path in (ROOT / "dlcourse").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                imported.add(node.module.partition(".")[0])
    outside = imported - set(sys.stdlib_module_names) - {"dlcourse"}
    assert {canonicalize_name(packages[name][0]) for name in outside} - declared == set()


def wheel(folder):
    """A package of one line."""
    path, info = folder / "tiny-1.0-py3-none-any.whl", "tiny-1.0.dist-info"
    files = {
        "tiny.py": "x = 1\n",
        f"{info}/METADATA": "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    rows = []
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
            digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
            rows.append(f"{name},sha256={digest},{len(text)}\n")
        archive.writestr(f"{info}/RECORD", "".join(rows) + f"{info}/RECORD,,\n")
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("whole", [True, False])
def test_a_changed_file_is_not_installed(tmp_path, whole):
    digest = wheel(tmp_path)
    if not whole:
        digest = ("0" if digest[0] != "0" else "1") + digest[1:]
    (tmp_path / "pins.txt").write_text(f"tiny==1.0 \\\n    --hash=sha256:{digest}\n")
    command = [sys.executable, "-m", "pip", "install", "--no-index", "--find-links", str(tmp_path)]
    command += ["--target", str(tmp_path / "there"), "--require-hashes", "-r", str(tmp_path / "pins.txt")]
    result = subprocess.run(command, capture_output=True, text=True)
    assert (result.returncode == 0) == whole == (tmp_path / "there" / "tiny.py").exists()
    assert whole or "THESE PACKAGES DO NOT MATCH THE HASHES" in result.stderr


@pytest.fixture
def called(tmp_path, monkeypatch):
    """The commands that making an environment would run."""
    commands = []
    monkeypatch.setattr(environment, "FOLDER", tmp_path)
    monkeypatch.setattr(environment, "PYTHON", tmp_path / "python")
    monkeypatch.setattr(environment, "STAMP", tmp_path / "stamp")

    def make(*_, **__):
        environment.PYTHON.touch()
        commands.append(["venv"])

    def run(command, **_):
        commands.append(command[1:])
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(environment.venv, "create", make)
    monkeypatch.setattr(environment.subprocess, "run", run)
    return commands


@pytest.mark.parametrize("wanted, file", [("", "requirements.txt"), ("1", "requirements-hashes.txt")])
def test_setup_checks_hashes_when_asked_to(called, monkeypatch, wanted, file):
    monkeypatch.setenv("HASHES", wanted)
    environment.create()
    new, pins, package = called
    assert new == ["venv"] and file in pins and ("--require-hashes" in pins) == bool(wanted)
    assert "--require-hashes" not in package and environment.complete()


def test_hashes_are_not_taken_as_checked(called, monkeypatch):
    """An environment made without them is made anew, since pip keeps what is installed; not the reverse."""
    monkeypatch.setenv("HASHES", "0")
    environment.create()
    monkeypatch.setenv("HASHES", "1")
    assert not environment.complete()
    called.clear()
    environment.create()
    assert called[0] == ["venv"] and environment.complete()
    monkeypatch.delenv("HASHES")
    assert environment.complete()
    called.clear()
    environment.create()
    assert ["venv"] not in called and environment.complete()
    monkeypatch.setenv("HASHES", "1")
    assert not environment.complete()


def test_make_lock_writes_all_three_from_one_answer(tmp_path, monkeypatch, capsys):
    (tmp_path / "binder").mkdir()
    (tmp_path / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text())
    asked = []

    def uv(command, **_):
        asked.append(command)
        hashed = " \\\n    --hash=sha256:0\n" if "--generate-hashes" in command else "\n"
        return subprocess.CompletedProcess(command, 0, f"numpy==2.0{hashed}torch==2.13.0{hashed}")

    monkeypatch.setattr(lock, "ROOT", tmp_path)
    monkeypatch.setattr(lock.subprocess, "run", uv)
    lock.main()
    assert (tmp_path / "requirements.txt").read_text() == f"{lock.HEADER}numpy==2.0\ntorch==2.13.0\n"
    assert (tmp_path / "requirements-hashes.txt").read_text().count("--hash=") == 2
    assert (tmp_path / "binder" / "requirements.txt").read_text() == f"{lock.LIGHT}numpy==2.0\n"
    assert asked[0][-1] == "pyproject.toml" and asked[1][-1] == "requirements.txt"
    monkeypatch.setattr(
        lock.subprocess, "run", lambda *_, **__: subprocess.CompletedProcess([], 1, "", "no network")
    )
    with pytest.raises(SystemExit, match="no network"):
        lock.main()
    assert "numpy==2.0" in (tmp_path / "requirements.txt").read_text()
