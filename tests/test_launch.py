"""Where the course runs elsewhere: workflows call tasks that exist, Binder has the pins without PyTorch.

Links to Binder, Colab and the repository: none until pyproject.toml has its address, then in every chapter.
"""

import os
import re
import shutil
import subprocess
import sys
import tomllib

import pytest
import yaml
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

pytest.importorskip("packaging", reason="an extra package")

from dlcourse.course import repository, sources
from tools import book_scan, lock

SLUG = "07_perceptron_xor"

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


# --- Links to elsewhere: off until the repository has an address ------------------------------------------

ADDRESS = "https://github.com/someone/some-course"
ELSEWHERE = re.compile(r"mybinder|colab\.research|github\.com/someone")


@pytest.fixture
def project(tmp_path):
    """project(address) is a folder whose pyproject.toml names the repository, or does not."""

    def write(address=None):
        setting = f'[project.urls]\nRepository = "{address}"\n' if address else ""
        (tmp_path / "pyproject.toml").write_text(f'[project]\nname = "x"\n{setting}')
        return tmp_path

    return write


@pytest.mark.parametrize("written", [ADDRESS, f"{ADDRESS}/", f"{ADDRESS}.git"])
def test_one_setting_gives_the_address(project, written):
    assert repository.address(project(written)) == ADDRESS


def test_without_the_setting_there_is_no_address(project, tmp_path):
    assert repository.address(tmp_path) is None and repository.address(project()) is None


@pytest.mark.parametrize(
    "wrong", ["http://github.com/a/b", "https://github.com/a", "git@github.com:a/b", "x'"]
)
def test_what_cannot_be_an_address_is_refused(project, wrong):
    with pytest.raises(ValueError, match="expected Repository as https://HOST/OWNER/NAME"):
        repository.address(project(wrong))


def test_links_open_the_students_notebooks():
    made = repository.links(ADDRESS, "07_perceptron_xor")
    assert made == {
        "Binder": "https://mybinder.org/v2/gh/someone/some-course/HEAD"
        "?urlpath=lab/tree/work/07_perceptron_xor.ipynb",
        "Colab": "https://colab.research.google.com/github/someone/some-course"
        "/blob/students/07_perceptron_xor.ipynb",
    }
    elsewhere = repository.links("https://git.example.org/a/b/c", "07_perceptron_xor")
    assert list(elsewhere) == ["Binder"]
    assert "/git/https%3A%2F%2Fgit.example.org%2Fa%2Fb%2Fc/HEAD?" in elsewhere["Binder"]


def first_cell(monkeypatch, address):
    monkeypatch.setattr(repository, "address", lambda root: address)
    return next(c.source for c in sources.student(sources.stored(SLUG)).cells if c.cell_type == "code")


def test_a_notebook_brings_the_course_on_colab_alone(monkeypatch):
    assert "pip" not in first_cell(monkeypatch, None)
    text = first_cell(monkeypatch, ADDRESS)
    assert f"git+{ADDRESS}\n" in text and text.endswith("%load_ext dlcourse.course.light")
    ran = []
    shell = InteractiveShell(config=Config({"HistoryManager": {"enabled": False}}))
    shell.register_magic_function(ran.append, magic_name="pip")
    for modules in ({}, {"google.colab": None}):
        with monkeypatch.context() as patch:
            patch.setattr(sys, "modules", sys.modules | modules)
            assert shell.run_cell(text).success
    assert ran == [f"install --quiet --no-deps git+{ADDRESS}"]


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """pages(address) is one chapter's page, built as the book builds it."""
    pytest.importorskip("jupyter_book", reason="the book is built with the extra `book`")
    from tools import book, vendor

    vendor.fetch()

    def build(address):
        folder = tmp_path_factory.mktemp("book")
        for name in ("book/_config.yml", "book/references.bib", f"notebooks/{SLUG}.ipynb", "pyproject.toml"):
            (folder / name).parent.mkdir(exist_ok=True)
            shutil.copy(sources.ROOT / name, folder / name)
        os.symlink(sources.ROOT / "book" / "_static", folder / "book" / "_static")
        (folder / "book" / "_toc.yml").write_text(f"format: jb-book\nroot: notebooks/{SLUG}\n")
        if address:
            with open(folder / "pyproject.toml", "a") as file:
                file.write(f'\n[project.urls]\nRepository = "{address}"\n')
        command = [sys.executable, "-c", book.SPHINX, "build", ".", "--config", "book/_config.yml"]
        command += ["--toc", "book/_toc.yml", "--path-output", str(folder)]
        environment = os.environ | {"PYTHONPATH": str(sources.ROOT)}
        subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)
        return book_scan.Page(folder / "_build" / "html" / "notebooks" / f"{SLUG}.html")

    return build


def test_a_page_links_nowhere_until_the_address_is_set(pages):
    page = pages(None)
    assert not [url for url in page.links + page.loads if ELSEWHERE.search(url)]


def test_with_the_address_a_page_has_plain_links_and_loads_nothing_more(pages):
    page = pages(ADDRESS)
    wanted = [*repository.links(ADDRESS, SLUG).values(), ADDRESS]
    assert [url for url in page.links if ELSEWHERE.search(url)] == wanted
    assert not [url for url in page.loads if book_scan.ELSEWHERE.match(url)]
