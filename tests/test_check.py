"""`make check` on this repository, and each of its checks on a small course that breaks one rule."""

import os
import shutil
import subprocess
import sys

import nbformat
import pytest

from dlcourse.course import sources
from tools import check, prose, test

REPOSITORY = sources.ROOT


@pytest.mark.parametrize("title", check.CHECKS)
def test_the_repository_passes(title):
    assert check.CHECKS[title]() == []


@pytest.fixture
def course(tmp_path, monkeypatch):
    """A sound course of one page and one chapter without code; `course(path, text)` changes a file."""
    monkeypatch.setattr(sources, "ROOT", tmp_path)

    def write(path, text):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text, encoding="utf-8")

    write("book/_toc.yml", "root: book/index\nchapters:\n- file: notebooks/01_toy\n")
    write("book/index.md", "# Index\n\nSee [the chapter](../notebooks/01_toy.md) and {cite}`good2016`.\n")
    write("book/references.bib", "@book{good2016,\n title = {A}\n}\n")
    write("notebooks/01_toy.md", "(sec-a)=\n# Toy\n\nSee {ref}`sec-a` and {doc}`../book/index`.\n")
    write("tools/forbidden.txt", (REPOSITORY / "tools" / "forbidden.txt").read_text())
    for name in ("pyproject.toml", "requirements.txt", "environment.yml"):
        shutil.copy(REPOSITORY / name, tmp_path / name)
    assert prose.bad_links() == prose.bad_words() == check.dependencies() == check.machine_paths() == []
    return write


# --- Links -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text, said",
    [
        ("[a](missing.md)", "the link to 'missing.md' leads nowhere"),
        ("{doc}`missing`", "no page 'missing'"),
        ("{doc}`a page <missing>`", "no page 'missing'"),
        ("{ref}`nowhere`", "no label 'nowhere'"),
        ("{numref}`fig-none`", "no label 'fig-none'"),
        ("{cite}`good2016,bad2017`", "no entry bad2017"),
    ],
)
def test_a_reference_that_leads_nowhere_is_named(course, text, said):
    course("book/index.md", f"# Index\n\n{text}\n")
    (problem,) = prose.bad_links()
    assert problem.startswith("book/index.md: ") and said in problem


def test_links_in_code_and_to_the_web_are_left_alone(course):
    course(
        "book/index.md",
        "# I\n\n`{ref}`\n\n```\n[a](missing.md)\n```\n[b](https://example.org/x) [c](#here)\n",
    )
    assert prose.bad_links() == []


def test_a_missing_page_and_one_outside_the_contents_are_named(course):
    course("book/_toc.yml", "root: book/index\nchapters:\n- file: notebooks/02_gone\n")
    assert prose.bad_links() == [
        "book/_toc.yml: 'notebooks/02_gone' does not exist",
        "notebooks/01_toy.md: no entry in book/_toc.yml",
    ]


# --- Words -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "word", ["behavior", "color", "initialize", "delve", "cutting-edge", "as an AI", "labeled"]
)
def test_a_forbidden_word_is_named_with_line_and_reason(course, word):
    course("book/index.md", f"# Index\n\nThe {word} of it.\n")
    (problem,) = prose.bad_words()
    assert problem.startswith(f"book/index.md, line 3: {word!r}: ")


@pytest.mark.parametrize(
    "text",
    [
        "`color`",
        "```python\ncolor = 1\n```",
        "```{code-cell}\n:tags: [setup]\n\ncolor = 1\n```",
        "$color$",
        "$$\ncolor\n$$",
        '<span style="color:red">x</span>',
        "The book says “a behavior”.",
        "[x](color.html)",
        ":::{figure} a.svg\n:class: color\nText\n:::",
        "size, prize, seized, arise",
    ],
)
def test_code_mathematics_and_quotations_are_exempt(course, text):
    course("book/index.md", f"# Index\n\n{text}\n")
    assert prose.bad_words() == []


@pytest.mark.parametrize(
    "text",
    [
        "```{note}\nIts color.\n```",
        "```{admonition} The color\ntext\n```",
        "````{note}\n```python\nx = 1\n```\nIts color.\n````",
        "```{code-cell}\n---\nmystnb:\n  figure: {name: a, caption: The color of it}\n---\nx\n```",
    ],
)
def test_boxes_and_captions_are_prose(course, text):
    course("book/index.md", f"# Index\n\n{text}\n")
    (problem,) = prose.bad_words()
    assert "'color'" in problem


def test_a_rule_without_reason_is_an_error(course):
    course("tools/forbidden.txt", "color\n")
    with pytest.raises(ValueError, match="expected `word: why`, got 'color'"):
        prose.bad_words()


# --- Figures ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("missing", ["name", "caption", "alt"])
def test_a_picture_without_caption_or_alternative_text_is_named(course, missing):
    shown = {"figure": {"name": "fig-a", "caption": "A."}, "image": {"alt": "A line"}}
    shown = {part: {k: v for k, v in values.items() if k != missing} for part, values in shown.items()}
    picture = nbformat.v4.new_output("display_data", {"image/png": "aaaa"})
    cell = nbformat.v4.new_code_cell("plot()", metadata={"mystnb": shown}, outputs=[picture])
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), sources.notebook_path("01_toy"))
    (problem,) = prose.bad_figures()
    assert problem.startswith("01_toy, cell 1: a figure without mystnb.") and problem.endswith(missing)


# --- Dependencies, paths, hosts --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "file, old, new, said",
    [
        (
            "requirements.txt",
            "torch==2.13.0",
            "torch==2.12.0",
            "pins torch==2.12.0, pyproject.toml wants torch==2.13.0",
        ),
        ("requirements.txt", "nbval==", "nbvalue==", "no pin for nbval"),
        ("requirements.txt", "torch==2.13.0", "torch>=2.13", "expected a pin like torch==1.2"),
        ("environment.yml", "python=3.11", "python=3.10", "environment.yml: expected python>=3.11, got 3.10"),
        ("environment.yml", "-r requirements.txt", "numpy", "expected `-r requirements.txt` under pip"),
    ],
)
def test_lists_of_dependencies_that_disagree_are_named(course, file, old, new, said):
    text = (sources.ROOT / file).read_text()
    assert old in text
    course(file, text.replace(old, new))
    assert any(said in problem for problem in check.dependencies())


def test_another_rust_than_the_toolchains_is_named(course):
    course("rust/rust-toolchain.toml", '[toolchain]\nchannel = "1.80.0"\n')
    assert check.dependencies() == ["environment.yml: expected rust=1.80.0, got 1.95"]


@pytest.mark.parametrize(
    "file, text",
    [
        ("tools/a.py", "x = '/ro" + "ot/data'"),
        ("book/index.md", "file:///ho" + "me/ada/x"),
        ("notebooks/01_toy.ipynb", "/tmp/ipyker" + "nel_12/34.py:3: Warning"),
        ("requirements.txt", "--extra-index" + "-url https://example.org/simple"),
        (".cargo/config.toml", "replace-" + 'with = "mirror"'),
        ("rust/Cargo.lock", 'source = "registry+https://example.org/index"\n'),
    ],
)
def test_a_path_of_one_machine_and_a_foreign_index_are_named(course, file, text):
    course(file, text)
    (problem,) = check.machine_paths()
    assert problem.startswith(file)


def test_the_exit_status_tells(course, monkeypatch, capsys):
    monkeypatch.setattr(check, "CHECKS", {"words": prose.bad_words})
    assert check.main() == 0
    course("book/index.md", "# The color\n")
    assert check.main() == 1
    assert "1 to mend" in capsys.readouterr().out


# --- `make test` -----------------------------------------------------------------------------------------


def test_one_chapter_selects_its_notebook_and_its_tests():
    arguments = test.arguments(False, ["07_perceptron_xor"])["chapters"]
    assert arguments[-2:] == ["tests", "notebooks/07_perceptron_xor.ipynb"]
    assert arguments[arguments.index("-k") + 1] == "perceptron_xor"


def test_crates_that_the_chapters_use_are_built_before_they_run(monkeypatch):
    asked = []
    monkeypatch.setattr(test.rust, "prepare", lambda member, progress: asked.append(member))
    test.provide_crates(["07_perceptron_xor"])
    assert asked == ["arrays"]


def test_slow_tests_run_only_when_asked_for():
    runs = test.arguments(False, [])
    assert all("not slow" in run for run in runs.values()) and "--nbval" in runs["notebooks"]
    slow = test.arguments(True, [])["slow"]
    assert "slow" in slow and "--nbval" not in slow and any("junitxml" in word for word in slow)


@pytest.mark.parametrize("cores", [1, 2])
def test_the_worst_of_two_runs_counts_and_both_are_heard(cores, monkeypatch, capfd):
    monkeypatch.setattr(test, "cores", lambda: cores)
    says = "import sys; print(sys.argv[1]); sys.exit(int(sys.argv[2]))"
    for codes in (["0", "0"], ["0", "3"], ["3", "0"]):
        commands = [[sys.executable, "-c", says, word, code] for word, code in zip(["first", "then"], codes)]
        assert test.side_by_side(commands, os.environ) == max(map(int, codes))
        assert capfd.readouterr().out.split() == ["first", "then"]


def test_two_runs_share_the_time(monkeypatch, tmp_path):
    """Each waits until the other has begun."""
    monkeypatch.setattr(test, "cores", lambda: 2)
    meet = "import pathlib, sys, time\nmine, other = map(pathlib.Path, sys.argv[1:])\nmine.touch()\n"
    meet += "while not other.exists(): time.sleep(0.01)"
    commands = [[sys.executable, "-c", meet, tmp_path / a, tmp_path / b] for a, b in ("xy", "yx")]
    assert test.side_by_side(commands, os.environ) == 0


def test_nothing_collected_is_a_failure(tmp_path):
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", str(tmp_path)]
    assert subprocess.run(command, cwd=tmp_path, capture_output=True).returncode == 5


def test_missing_programs_are_installed_on_ci_only(monkeypatch, capsys):
    called = []
    monkeypatch.setattr(test, "missing_programs", lambda: ["chromium"])
    monkeypatch.setattr(test.subprocess, "run", lambda command, **_: called.append(command))
    monkeypatch.setattr(test.shutil, "which", lambda name: name)
    monkeypatch.setattr(test.os, "geteuid", lambda: 0, raising=False)
    monkeypatch.setenv("CI", "")
    test.provide_programs()
    assert called == [] and "chromium missing" in capsys.readouterr().out
    monkeypatch.setenv("CI", "true")
    test.provide_programs()
    assert [command[:2] for command in called] == [["apt-get", "update"], ["apt-get", "install"]]
    assert called[1][-1] == "chromium"
